#!/bin/bash
# The same page, by a loop that reads events.
while read -r event; do
  [[ $event =~ \"rawQueryString\":\"name=([A-Za-z]+)\" ]] && name=${BASH_REMATCH[1]}
  printf '{"statusCode":200,"headers":{"Content-Type":"text/html; charset=utf-8"},"body":"<p>Hello, %s!</p>\\n"}\n' "$name"
done
