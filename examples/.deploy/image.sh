# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh image: a function from a container image. And pushing images, which runtimes need, too.

cmd_image() {
  check_dir
  check_name
  case ${arch:-$(uname -m)} in
    x86_64 | amd64) arch=x86_64 ;;
    arm64 | aarch64) arch=arm64 ;;
    *) die "--arch takes x86_64 or arm64, not ${arch:-$(uname -m)}" ;;
  esac
  tool=$(find_image_tool)
  connect
  name_parts
  before=''
  if our_function; then
    before=$(printf %s "$seen" | cut -f 3)
    [ "$before" = Image ] || die "$name is made of a zip. Take another --name, or delete it: $0 delete $name"
  fi
  # Repositories are lower case, and are for this alone.
  repository=$(printf %s "lambda-stdio-function/$name" | tr '[:upper:]' '[:lower:]')
  local_image=$(printf %s "lambda-stdio-function:$name" | tr '[:upper:]' '[:lower:]')
  set -- --arch "$arch" --tag "$local_image"
  [ -z "$base" ] || set -- "$@" --base "$base"
  [ -z "$packages" ] || set -- "$@" --packages "$packages"
  [ -z "$handler" ] || set -- "$@" --handler "$handler"
  run "$root/build.sh" image "$dir" "$@"
  make_repository
  push "$local_image" "$registry/$repository:latest"

  uri=$registry/$repository:latest
  set --
  [ -z "$role" ] || [ -z "$before" ] || set -- "$@" --role "$role"
  if [ -n "$before" ]; then
    change lambda update-function-code --function-name "$name" --architectures "$arch" --image-uri "$uri"
    made "the new code of $name"
    change lambda wait function-updated-v2 --function-name "$name"
    [ -z "$timeout" ] || set -- "$@" --timeout "$timeout"
    [ -z "$memory" ] || set -- "$@" --memory-size "$memory"
    [ $# = 0 ] || change lambda update-function-configuration --function-name "$name" "$@"
    [ $# = 0 ] || change lambda wait function-updated-v2 --function-name "$name"
  else
    create_function --package-type Image --code "ImageUri=$uri" --timeout "${timeout:-$timeout_of_new}" \
      --memory-size "${memory:-$memory_of_new}"
  fi
  conclude "$name is on Lambda. Call it: $0 invoke $name$([ ! -f "$dir/event.json" ] || echo " $dir/event.json")"
}

# Where the account's images are: $registry.
find_registry() {
  case $partition in
    aws-cn) domain=amazonaws.com.cn ;;
    aws-eusc) domain=amazonaws.eu ;;
    *) domain=amazonaws.com ;;
  esac
  registry=$account.dkr.ecr.$region.$domain
}

# True if there is a repository of this name and it is ours; ends if it is not.
our_repository() {
  find_registry
  arn=arn:$partition:ecr:$region:$account:repository/$1
  look ecr list-tags-for-resource --resource-arn "$arn" --query "tags[?Key=='lambda-stdio'].Value" || return 1
  [ -n "$seen" ] || foreign "repository $1" "--name" "aws ecr tag-resource --resource-arn $arn --tags Key=lambda-stdio,Value=$name"
}

# The repository $repository, for images of $name.
make_repository() {
  if ! our_repository "$repository"; then
    change ecr create-repository --repository-name "$repository" --tags "Key=lambda-stdio,Value=$name"
    made "the repository $repository"
  fi
}

# push IMAGE URI: an image, or an index of several, from this machine.
push() {
  if [ -z "$yes" ]; then
    echo "aws ecr get-login-password | $tool login --username AWS --password-stdin $registry"
  else
    try ecr get-login-password || failed ecr get-login-password
    mv "$box/answer" "$box/password"
    say "logging in to $registry"
    "$tool" login --username AWS --password-stdin "$registry" <"$box/password" >/dev/null 2>"$box/error" || {
      cat "$box/error" >&2
      die "$tool was not let into $registry"
    }
    rm "$box/password"
  fi
  if [ "${tool##*/}" = docker ]; then
    run "$tool" tag "$1" "$2"
    run "$tool" push "$2"
  elif "$tool" manifest exists "$1" 2>/dev/null; then
    run "$tool" manifest push --all --format oci "$1" "docker://$2"
  else
    run "$tool" push "$1" "docker://$2"
  fi
  made "$2 is pushed"
}

# Runs a program of this machine's, or in a dry run prints the command that would.
run() {
  if [ -z "$yes" ]; then
    first_line
    command_line "$@"
    return
  fi
  printf '+ %s\n' "$(command_line "$@")" >&2
  "$@" >&2 || die "This failed: $(command_line "$@")"
}
