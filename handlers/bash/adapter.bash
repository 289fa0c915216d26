# Runs a shell function as a handler: `function.handler` is the function `handler` in function.sh.
#
# bootstrap starts `bash -c THIS FILE NAME` and speaks messages with it: see handlers/README.md. The file is sourced once, and
# the function is called in this same shell for every event, so that variables last. Its argument is the event, and
# what it prints is the answer. Names are shared with it, so what belongs to the adapter is called stdio_*.

stdio_file=$0 stdio_function=$1
BASH_ARGV0=bootstrap # so that a file which asks whether it is sourced or run finds that it is sourced
shift

# Messages come in on 50 and go out on 51. The function's own input is empty, and what it prints by default is log.
exec 50<&0 51>&1 </dev/null >&2

# stdio_refuse TYPE MESSAGE: there is no handler, and why.
stdio_refuse() {
  local text=${2//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//[[:cntrl:]]/ }
  printf '{"errorMessage":"%s","errorType":"%s","stackTrace":[]}' "$text" "$1" >&51
  exit 1
}

((BASH_VERSINFO[0] >= 5)) || stdio_refuse Runtime.InvalidEntrypoint "The adapter takes bash 5.0 or newer; this is $BASH_VERSION"

# stdio_header: does what `line` says, whatever its spelling.
stdio_header() {
  local name=${line%%:*}
  name=${name^^}
  name=${name//[^A-Z0-9]/_}
  value=${line#*:}
  value=${value%$'\r'}
  value=${value#"${value%%[!$' \t']*}"}
  case $name in
    CONTENT_LENGTH) length=$value ;;
    LAMBDA_RUNTIME_*) stdio_headers+=("$name") && export "$name=$value" ;;
  esac
}

# Reads an event: its headers into LAMBDA_RUNTIME_* variables, its body into stdio_event. False at the end of input. Much of
# an event's time goes here, so that there are few commands for a header that is spelled as usual.
stdio_headers=()
stdio_read() {
  local LC_ALL=C line value length= # lengths are in bytes
  unset -v LAMBDA_RUNTIME_AWS_REQUEST_ID LAMBDA_RUNTIME_DEADLINE_MS LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN \
    LAMBDA_RUNTIME_TRACE_ID "${stdio_headers[@]}"
  stdio_headers=()
  while IFS= read -r -u 50 line && [[ $line && $line != $'\r' ]]; do
    case $line in
      *$'\r' | *:\ [$' \t']*) stdio_header ;;
      'Lambda-Runtime-Aws-Request-Id: '*) export LAMBDA_RUNTIME_AWS_REQUEST_ID="${line:31}" ;;
      'Lambda-Runtime-Deadline-Ms: '*) export LAMBDA_RUNTIME_DEADLINE_MS="${line:28}" ;;
      'Lambda-Runtime-Invoked-Function-Arn: '*) export LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN="${line:37}" ;;
      'Lambda-Runtime-Trace-Id: '*) export LAMBDA_RUNTIME_TRACE_ID="${line:25}" ;;
      'Content-Length: '*) length=${line:16} ;;
      'Content-Type: '*) ;;
      *) stdio_header ;;
    esac
  done
  if [[ ${LAMBDA_RUNTIME_TRACE_ID-} ]]; then
    export _X_AMZN_TRACE_ID=$LAMBDA_RUNTIME_TRACE_ID
  else
    unset -v _X_AMZN_TRACE_ID
  fi
  # Without -N, bash would read a pipe byte by byte.
  [[ $length ]] && IFS= read -r -u 50 -N "$length" stdio_event
}

# stdio_take FILE: writes to FILE are on 52 from now on, all of them at its end, and reads from its beginning on 53. The first
# line is there to be found again.
stdio_take() {
  exec 52>>"$1"
  exec 53<"$1"
  : >|"$1"
  stdio_taken=yes
}

# Opens a new file for an answer. Each answer has one of its own, which a process left in the background can go on writing to,
# and none has a name for longer than it takes to open it. Of what bash has built in only `fc` makes such a file: it has
# it edited by a command, which may be a function, and removes it. No program is started, which would take more time than the
# rest of an ordinary event. Where bash was built without it, mktemp and rm are.
stdio_open() {
  local name
  stdio_taken=
  exec 52>&- 53<&-
  builtin fc -e stdio_take -1 2>/dev/null
  if [[ ! $stdio_taken ]]; then # nothing is in the history
    builtin history -s : 2>/dev/null
    builtin fc -e stdio_take -1 2>/dev/null
  fi
  if [[ ! $stdio_taken ]] && name=$(mktemp); then
    stdio_take "$name"
    rm -f -- "$name"
  fi
  [[ $stdio_taken ]] || return
  printf 'answer\n' >&52
  [[ $stdio_pipe ]] || return 0
  exec 54> >(exec cat >&52 50<&-)
  stdio_pipe=$!
}

