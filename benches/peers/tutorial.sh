#!/bin/bash
# A runtime for bash functions as AWS's tutorial for custom runtimes has it, in our own words: one curl for the event, with its
# headers into a file, one for the answer, and the request id by grep and friends.
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html
set -euo pipefail

# shellcheck source=/dev/null
source "$LAMBDA_TASK_ROOT/${_HANDLER%%.*}.sh"
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation

while true; do
  headers=$(mktemp)
  event=$(curl -sS -LD "$headers" "$api/next")
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  answer=$("${_HANDLER#*.}" "$event")
  curl -sS -o /dev/null "$api/$id/response" -d "$answer"
  # The tutorial leaves these files behind.
  rm "$headers"
done
