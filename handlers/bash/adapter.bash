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

# Reads an event: its headers into LAMBDA_RUNTIME_* variables, its body into stdio_event. False at the end of input.
stdio_headers=()
stdio_read() {
  local LC_ALL=C line name value length= # lengths are in bytes
  unset -v "${stdio_headers[@]}"
  stdio_headers=()
  while IFS= read -r -u 50 line && line=${line%$'\r'} && [[ $line ]]; do
    name=${line%%:*} value=${line#*:}
    name=${name^^}
    name=${name//[^A-Z0-9]/_}
    value=${value#"${value%%[! ]*}"}
    case $name in
      CONTENT_LENGTH) length=$value ;;
      LAMBDA_RUNTIME_*) stdio_headers+=("$name") && export "$name=$value" ;;
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

# Opens a new file for an answer, on 52. Each answer has one of its own, which a process left in the background can go on
# writing to. A here-document is a file without a name, for which no mktemp and rm need be started; without
# BASH_COMPAT, newer versions of bash take a pipe.
stdio_open() {
  local BASH_COMPAT=50
  exec 52<<<''
}

# stdio_answer STATUS: sends what the function printed, or, if it failed, the error: the object that it printed, or else its
# status. bootstrap makes JSON of the text, and puts the end of stderr into the error.
stdio_answer() {
  local LC_ALL=C body headers="Lambda-Runtime-Aws-Request-Id: $LAMBDA_RUNTIME_AWS_REQUEST_ID"
  stdio_busy=
  body=$(</proc/self/fd/52)
  if (($1)); then
    headers+=$'\nLambda-Runtime-Function-Error-Type: Function.ExitError'
    if [[ $body != *'"errorMessage"'* ]]; then
      printf '%s' "${body:+$body$'\n'}" >&2
      body="$stdio_function: exit status $1"
    fi
  fi
  printf '%s\nContent-Type: application/vnd.lambda-stdio.output\nContent-Length: %d\n\n%s' "$headers" "${#body}" "$body" >&51
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
stdio_busy=
[[ $(trap -p EXIT) ]] || trap 'stdio_status=$?; [[ ! $stdio_busy ]] || stdio_answer "$stdio_status"' EXIT

printf 'lambda-stdio/1 ready\n' >&51
while stdio_read; do
  stdio_open
  stdio_busy=yes
  "$stdio_function" "$stdio_event" >|/proc/self/fd/52 50<&-
  stdio_answer $?
done
