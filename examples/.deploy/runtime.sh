# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh runtime show, share, delete and restore; and functions on a runtime of your own.

# True if there is a runtime $name and it is ours; ends if it is not, or is about to be gone. Its ARN is in $runtime_arn.
our_runtime() {
  look lambda-core get-runtime --runtime-name "$name" --query '[Arn,State,Description]' || return 1
  runtime_arn=${seen%%"$tab"*}
  case $seen in
    *"$tab$runtime_mark"*) ;;
    *) die "There is a runtime $name in $region that this script did not make: its description does not begin with" \
      "$runtime_mark. Take another name, or hand this one over: aws lambda-core update-runtime --runtime-name $name" \
      "--description '$runtime_mark mine'" ;;
  esac
  case $command,$seen in
    runtime-restore,* | runtime-show,* | runtime-delete,*) ;;
    *"${tab}PENDING_DELETION$tab"* | *"${tab}DELETING$tab"*) die "The runtime $name is deleted: $0 runtime restore $name" ;;
  esac
}

need_runtime() {
  our_runtime || die "There is no runtime $name in $region. Make it: $0 runtime publish $name VERSION"
}

check_runtime_name() {
  case $name in
    *[!a-z0-9_.-]* | [_.-]* | *[_.-] | ?) die "'$name' cannot be a runtime: it takes two and more of a-z, 0-9, and _ . - inside" ;;
  esac
  [ "${#name}" -le 128 ] || die "A runtime's name may have 128 characters, and $name has ${#name}"
}

check_version_name() {
  case $1 in
    *[!A-Za-z0-9_.-]* | [.-]* | *[.-] | '') die "'$1' cannot be a version or an alias: it takes letters, digits, _, and . - inside" ;;
  esac
}

cmd_runtime_show() {
  name=$subject
  check_runtime_name
  connect
  name_parts
  need_runtime
  printf '%s\n' "$seen" | cut -f 1,2
  for kind in versions aliases; do
    query='[Name,State,ResolvedUri]'
    [ "$kind" = versions ] || query='[Name,State,RuntimeVersion]'
    look lambda-core "list-runtime-$kind" --runtime-name "$name" --query "sort_by(Items,&Created)[].$query"
    [ -z "$seen" ] || printf '%s\n' "$seen" | sed "s/^/$kind$tab/; s/^versions/version/; s/^aliases/alias/"
  done
}

cmd_runtime_share() {
  name=$subject
  check_runtime_name
  [ -f "$event" ] || die "There is no $event. It is to be a resource-based policy, in JSON"
  connect
  name_parts
  need_runtime
  change lambda put-resource-policy --resource-arn "$runtime_arn" --policy "file://$event"
  conclude "$name is shared as $event says. Who uses it, in this Region: --runtime $runtime_arn"
}

cmd_runtime_unshare() {
  name=$subject
  check_runtime_name
  connect
  name_parts
  need_runtime
  change lambda delete-resource-policy --resource-arn "$runtime_arn"
  conclude "$name is this account's alone."
}

# Aliases, then versions, then the runtime. Lambda does not look for functions that use it: their invocations would fail at once.
cmd_runtime_delete() {
  name=$subject
  check_runtime_name
  connect
  name_parts
  if ! our_runtime; then
    say "There is no runtime $name in $region."
    return
  fi
  [ -z "$days" ] || { [ "$days" -ge 7 ] && [ "$days" -le 30 ]; } || die "--days takes 7 to 30, not $days"
  look lambda list-functions --query "Functions[?RuntimeConfig.RuntimeArn=='$runtime_arn'].FunctionName"
  [ -z "$seen" ] || die "These functions use $name, and would fail at once: $(printf %s "$seen" | tr '\t\n' '  '). Delete them, or" \
    "give them another runtime: $0 function DIR --runtime …"
  undo="$0 runtime restore $name --yes"
  set -- ${days:+--recovery-window-in-days "$days"}
  delete_each alias aliases "$@"
  delete_each version versions "$@"
  change lambda-core delete-runtime --runtime-name "$name" "$@"
  made "the runtime $name is deleted"
  conclude "$name is deleted, and can be restored for ${days:-30} days: $0 runtime restore $name. Whether functions of other" \
    "accounts use it cannot be seen from here. Its images stay, for a restored runtime may need them; when the time is over:" \
    "aws ecr delete-repository --repository-name $name --force"
}

