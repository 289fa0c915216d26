#!/bin/bash
# The echo, as a loop in bash.
while IFS= read -r event; do
  printf '%s\n' "$event"
done
