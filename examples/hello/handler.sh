#!/usr/bin/env bash
# Greets whoever the event names: {"name":"Ada"} -> {"greeting":"Hello, Ada!"}
#
# The whole protocol: read a line, the event; print JSON, the answer.

# A key "name" with a string, which is kept as it is written, escapes and all: what is right between the quotes of
# one JSON string is right between those of another.
name='"name"[[:space:]]*:[[:space:]]*"(([^"\\]|\\.)*)"'

while IFS= read -r event; do
  if [[ $event =~ $name ]]; then
    printf '{"greeting":"Hello, %s!"}\n' "${BASH_REMATCH[1]}"
  else
    printf '{"errorMessage":"the event has no name","errorType":"Function.NoName"}\n'
  fi
done