# delete_each KIND KINDS OPTION...
delete_each() {
  kind=$1
  look lambda-core "list-runtime-$2" --runtime-name "$name" --query "Items[?State!='PENDING_DELETION' && State!='DELETING'].[Name]"
  shift 2
  for each in $seen; do
    change lambda-core "delete-runtime-$kind" --runtime-name "$name" --name "$each" "$@"
    made "the $kind $each is deleted"
  done
}

# The other way round.
cmd_runtime_restore() {
  name=$subject
  check_runtime_name
  connect
  name_parts
  need_runtime
  case $seen in
    *"${tab}PENDING_DELETION$tab"*) change lambda-core restore-runtime --runtime-name "$name" && made "the runtime $name" ;;
  esac
  for kind in version alias; do
    kinds=versions
    [ "$kind" = version ] || kinds=aliases
    look lambda-core "list-runtime-$kinds" --runtime-name "$name" --query "Items[?State=='PENDING_DELETION'].[Name]"
    for each in $seen; do
      change lambda-core restore-runtime --runtime-name "$name" "--runtime-$kind" "$each"
      made "the $kind $each is restored"
    done
  done
  conclude "$name is there again. Functions on it recover by themselves."
}

# Sets $runtime_options for the function: $runtime is NAME, NAME:ALIAS or an ARN, with or without :ALIAS behind its name.
use_runtime() {
  of_runtime=${runtime##*/}
  case $of_runtime in
    *:*) alias=${of_runtime#*:} of_runtime=${of_runtime%%:*} ;;
    *) alias=live ;;
  esac
  case $runtime in
    arn:*:runtime/*) runtime_arn=${runtime%/*}/$of_runtime ;;
    arn:* | */*) die "'$runtime' is no runtime: --runtime takes NAME, NAME:ALIAS, or an ARN that ends in :runtime/NAME" ;;
    *) runtime_arn=arn:$partition:lambda:$region:$account:runtime/$of_runtime ;;
  esac
  case $runtime_arn in
    arn:*:lambda:"$region":*) ;;
    *) die "$runtime_arn is in another Region, and functions use runtimes of their own, $region" ;;
  esac
  # What is another account's may not be looked at, but used.
  case $runtime_arn in
    *:"$account":runtime/*)
      look lambda-core get-runtime-alias --runtime-name "$of_runtime" --name "$alias" \
        --query "[State,join(' ',Compatibility.Architectures||\`[]\`)]" ||
        die "There is no runtime $of_runtime with an alias $alias in $region. Make it: $0 runtime publish $of_runtime VERSION" \
          "--alias $alias"
      case $seen in
        ACTIVE* | UPDATING*) ;;
        *) die "The alias $alias of $of_runtime is ${seen%%"$tab"*}: $0 runtime show $of_runtime" ;;
      esac
      case ${seen#*"$tab"} in
        '' | *"$arch"*) ;;
        *) die "$of_runtime is for ${seen#*"$tab"}, and the function is to be for $arch: --arch" ;;
      esac
      ;;
    # But the CLI has to know of such runtimes, before anything is made.
    *) aws lambda-core get-runtime --generate-cli-skeleton >/dev/null 2>"$box/error" || failed lambda-core get-runtime ;;
  esac
  runtime_options="--runtime custom --runtime-config RuntimeArn=$runtime_arn,RuntimeAlias=$alias"
}
