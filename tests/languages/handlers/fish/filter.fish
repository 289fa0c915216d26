set event (cat)
echo "{\"echo\":$event}"
