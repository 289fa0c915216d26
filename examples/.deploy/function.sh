# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh function: from a zip, on Lambda's bare image or on a runtime of your own. And deploy.sh delete.

cmd_function() {
  check_dir
  zip=${zip:-$(out_folder)/$(basename "$(cd "$dir" && pwd)").zip}
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
  before=''
  if our_function; then
    before=$(printf %s "$seen" | cut -f 3)
    [ "$before" != Image ] || die "$name is made of a container image. Take another --name, or delete it: $0 delete $name"
    before=$(printf %s "$seen" | cut -f 4)
  fi
  choose_runtime
  # shellcheck disable=SC2086 # an option and its value, or two, or none
  set -- "$@" $runtime_options
  if [ -n "$before" ]; then
    [ -z "$role" ] || set -- "$@" --role "$role"
    update_function "$@" ${timeout:+--timeout "$timeout"} ${memory:+--memory-size "$memory"}
  else
    [ -n "$handler" ] || die "What is the handler? $dir has no file env with _HANDLER, and not one handler.*: say --handler"
    create_function "$@" --zip-file "fileb://$zip" --timeout "${timeout:-$timeout_of_new}" \
      --memory-size "${memory:-$memory_of_new}"
  fi
  conclude "$name is on Lambda. Call it: $0 invoke $name$([ ! -f "$dir/event.json" ] || echo " $dir/event.json")"
}

# The folder, and the function's name.
check_dir() {
  dir=${subject%/}
  [ -d "$dir" ] || die "There is no folder $dir. Which function? $0 $command examples/hello"
  name=${name:-$(basename "$(cd "$dir" && pwd)")}
}

# Where build.sh puts its zips, as briefly as it can be said.
out_folder() {
  if [ "$PWD" = "$root" ]; then echo out; else echo "$root/out"; fi
}

# Sets $runtime_options: what is asked for, else what the function has had, else the bare image. The zip must be for it: Lambda
# takes one bootstrap, and which one, where a runtime of your own and a zip both have one, is not documented.
choose_runtime() {
  runtime_options=''
  case ${runtime:-${before:-provided.al2023}} in
    custom) in_zip=no ;;
    provided*)
      in_zip=either
      [ -n "$before" ] && [ -z "$runtime" ] || runtime_options="--runtime ${runtime:-provided.al2023}"
      ;;
    *)
      in_zip=no
      use_runtime
      ;;
  esac
  if [ "$in_zip" = either ]; then
    [ -n "$before$layers" ] || ! unzip -l "$zip" >/dev/null 2>&1 || unzip -l "$zip" bootstrap >/dev/null 2>&1 ||
      die "$zip has no bootstrap in it. Build it with one: ./build.sh function $dir; or take it from elsewhere: --runtime, --layer"
    return
  fi
  command -v unzip >/dev/null || die 'unzip is missing, by which the zip is looked into. Install it: sudo apt-get install unzip'
  ! unzip -l "$zip" bootstrap >/dev/null 2>&1 ||
    die "$zip has a bootstrap in it, and the runtime has its own. Build it without: ./build.sh function $dir --bootstrap none"
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
  change_once_the_role_is_known lambda create-function --function-name "$name" --architectures "$arch" --role "$role" \
    --tags "lambda-stdio=$name" "$@"
  made "the function $name"
  change lambda wait function-active-v2 --function-name "$name"
}

# update_function OPTION...
update_function() {
  change lambda update-function-code --function-name "$name" --architectures "$arch" --zip-file "fileb://$zip"
  made "the new code of $name"
  change lambda wait function-updated-v2 --function-name "$name"
  [ $# = 0 ] || change lambda update-function-configuration --function-name "$name" "$@"
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

cmd_delete() {
  name=$subject
  connect
  name_parts
  package=''
  if our_function; then
    package=$(printf %s "$seen" | cut -f 3)
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
  if [ "$package" = Image ] && our_repository "lambda-stdio-function/$name"; then
    change ecr delete-repository --repository-name "lambda-stdio-function/$name" --force
    made "the images of $name are deleted"
  fi
  if [ -n "$commands$done_so_far" ]; then
    conclude "Nothing is left of $name."
  else
    say "There is nothing called $name in $region that this script has made."
  fi
}
