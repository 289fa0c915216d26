# shellcheck shell=sh
event=$(cat)
echo "{\"echo\":$event}"
