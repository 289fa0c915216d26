# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh url, invoke and logs: a function that is there.

cmd_url() {
  name=$subject
  connect
  need_function
  auth=AWS_IAM
  [ -z "$public" ] || auth=NONE
  mode=BUFFERED
  [ -z "$stream" ] || mode=RESPONSE_STREAM
  verb=update
  look lambda get-function-url-config --function-name "$name" --query FunctionUrl || verb=create
  change lambda "$verb-function-url-config" --function-name "$name" --auth-type "$auth" --invoke-mode "$mode" \
    --query FunctionUrl --output text
  url=$(cat "$box/answer" 2>/dev/null || true)
  made "the URL of $name, with the authentication $auth"
  look lambda get-policy --function-name "$name" --query Policy || seen=''
  for right in InvokeFunctionUrl InvokeFunction; do
    set -- --function-name "$name" --statement-id "lambda-stdio-public-$right"
    case $auth,$seen in
      NONE,*"\"lambda-stdio-public-$right\""*) ;;
      NONE,*)
        option='--function-url-auth-type NONE'
        [ "$right" = InvokeFunctionUrl ] || option=--invoked-via-function-url
        # shellcheck disable=SC2086 # an option, and its value if it has one
        change lambda add-permission "$@" --action "lambda:$right" --principal '*' $option
        ;;
      *"\"lambda-stdio-public-$right\""*) change lambda remove-permission "$@" ;;
    esac
  done
  if [ "$auth" = NONE ]; then
    conclude "Everybody may call $url"
  else
    conclude "Whom IAM lets in may call $url, as by: curl --aws-sigv4 aws:amz:$region:lambda" \
      "--user \"\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY\" -H \"x-amz-security-token: \$AWS_SESSION_TOKEN\" $url"
  fi
}

cmd_invoke() {
  name=$subject
  case ${event:={\}} in
    -) cat >"$box/event" ;;
    *) if [ -f "$event" ]; then cat "$event"; else printf %s "$event"; fi >"$box/event" ;;
  esac
  connect
  look lambda invoke --function-name "$name" --payload "fileb://$box/event" --log-type Tail --cli-read-timeout 0 \
    --query '[FunctionError,LogResult]' "$box/response" ||
    die "There is no function $name in $region. Make it: $0 function DIR --name $name"
  fault=${seen%%"$tab"*}
  log=${seen#*"$tab"}
  [ "$log" = None ] || printf %s "$log" | base64 -d >&2
  cat "$box/response"
  echo
  [ "$fault" = None ] || die "$name failed ($fault): the error is above, the end of its log above that."
}

cmd_logs() {
  name=$subject
  connect
  log_group=/aws/lambda/$name
  start=$((($(date +%s) - ${since:-10} * 60) * 1000))
  : >"$box/printed"
  while
    # No answer is no log group: it is made with the first line.
    look logs filter-log-events --log-group-name "$log_group" --start-time "$start" \
      --query "events[].[join('',['$event_mark',eventId]),message]" || [ -n "$follow" ] ||
      die "$name has logged nothing yet in $region, or there is no such function."
    print_new_lines
    [ -n "$follow" ]
  do
    sleep 2
  done
}

# Prints those events in $seen that were not printed before. Each is a mark with its id, a tab, and a message, which may have
# lines, and mostly ends with one.
print_new_lines() {
  printf '%s\n' "$seen" | awk -F '\t' -v printed="$box/printed" -v mark="$event_mark" '
    BEGIN { while ((getline id < printed) > 0) old[id] = 1; close(printed) }
    index($0, mark) == 1 {
      id = $1
      fresh = !old[id]
      if (fresh) print id >> printed
      $0 = substr($0, length(id) + 2)
    }
    fresh && length($0)'
}
