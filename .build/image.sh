# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# ./build.sh image: the image with bootstrap, and one of a function on it. The Dockerfile says what is in the first.

cmd_image() {
  base=al2023
  read_options '--base --packages --handler --tag --arch DIR' "$@"
  case $arch in
    '') platform='' ;;
    *) platform=--platform=$(platform_of "$arch") ;;
  esac
  # A base with other packages is another image.
  base_tag=lambda-stdio:$(printf %s "$base${packages:+-$packages}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_.-' -)
  choose_base
  if [ -n "$dir" ]; then
    check_function
    [ -n "$handler" ] || handler=$(find_handler "$source")
    [ -n "$tag" ] || tag=$(printf %s "$name" | tr '[:upper:]' '[:lower:]')
  elif [ -n "$handler" ]; then
    die '--handler is for the image of a function: ./build.sh image DIR --handler HANDLER'
  else
    base_tag=${tag:-$base_tag}
  fi
  check_tag "${tag:-$base_tag}"
  tool=$(find_image_tool)
  # Lambda takes no image that has attestations beside it, as docker would put there.
  export BUILDX_NO_DEFAULT_ATTESTATIONS=1
  builder=$(builder)
  step "$tool" build ${platform:+"$platform"} --build-arg "BASE=$base" --build-arg "PACKAGES=$packages" \
    ${builder:+--build-arg "$builder"} --tag "$base_tag" .
  [ -z "$dir" ] || build_function_image
  say "built the image ${tag:-$base_tag}"
}

# What container tools call an architecture of Lambda's.
platform_of() {
  case $1 in
    x86_64) echo linux/amd64 ;;
    arm64) echo linux/arm64 ;;
  esac
}

# The image that $base is short for, and what it needs in $packages.
choose_base() {
  case $base in
    al2023) base=public.ecr.aws/lambda/provided:al2023 ;;
    debian) base=docker.io/library/debian:trixie-slim ;;
    sbcl) base=docker.io/library/debian:trixie-slim packages="sbcl${packages:+ $packages}" ;;
  esac
}

check_tag() {
  case $1 in
    *[!a-z0-9._/:-]*) die "an image cannot be called $1: give it a name with --tag, in lower case" ;;
  esac
}

# Where the Dockerfile is to compile: docker knows it by itself, and buildah, of which podman is made, has to be told.
builder() {
  [ "${tool##*/}" = docker ] || echo "BUILDPLATFORM=$(platform_of "$(arch_of_machine)")"
}

# find_handler DIR: what its file `env` says, or the name of its file handler.*
find_handler() {
  found=$(handler_of "$1")
  if [ -z "$found" ]; then
    found=$(handlers_in "$1" | tr '\n' ' ')
    [ -z "$found" ] || die "$dir has several handlers, ${found% }. Say which it is: --handler HANDLER"
    die "$dir has no file handler.*, and no line _HANDLER=NAME in a file env. Say which it is: --handler HANDLER"
  fi
  printf '%s\n' "$found"
}

# Makes $work, which is gone at the end: what images are built from is copied there.
begin_image() {
  work=$(mktemp -d)
  trap 'rm -rf -- "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap 'exit 141' PIPE
  mkdir "$work/root"
}

# The image $tag: on $base_tag, with the function's files, and $handler.
build_function_image() {
  begin_image
  copy_function
  # Lambda's user is neither their owner nor of their group.
  chmod -R a+rX "$work/root"
  {
    printf 'FROM %s\nCOPY root ./\n' "$base_tag"
    [ ! -f "$work/env" ] || variables_in "$work/env" | sed 's/[\\"$]/\\&/g; s/=\(.*\)/="\1"/; s/^/ENV /'
    printf 'CMD ["%s"]\n' "$(printf %s "$handler" | sed 's/[\\"]/\\&/g')"
  } >"$work/Dockerfile"
  step "$tool" build ${platform:+"$platform"} --tag "$tag" "$work"
}