# Closes the file to writers, and reads what was printed into stdio_parts, one for each NUL and the last; less the line feeds
# at its end, as $(...) has it. False, with the reason in stdio_event, if that is not all.
stdio_collect() {
  if [[ $stdio_pipe ]]; then
    exec 54>&- >&2 # where `exit` brought us here, 1 is open still
    wait "$stdio_pipe"
  fi
  # Had there been no room for an answer, there would be none for this either: what is written in part fills what is left.
  if ! printf '\n' >&52; then
    stdio_event="what it printed could not be kept: is there room in ${TMPDIR:-/tmp}?"
    return 1
  fi
  mapfile -d '' -u 53 stdio_parts # faster than read
  if [[ ${stdio_parts[0]::7} != answer$'\n' ]]; then
    stdio_event='its output was opened by name, and what was printed before is lost: print to >&1'
    return 1
  fi
  stdio_parts[0]=${stdio_parts[0]:7}
  while [[ ${stdio_parts[-1]: -1} == $'\n' ]]; do
    stdio_parts[-1]=${stdio_parts[-1]::-1}
  done
}

# stdio_answer STATUS: sends what the function printed, or, if it failed, the error: the object that it printed, or else its
# status. bootstrap makes JSON of the text, and puts the end of stderr into the error.
stdio_answer() {
  local LC_ALL=C status=$1 length=-1 part headers="Lambda-Runtime-Aws-Request-Id: $LAMBDA_RUNTIME_AWS_REQUEST_ID"
  stdio_busy=
  if ! stdio_collect; then
    stdio_parts=("$stdio_function: $stdio_event")
    status=1
  elif ((status)) && [[ ${stdio_parts[*]} != *'"errorMessage"'* ]]; then
    printf '%s' "${stdio_parts[@]}" ${stdio_parts[0]:+$'\n'} >&2
    stdio_parts=("$stdio_function: exit status $1")
  fi
  ((!status)) || headers+=$'\nLambda-Runtime-Function-Error-Type: Function.ExitError'
  for part in "${stdio_parts[@]}"; do
    ((length += 1 + ${#part}))
  done
  printf '%s\nContent-Type: application/vnd.lambda-stdio.output\nContent-Length: %d\n\n%s' \
    "$headers" "$length" "${stdio_parts[0]}" >&51
  for part in "${stdio_parts[@]:1}"; do
    printf '\0%s' "$part" >&51
  done
}

[[ -r $stdio_file ]] || stdio_refuse Runtime.ImportModuleError "$stdio_file cannot be read"
# shellcheck source=/dev/null
source "$stdio_file" 50<&- 51>&-
stdio_status=$?
if ((stdio_status)) && ! stdio_event=$("$BASH" -n "$stdio_file" 2>&1); then
  stdio_refuse Runtime.UserCodeSyntaxError "$stdio_event"
fi
declare -F -- "$stdio_function" >/dev/null || stdio_refuse Runtime.HandlerNotFound "There is no function $stdio_function in $stdio_file"

# `exit` in the function, or a failure under `set -e`, ends this shell: the event is answered all the same, and bootstrap starts
# another. Where the file has a trap of its own, bootstrap answers.
stdio_busy='' stdio_pipe=''
[[ $(trap -p EXIT) ]] || trap 'stdio_status=$?; [[ ! $stdio_busy ]] || stdio_answer "$stdio_status" || :' EXIT

# Who opens /dev/stdout gets a file anew, and loses what was printed; with a pipe in between nothing is lost, but a program
# is started for each event. So that is for those who name it.
stdio_output=52
if stdio_open && declare -f >&52 && stdio_collect && [[ ${stdio_parts[0]} =~ /dev/stdout|/fd/1 ]]; then
  stdio_pipe=yes stdio_output=54
fi

printf 'lambda-stdio/1 ready\n' >&51
while stdio_read; do
  stdio_open || : # and so there will be no room for an answer
  stdio_busy=yes
  "$stdio_function" "$stdio_event" >&"$stdio_output" 50<&-
  stdio_answer $? || :
done
