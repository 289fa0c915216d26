#!/usr/bin/env bash
# Counts down, a number at a time: a oneshot whose output is sent as it comes.

event=$(cat)
[[ $event =~ \"from\":\ *([0-9]+) ]] && from=${BASH_REMATCH[1]}

printf '['
for ((number = ${from:-5}; number > 0; number--)); do
  printf '%d,\n' "$number"
  sleep "${PAUSE:-1}"
done
printf '"lift-off"]'
