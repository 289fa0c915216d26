# shellcheck shell=bash
# Greets whoever the event names, and counts how often.

greetings=0

# handler EVENT
handler() {
  local name='"name"[[:space:]]*:[[:space:]]*"([^"\\]*)"'
  if ! [[ $1 =~ $name ]]; then
    echo "There is no name in: $1" >&2
    return 1
  fi
  echo "greeting number $((++greetings)), for $LAMBDA_RUNTIME_AWS_REQUEST_ID" >&2
  echo "Hello, ${BASH_REMATCH[1]}!"
}
