$(info {"echo":$(shell cat)})
all:
	@:
