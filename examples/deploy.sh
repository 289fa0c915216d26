#!/bin/sh
# Puts a function on AWS Lambda, looks after it and takes it away again, with the AWS CLI and nothing else.
#
#   ./build.sh function examples/hello                     makes out/hello.zip
#   examples/deploy.sh function examples/hello             says which commands would make a function of it
#   examples/deploy.sh function examples/hello --yes       makes it, or brings it up to date
#   examples/deploy.sh help                                tells the rest
#
# What changes something in the account is a dry run without --yes: on stdout are the very commands, ready to paste. What is
# made carries the tag lambda-stdio=NAME (a layer, which can have no tags, a description), and nothing without it is touched.

set -eu

timeout_of_new=30
memory_of_new=256
retention_days=14
largest_zip=52428800 # what Lambda takes in one piece: 50 MiB

usage() {
  cat <<'END'
Usage: examples/deploy.sh COMMAND [OPTION]...

  function DIR        creates or updates the function of this folder from out/NAME.zip, which `./build.sh function DIR` makes,
                      with a role of its own, which may write logs, and a log group that keeps them for 14 days
      --name NAME         the function's name; the folder's, unless this says otherwise
      --zip FILE          the zip, if it is not out/NAME.zip
      --handler HANDLER   the handler; without it, what the file env in DIR says that _HANDLER is, or DIR's only handler.*
      --env FILE          variables, NAME=VALUE in each line; DIR/env, if it is there
      --timeout SECONDS   30 for a new function
      --memory MB         256 for a new function
      --arch ARCH         x86_64 or arm64; without it, what the zip's bootstrap was built for, or else this machine's
      --layer LAYER       a layer to use, in its newest version: a name or an ARN. May be given several times
      --role ARN          use this role and make none
  layer ZIP           publishes a layer: out/lambda-stdio.zip, out/sbcl-layer.zip
      --name NAME, --arch ARCH
  url NAME            gives the function a URL, for those whom IAM lets in
      --public            for everybody: anyone who knows it can call the function, and you pay
      --stream            answers go out as they come, where the handler streams them
  invoke NAME [EVENT] calls it: EVENT is JSON, or a file with JSON, or - for stdin; {} without it
  logs NAME           prints what it logged in the last 10 minutes
      --since MINUTES     or in so many
      --follow            and goes on until it is interrupted
  delete NAME         deletes the function with its URL, its log group and its role
  delete-layer NAME   deletes all versions of a layer
  help                prints this

All take --region REGION. Options that are left out leave an existing function as it is.

function, layer, url, delete and delete-layer only print what they would do, unless --yes is given.

What costs money: each call and the time that it takes, and what is logged, beyond Lambda's and CloudWatch's free tiers.
A function that nobody calls costs nothing, nor do roles, URLs and layers.
END
}

say() {
  printf 'deploy.sh: %s\n' "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# --- Talking to AWS -------------------------------------------------------------------------------------------------

# Sees to it that there is somebody to ask: $region.
connect() {
  command -v aws >/dev/null || die 'The AWS CLI is missing. Install it: pip install awscli, or see https://aws.amazon.com/cli'
  region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}}
  [ -n "$region" ] || die 'Which region? Say --region eu-west-1, or export AWS_DEFAULT_REGION=eu-west-1, or type: aws configure'
  # Version 1 of the CLI knows the one, version 2 both. And no pager.
  export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
}

# look WORD...: asks AWS something, and puts the answer into $seen. False if it says that there is no such thing.
look() {
  if seen=$(aws "$@" --output text 2>"$box/error"); then
    [ "$seen" != None ] || seen=''
    return 0
  fi
  seen=''
  ! grep -q 'ResourceNotFoundException\|NoSuchEntity' "$box/error" || return 1
  failed "$@"
}

# change WORD...: changes something, or in a dry run prints the command that would.
change() {
  if [ -z "$yes" ]; then
    [ -n "$commands" ] || command_line export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
    commands=printed
    command_line aws "$@"
    return
  fi
  try "$@" || failed "$@"
}

try() {
  printf '+ %s\n' "$(command_line aws "$@")" >&2
  aws "$@" >"$box/answer" 2>"$box/error"
}

# The same for what needs the role, which Lambda may not know for some seconds after it was made.
change_once_the_role_is_known() {
  tries=1
  while [ -n "$yes" ] && [ "$tries" -lt 20 ]; do
    if try "$@"; then
      return
    fi
    grep -q 'cannot be assumed by Lambda' "$box/error" || failed "$@"
    say 'Lambda does not know the new role yet: trying again'
    tries=$((tries + 1))
    sleep 3
  done
  change "$@"
  [ -n "$yes" ] || say 'Lambda takes some seconds to know a new role: until then it refuses create-function.'
}

# Prints a command as a shell reads it.
command_line() {
  line=''
  for word; do
    case $word in
      *[!A-Za-z0-9_./:=,@%+-]* | '') line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'" ;;
      *) line="$line $word" ;;
    esac
  done
  printf '%s\n' "${line# }"
}

# Says what went wrong and what helps, and ends.
failed() {
  say "This failed: $(command_line aws "$@")"
  grep . "$box/error" >&2 || true
  case $(cat "$box/error") in
    *'Unable to locate credentials'* | *'Partial credentials'*)
      die 'There are no credentials. Type: aws configure; or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.' ;;
    *'config profile'*'could not be found'*)
      die 'AWS_PROFILE names a profile that is not there. These are: aws configure list-profiles' ;;
    *ExpiredToken* | *InvalidClientTokenId* | *UnrecognizedClient* | *SignatureDoesNotMatch* | *'SSO Token'* | *'oken has expired'*)
      die 'AWS does not take these credentials (any more). Log in again: aws sso login, or aws configure.' ;;
    *AccessDenied* | *'not authorized'*)
      die 'Your credentials do not allow this. Whoever looks after the account can, by the permission that is named above.' ;;
    *'Could not connect to the endpoint'* | *'Invalid endpoint'*)
      die "Nobody answers there. Is $region a region, and is there a network? AWS_ENDPOINT_URL is ${AWS_ENDPOINT_URL:-not set}." ;;
    *'Unknown options'* | *'Invalid choice'* | *'argument operation'*)
      die "This AWS CLI is too old ($(aws --version 2>&1)). Update it: pip install -U awscli, or see https://aws.amazon.com/cli" ;;
  esac
  exit 1
}

# What is at hand when something fails in the middle.
made() {
  [ -z "$yes" ] || done_so_far="${done_so_far:+$done_so_far, }$*"
}

finish() {
  status=$?
  rm -rf "$box"
  if [ "$status" -ne 0 ] && [ -n "$done_so_far" ]; then
    say "Done before that: $done_so_far. To go on, give the same command again.${undo:+ To take it back: $undo}"
  fi
  exit "$status"
}

# The last word of a command that changes something.
conclude() {
  if [ -n "$yes" ]; then
    say "$*"
  else
    say 'Nothing was changed: these are the commands. With --yes they are run.'
  fi
}

# --- What is there already, and whose it is ------------------------------------------------------------------------

# True if there is a function of this name and it is ours; ends if it is not.
our_function() {
  look lambda get-function --function-name "$name" --query '[Configuration.FunctionArn,Tags."lambda-stdio"]' || return 1
  case $seen in
    *"${tab}None") foreign "function $name" "--name" "aws lambda tag-resource --resource ${seen%%[!A-Za-z0-9:_-]*} --tags lambda-stdio=$name" ;;
  esac
}

need_function() {
  our_function || die "There is no function $name in $region. Make it: $0 function DIR --name $name"
}

our_role() {
  look iam list-role-tags --role-name "$role_name" --query "Tags[?Key=='lambda-stdio'].Value" || return 1
  [ -n "$seen" ] || foreign "role $role_name" --role "aws iam tag-role --role-name $role_name --tags Key=lambda-stdio,Value=$name"
}

log_group_exists() {
  look logs describe-log-groups --log-group-name-prefix "$log_group" --query "logGroups[?logGroupName=='$log_group'].arn"
  [ -n "$seen" ]
}

# True if it is ours. If not, it holds what an earlier function has logged.
our_log_group() {
  log_group_exists && look logs list-tags-for-resource --resource-arn "${seen%:\*}" --query 'tags."lambda-stdio"' &&
    [ -n "$seen" ]
}

# The newest version of the layer $1, in $seen; false if there is none, and an end if it is not ours.
our_layer() {
  look lambda list-layer-versions --layer-name "$1" --query 'LayerVersions[0].[LayerVersionArn,Description]' || return 1
  case $seen in
    '') return 1 ;;
    *"$layer_mark"*) ;;
    *) die "There is a layer $1 in $region that this script did not publish. Take another name: --name" ;;
  esac
}

foreign() {
  die "There is a $1 in $region that this script did not make: it has no tag lambda-stdio. Take another ($2), or hand this" \
    "one over: $3"
}

# --- Commands -------------------------------------------------------------------------------------------------------

cmd_function() {
  dir=${subject%/}
  [ -d "$dir" ] || die "There is no folder $dir. Which function? $0 function examples/hello"
  name=${name:-$(basename "$(cd "$dir" && pwd)")}
  zip=${zip:-out/$(basename "$(cd "$dir" && pwd)").zip}
  [ -f "$zip" ] || die "There is no $zip. Build it: ./build.sh function $dir"
  check_size "$zip"
  check_name
  choose_arch "$zip"
  [ -n "$env" ] || [ ! -f "$dir/env" ] || env=$dir/env
  choose_handler
  environment=$(environment) || exit
  connect
  name_parts

  set --
  [ -z "$handler" ] || set -- "$@" --handler "$handler"
  [ -z "$environment" ] || set -- "$@" --environment "$environment"
  if [ -n "$layers" ]; then
    layer_arns
    # shellcheck disable=SC2086 # one word per layer
    set -- "$@" --layers $layer_arns
  fi
  if our_function; then
    [ -z "$role" ] || set -- "$@" --role "$role"
    update_function "$@" ${timeout:+--timeout "$timeout"} ${memory:+--memory-size "$memory"}
  else
    [ -n "$handler" ] || die "What is the handler? $dir has no file env with _HANDLER, and not one handler.*: say --handler"
    create_function "$@" --timeout "${timeout:-$timeout_of_new}" --memory-size "${memory:-$memory_of_new}"
  fi
  conclude "$name is on Lambda. Call it: $0 invoke $name$([ ! -f "$dir/event.json" ] || echo " $dir/event.json")"
}

# create_function OPTION...
create_function() {
  undo="$0 delete $name --yes"
  [ -n "$role" ] || make_role
  if ! log_group_exists; then
    change logs create-log-group --log-group-name "$log_group" --tags "lambda-stdio=$name"
    made "the log group $log_group"
    change logs put-retention-policy --log-group-name "$log_group" --retention-in-days "$retention_days"
  fi
  change_once_the_role_is_known lambda create-function --function-name "$name" --runtime provided.al2023 \
    --architectures "$arch" --role "$role" --zip-file "fileb://$zip" --tags "lambda-stdio=$name" "$@"
  made "the function $name"
  change lambda wait function-active-v2 --function-name "$name"
}

# update_function OPTION...
update_function() {
  change lambda update-function-code --function-name "$name" --architectures "$arch" --zip-file "fileb://$zip"
  made "the new code of $name"
  change lambda wait function-updated-v2 --function-name "$name"
  change lambda update-function-configuration --function-name "$name" --runtime provided.al2023 "$@"
  change lambda wait function-updated-v2 --function-name "$name"
}

make_role() {
  role=arn:$partition:iam::$account:role/$role_name
  [ "${#role_name}" -le 64 ] || die "The role would be called $role_name, which is too long. Take a shorter --name, or --role"
  if ! our_role; then
    change iam create-role --role-name "$role_name" --tags "Key=lambda-stdio,Value=$name" \
      --description "lambda-stdio: the function $name in $region" --assume-role-policy-document "$(trust)"
    made "the role $role_name"
  fi
  # It may be there from a run that was interrupted, without this.
  change iam attach-role-policy --role-name "$role_name" --policy-arn "$policy"
}

trust() {
  service='{"Service":"lambda.amazonaws.com"}'
  echo "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":$service,\"Action\":\"sts:AssumeRole\"}]}"
}

cmd_layer() {
  [ -f "$subject" ] || die "There is no $subject. Build it: ./build.sh makes out/lambda-stdio.zip, ./build.sh sbcl out/sbcl-layer.zip"
  name=${name:-$(basename "$subject" .zip)}
  check_size "$subject"
  check_name
  choose_arch "$subject"
  description="$layer_mark $(sha256 "$subject") $arch"
  connect
  undo="$0 delete-layer $name --yes"
  if our_layer "$name" && [ "${seen#*"$description"}" != "$seen" ]; then
    say "The layer $name holds these very bytes already: ${seen%%[!A-Za-z0-9:_-]*}"
    return
  fi
  change lambda publish-layer-version --layer-name "$name" --zip-file "fileb://$subject" \
    --compatible-runtimes provided.al2023 --compatible-architectures "$arch" --description "$description"
  conclude "The layer $name has a new version. Functions take it when they are deployed: $0 function DIR --layer $name"
}

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

cmd_delete() {
  name=$subject
  connect
  name_parts
  if our_function; then
    change lambda delete-function --function-name "$name"
    made "the function $name is deleted"
  fi
  if our_log_group; then
    change logs delete-log-group --log-group-name "$log_group"
    made "the log group $log_group is deleted"
  fi
  if look iam list-role-tags --role-name "$role_name" --query "Tags[?Key=='lambda-stdio'].Value" && [ -n "$seen" ]; then
    look iam list-attached-role-policies --role-name "$role_name" --query "AttachedPolicies[?PolicyArn=='$policy'].PolicyArn"
    [ -z "$seen" ] || change iam detach-role-policy --role-name "$role_name" --policy-arn "$policy"
    change iam delete-role --role-name "$role_name"
    made "the role $role_name is deleted"
  fi
  if [ -n "$commands$done_so_far" ]; then
    conclude "Nothing is left of $name."
  else
    say "There is nothing called $name in $region that this script has made."
  fi
}

cmd_delete_layer() {
  name=$subject
  connect
  look lambda list-layer-versions --layer-name "$name" --query "LayerVersions[?contains(Description||'','$layer_mark')].[Version]" || true
  for version in $seen; do
    change lambda delete-layer-version --layer-name "$name" --version-number "$version"
    made "version $version of the layer $name is deleted"
  done
  if [ -n "$commands$done_so_far" ]; then
    conclude "Nothing is left of the layer $name. Functions that use it keep it."
  else
    say "There is no layer $name in $region that this script has published."
  fi
}

# --- What the function is made of -----------------------------------------------------------------------------------

# What belongs to the function, by name.
name_parts() {
  look sts get-caller-identity --query '[Account,Arn]'
  account=${seen%%[!0-9]*}
  partition=${seen#*arn:}
  partition=${partition%%:*}
  role_name=lambda-stdio-$name-$region
  log_group=/aws/lambda/$name
  policy=arn:$partition:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
}

check_name() {
  case $name in
    *[!A-Za-z0-9_-]* | '') die "'$name' cannot be a name: it takes letters, digits, - and _. Say --name NAME" ;;
  esac
}

check_size() {
  [ "$(wc -c <"$1")" -le "$largest_zip" ] ||
    die "$1 is too large: Lambda takes zips up to 50 MiB. Put a part of it into a layer, or use a container image."
}

# The architecture: what is asked for must be what the bootstrap in the zip $1, if there is one, was built for.
choose_arch() {
  machine=$(unzip -p "$1" bootstrap 2>/dev/null | od -A n -t x1 -j 18 -N 1 2>/dev/null | tr -d ' \n')
  case $machine in
    3e) built=x86_64 ;;
    b7) built=arm64 ;;
    *) built='' ;;
  esac
  case ${arch:-${built:-$(uname -m)}} in
    x86_64 | amd64) arch=x86_64 ;;
    arm64 | aarch64) arch=arm64 ;;
    *) die "--arch takes x86_64 or arm64, not ${arch:-$(uname -m)}" ;;
  esac
  [ "${built:-$arch}" = "$arch" ] || die "The bootstrap in $1 is for $built. Build it anew with: --arch $arch"
}

