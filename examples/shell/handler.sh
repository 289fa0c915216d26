#!/usr/bin/env bash
# Runs the command line in the event and answers with its exit status and what it printed.
#
#   event   {"command":"wc -l","stdin":"one\ntwo\n","cwd":"/tmp","timeout":10}    only "command" is needed
#   answer  {"status":0,"stdout":"2\n","stderr":"","cwd":"/tmp"}
#
# Needs bash, coreutils and iconv, no more: they are in Lambda's bare image.

set -m # a process group for each command, so that all of it can be stopped

box=$(mktemp -d) || exit
trap 'rm -rf "$box"' EXIT
trap 'exec 2>/dev/null; kill -- "-$!"; exit 143' TERM INT

# --- Reading the event ----------------------------------------------------------------------------------------------

# Finds the string called $1 in $event and puts it, decoded, into $value. False if there is none.
# In $event the escapes \\ and \" are the bytes 1 and 2, which JSON cannot contain: every quote that is left is one of
# those around a string.
string() {
  local LC_ALL=C key="\"$1\"[[:space:]]*:[[:space:]]*\"([^\"]*)\"" char
  [[ $event =~ $key ]] || return
  value=${BASH_REMATCH[1]}
  value=${value//\\\//\/} value=${value//\\b/$'\b'} value=${value//\\f/$'\f'}
  value=${value//\\n/$'\n'} value=${value//\\r/$'\r'} value=${value//\\t/$'\t'}
  while [[ $value =~ \\u([dD][89abAB]..)\\u([dD][c-fC-F]..) ]]; do # one character in two halves
    printf -v char '\\U%08x' $((0x10000 + (0x${BASH_REMATCH[1]} - 0xd800 << 10) + 0x${BASH_REMATCH[2]} - 0xdc00))
    value=${value//"${BASH_REMATCH[0]}"/"$char"}
  done
  value=${value//$'\1'/\\\\} value=${value//$'\2'/\"}
  LC_ALL=C.UTF-8 printf -v value %b "$value" # \\ and \u00e9
}

# The milliseconds that the command may take, in $limit: the event's timeout, but not more than the deadline leaves
# when half a second is kept for the answer. 0: no limit.
limit() {
  local LC_ALL=C left
  limit=0
  [[ $event =~ \"timeout\"[[:space:]]*:[[:space:]]*([0-9.]+) ]] && printf -v limit %.0f "${BASH_REMATCH[1]}e3"
  if [[ -r ${LAMBDA_CONTEXT_FILE-} && $(<"$LAMBDA_CONTEXT_FILE") =~ \"deadlineMs\":\ ?([0-9]+) ]]; then
    left=$((BASH_REMATCH[1] - ${EPOCHREALTIME/[.,]/} / 1000))
    ((left <= 0)) && return # emulators send a deadline in 1970: there is none
    ((left = left > 600 ? left - 500 : 100))
    ((limit == 0 || limit > left)) && limit=$left
  fi
}

# --- Running the command --------------------------------------------------------------------------------------------

# Runs $command in the folder $cwd, with its output in files, where any bytes are welcome; its status is in $status,
# 124 if its time ran out. Before it ends it tells in which folder it is.
run() {
  printf -v limit '%d.%03d' $((limit / 1000)) $((limit % 1000))
  (
    cd -- "$cwd" && printf %s "$PWD" >"$box/cwd" &&
      exec timeout -k 0.2 "$limit" bash -c "trap 'printf %s \"\$PWD\" >$box/cwd' EXIT; $command"
  ) <"$box/stdin" >"$box/stdout" 2>"$box/stderr" &
  wait $! 2>/dev/null # which says so when a signal ended it
  status=$?
}

# --- Writing the answer ---------------------------------------------------------------------------------------------

# Puts the file $1 into $text as the inside of a JSON string. False if it is not text: not UTF-8, or with a NUL, which
# bash cannot hold.
read_text() {
  local LC_ALL=C char code
  iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 || return
  { text=$(cat "$1" && echo .); } 2>/dev/null
  text=${text%.}
  ((${#text} == $(stat -c %s "$1"))) || return
  text=${text//\\/\\\\} text=${text//\"/\\\"}
  text=${text//$'\n'/\\n} text=${text//$'\r'/\\r} text=${text//$'\t'/\\t}
  [[ $text == *[$'\1'-$'\37']* ]] || return 0
  for code in {1..31}; do
    printf -v code %02x "$code"
    printf -v char %b "\\x$code"
    text=${text//"$char"/"\\u00$code"}
  done
}

# Prints what the command wrote to $1, stdout or stderr, as a member of the answer.
output() {
  if read_text "$box/$1"; then
    printf '"%s":"%s"' "$1" "$text"
  else
    printf '"%sBase64":"%s"' "$1" "$(base64 -w0 "$box/$1")"
  fi
}

answer() {
  read_text "$box/cwd"
  printf '{"status":%d,%s,%s,"cwd":"%s"}\n' "$status" "$(output stdout)" "$(output stderr)" "$text"
}

fail() {
  printf '{"errorMessage":"%s","errorType":"Function.%s"}\n' "$2" "$1"
}

# --- One event after another ----------------------------------------------------------------------------------------

while IFS= read -r event; do
  event=${event//\\\\/$'\1'} event=${event//\\\"/$'\2'}
  if ! string command; then
    fail NoCommand 'The event has no command. It takes {\"command\":\"uname -a\"}, and more: see the README.'
    continue
  fi
  command=$value
  cwd=$PWD && string cwd && cwd=$value
  : >"$box/stdin"
  string stdin && printf %s "$value" >"$box/stdin"
  string stdinBase64 && base64 -d <<<"$value" >"$box/stdin"
  limit
  printf %s "$PWD" >"$box/cwd"
  run
  if (($(stat -c %s "$box/stdout") + $(stat -c %s "$box/stderr") > 4 << 20)); then
    fail OutputTooLarge 'The command printed more than 4 MiB. Write it to a file, and look at a part of it.'
  else
    answer
  fi
done
