# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# What is there already, and whose it is; and what belongs to a function.

# True if there is a function of this name and it is ours; ends if it is not. In $seen are its ARN, tag, kind and runtime.
our_function() {
  look lambda get-function --function-name "$name" \
    --query '[Configuration.FunctionArn,Tags."lambda-stdio",Configuration.PackageType,Configuration.Runtime]' || return 1
  case $seen in
    *"$tab"None"$tab"*"$tab"*) foreign "function $name" "--name" "aws lambda tag-resource --resource ${seen%%[!A-Za-z0-9:_-]*} --tags lambda-stdio=$name" ;;
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
  [ -z "$env" ] || check_settings "$env"
  [ -n "$handler" ] || [ -z "$env" ] || handler=$(handler_in "$env")
  [ -n "$handler" ] || handler=$(handlers_in "$dir" | awk '{ name = $0 } END { if (NR == 1) print name }')
  case $handler in
    *[[:space:]]*) die "Lambda takes no blanks in a handler: $handler. In Lisp, ' or ( does as well as a blank" ;;
  esac
  [ "${#handler}" -le 128 ] || die "Lambda takes handlers of up to 128 characters, and this has ${#handler}: $handler"
}

# The variables in $env, as Lambda takes them; nothing if there are none.
environment() {
  [ -n "$env" ] || return 0
  lines=$(variables_in "$env")
  [ -n "$lines" ] || return 0
  wrong=$(printf '%s\n' "$lines" | grep -v '^[A-Za-z][A-Za-z0-9_][A-Za-z0-9_]*=' || true)
  [ -z "$wrong" ] || die "$env: Lambda takes names of two and more letters, digits and _, with a letter first: $wrong"
  pairs=$(printf '%s\n' "$lines" | sed "s/\\\\/\\\\\\\\/g; s/\"/\\\\\"/g; s/$tab/\\\\t/g; s/\([^=]*\)=\(.*\)/\"\1\":\"\2\"/" | paste -s -d , -)
  printf '{"Variables":{%s}}' "$pairs"
}

# Sets $timeout to seconds: 90, 90s and 2m are the same in words.
read_timeout() {
  number=${timeout%[sm]}
  case $number in
    '' | *[!0-9]* | ????????*) die "--timeout takes seconds, as in 90, 90s or 2m, not $timeout" ;;
  esac
  asked=$timeout
  case $asked in
    *m) timeout=$((number * 60)) ;;
    *) timeout=$number ;;
  esac
  { [ "$timeout" -ge 1 ] && [ "$timeout" -le "$largest_timeout" ]; } ||
    die "--timeout is 1 to $largest_timeout seconds (30m) on Lambda, not $asked"
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