choose_handler() {
  [ -z "$env" ] || [ -r "$env" ] || die "There is no $env."
  [ -n "$handler" ] || [ -z "$env" ] || handler=$(sed -n 's/^_HANDLER=//p' "$env")
  if [ -z "$handler" ]; then
    set -- "$dir"/handler.*
    [ $# -ne 1 ] || [ ! -f "$1" ] || handler=$(basename "$1")
  fi
}

# The variables in $env, as Lambda takes them; nothing if there are none.
environment() {
  [ -n "$env" ] || return 0
  lines=$(grep -v -e '^#' -e '^[[:space:]]*$' -e '^_HANDLER=' "$env" || true)
  [ -n "$lines" ] || return 0
  wrong=$(printf '%s\n' "$lines" | grep -v '^[A-Za-z][A-Za-z0-9_]*=' || true)
  [ -z "$wrong" ] || die "$env: this is not NAME=VALUE: $wrong"
  pairs=$(printf '%s\n' "$lines" | sed "s/\\\\/\\\\\\\\/g; s/\"/\\\\\"/g; s/$tab/\\\\t/g; s/\([^=]*\)=\(.*\)/\"\1\":\"\2\"/" | paste -s -d , -)
  printf '{"Variables":{%s}}' "$pairs"
}

# The ARNs of $layers, in $layer_arns.
layer_arns() {
  layer_arns=''
  for layer in $layers; do
    case $layer in
      arn:*) seen=$layer ;;
      *) our_layer "$layer" || die "There is no layer $layer in $region. Publish it: $0 layer out/$layer.zip" ;;
    esac
    layer_arns="$layer_arns ${seen%%[!A-Za-z0-9:_-]*}"
  done
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# --- Which one? -----------------------------------------------------------------------------------------------------

yes='' name='' zip='' handler='' env='' timeout='' memory='' arch='' layers='' role='' region='' public='' stream=''
tab=$(printf '\t')
since='' follow='' subject='' event='' commands='' done_so_far='' undo='' seen=''
layer_mark='lambda-stdio sha256' event_mark=lambda-stdio-event:

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  help | -h | --help) usage && exit ;;
  function) takes='--yes --name --zip --handler --env --timeout --memory --arch --layer --role' what=DIR ;;
  layer) takes='--yes --name --arch' what=ZIP ;;
  url) takes='--yes --public --stream' what=NAME ;;
  invoke) takes='' what=NAME ;;
  logs) takes='--since --follow' what=NAME ;;
  delete | delete-layer) takes='--yes' what=NAME ;;
  *) die "There is no command $command. These are: $0 help" ;;
esac

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit ;;
    --*)
      case " $takes --region " in
        *" $1 "*) ;;
        *) die "$command does not take $1. It takes: ${takes:+$takes }--region" ;;
      esac
      case $1 in
        --yes | --public | --stream | --follow) ;;
        *) [ $# -ge 2 ] || die "$1 wants a value." ;;
      esac
      ;;
  esac
  case $1 in
    --yes) yes=yes ;;
    --public) public=yes ;;
    --stream) stream=yes ;;
    --follow) follow=yes ;;
    --layer) layers="$layers $2" && shift ;;
    --memory) memory=$2 && shift ;;
    --*) eval "${1#--}=\$2" && shift ;;
    *)
      if [ -z "$subject" ]; then
        subject=$1
      elif [ "$command" = invoke ] && [ -z "$event" ]; then
        event=$1
      else
        die "What is $1? $command takes one $what."
      fi
      ;;
  esac
  shift
done
[ -n "$subject" ] || die "$command wants a $what: $0 help"
for number in "$timeout" "$memory" "$since"; do
  case $number in
    *[!0-9]*) die "--timeout, --memory and --since take whole numbers, not $number" ;;
  esac
done

box=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"cmd_$(echo "$command" | tr - _)"
