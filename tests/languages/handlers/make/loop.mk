all:
	@while read -r event; do echo "{\"echo\":$$event}"; done
