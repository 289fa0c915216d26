#!/bin/sh
# Builds and tests lambda-stdio. `./build.sh help` lists what it can do.
#
# Each subcommand is one function, cmd_NAME, with its line in cmd_help and in the last lines.

set -eu
cd "$(dirname "$0")"

# The programs that the tests run, and other files that they need, each with the Debian package that has it.
test_programs='
  awk:mawk
  buildah:buildah
  debootstrap:debootstrap
  jq:jq
  node:nodejs
  perl:perl
  python3:python3
  ruby:ruby
  sbcl:sbcl
  shellcheck:shellcheck
  unzip:unzip
  /usr/share/common-lisp/source/alexandria:cl-alexandria
  /usr/share/common-lisp/source/cl-trivial-gray-streams:cl-trivial-gray-streams
  /usr/share/common-lisp/source/yason:cl-yason
'

# --- Subcommands ----------------------------------------------------------------------------------------------------

cmd_help() {
  cat <<'END'
Usage: ./build.sh [COMMAND]

  bootstrap   builds the static release binary (this is what happens without COMMAND)
  image [DIR] builds the container image lambda-stdio:BASE with docker, podman or buildah, the first that is there or
              $IMAGE_TOOL; and with DIR the image NAME, which has the files of DIR, runs its handler, and sets what
              DIR/env says, a NAME=VALUE a line
                --base BASE          al2023 (Lambda's own, the default), debian, sbcl, or any image: python:3.13-slim
                --packages 'A B'     the handler needs these, too; apt-get or dnf installs them
                --handler HANDLER    instead of _HANDLER in DIR/env, or else the file DIR/handler.*
                --tag NAME           what the image is called; without it, as DIR is
                --arch x86_64|arm64  another architecture than this machine's
  test        checks everything: format, lints, documentation, shell scripts, and all tests;
              installs the programs that the tests need (Debian or Ubuntu, as root)
  help        prints this
END
}

cmd_bootstrap() {
  need_rust
  cargo build --release --locked
  say "built ${CARGO_TARGET_DIR:-target}/release/bootstrap"
}

cmd_image() {
  base=al2023 packages='' handler='' tag='' arch='' dir=''
  while [ $# -gt 0 ]; do
    case $1 in
      --base | --packages | --handler | --tag | --arch) [ $# -gt 1 ] || die "$1 needs a value: ./build.sh help" ;;
      -*) die "image has no option $1: ./build.sh help" ;;
      *)
        [ -z "$dir" ] || die "image takes one folder, not $dir and $1"
        dir=$1
        shift
        continue
        ;;
    esac
    case $1 in
      --base) base=$2 ;;
      --packages) packages=$2 ;;
      --handler) handler=$2 ;;
      --tag) tag=$2 ;;
      --arch) arch=$2 ;;
    esac
    shift 2
  done
  case $arch in
    '') platform='' ;;
    x86_64) platform=--platform=linux/amd64 ;;
    arm64) platform=--platform=linux/arm64 ;;
    *) die "--arch is x86_64 or arm64, not $arch" ;;
  esac
  # A base with other packages is another image.
  base_tag=lambda-stdio:$(printf %s "$base${packages:+-$packages}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_.-' -)
  case $base in
    al2023) base=public.ecr.aws/lambda/provided:al2023 ;;
    debian) base=docker.io/library/debian:trixie-slim ;;
    sbcl) base=docker.io/library/debian:trixie-slim packages="sbcl${packages:+ $packages}" ;;
  esac
  if [ -n "$dir" ]; then
    # It is meant from where build.sh was called.
    case $dir in /*) ;; *) dir=$OLDPWD/$dir ;; esac
    [ -d "$dir" ] || die "there is no folder $dir"
    [ -n "$handler" ] || handler=$(find_handler "$dir")
    [ -n "$tag" ] || tag=$(basename "$(cd "$dir" && pwd)" | tr '[:upper:]' '[:lower:]')
  elif [ -n "$handler" ]; then
    die '--handler is for the image of a function: ./build.sh image DIR --handler HANDLER'
  else
    base_tag=${tag:-$base_tag}
  fi
  case ${tag:-$base_tag} in
    *[!a-z0-9._/:-]*) die "an image cannot be called ${tag:-$base_tag}: give it a name with --tag, in lower case" ;;
  esac
  tool=$(find_image_tool)
  # Lambda takes no image that has attestations beside it, as docker would put there.
  export BUILDX_NO_DEFAULT_ATTESTATIONS=1
  step "$tool" build $platform --build-arg "BASE=$base" --build-arg "PACKAGES=$packages" --tag "$base_tag" .
  [ -z "$dir" ] || build_function_image
  say "built the image ${tag:-$base_tag}"
}

cmd_test() {
  need_rust rustfmt clippy
  need_test_programs
  need_python_tools
  step cargo fmt --check
  step cargo clippy --locked --all-targets -- -D warnings
  RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps --document-private-items
  check_scripts
  step cargo build --release --locked # the tests look at the static binary, too
  step cargo test --locked
  say 'all is well'
}

# --- What they are made of ------------------------------------------------------------------------------------------

say() {
  printf 'build.sh: %s\n' "$*"
}

die() {
  say "$*" >&2
  exit 1
}

# Says what it runs, and runs it.
step() {
  say "$*"
  "$@"
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# The program that builds images. A docker whose engine does not answer is as good as none.
find_image_tool() {
  for tool in ${IMAGE_TOOL:-docker podman buildah}; do
    have "$tool" || continue
    [ "${tool##*/}" != docker ] || docker version >/dev/null 2>&1 || continue
    printf '%s\n' "$tool"
    return
  done
  [ -z "${IMAGE_TOOL-}" ] || die "IMAGE_TOOL=$IMAGE_TOOL cannot be run, or its engine does not answer"
  die 'images need docker with its engine running, podman or buildah. Install one: sudo apt-get install buildah'
}

# find_handler DIR: what its file `env` says, or the name of its file handler.*
find_handler() {
  if [ -f "$1/env" ] && grep '^_HANDLER=.' "$1/env" | cut -d= -f2-; then
    return
  fi
  set -- "$1" "$1"/handler "$1"/handler.*
  for file; do
    [ -f "$file" ] && set -- "$@" "${file##*/}"
    shift
  done
  case $# in
    1) printf '%s\n' "$1" ;;
    0) die "$dir has no file handler.*, and no line _HANDLER=NAME in a file env. Say which it is: --handler HANDLER" ;;
    *) die "$dir has several handlers, $*. Say which it is: --handler HANDLER" ;;
  esac
}

# The image $tag: on $base_tag, with the files of $dir, and $handler.
build_function_image() (
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' EXIT
  trap 'exit 130' INT TERM
  mkdir "$stage/function"
  (cd "$dir" && tar -cf - --exclude=./.git --exclude=./README.md --exclude=./event.json --exclude=./response.json \
    --exclude=./env .) | tar -xf - -C "$stage/function"
  # Lambda's user is neither their owner nor of their group.
  chmod -R a+rX "$stage/function"
  {
    printf 'FROM %s\nCOPY function ./\n' "$base_tag"
    [ ! -f "$dir/env" ] || sed -n '/^_HANDLER=/d; /^[A-Za-z_][A-Za-z0-9_]*=/ {
      s/[\\"$]/\\&/g
      s/=\(.*\)/="\1"/
      s/^/ENV /p
    }' "$dir/env"
    printf 'CMD ["%s"]\n' "$(printf %s "$handler" | sed 's/[\\"]/\\&/g')"
  } >"$stage/Dockerfile"
  step "$tool" build $platform --tag "$tag" "$stage"
)

# need_rust [COMPONENT...]: cargo, and these components of the toolchain.
need_rust() {
  have cargo || die 'cargo is missing. Install Rust 1.88 or newer: https://www.rust-lang.org/tools/install'
  for component; do
    case $component in
      rustfmt) cargo fmt --version ;;
      clippy) cargo clippy --version ;;
    esac >/dev/null 2>&1 || die "$component is missing. Install it: rustup component add $component"
  done
}

# Installs those of $test_programs that are missing.
need_test_programs() {
  missing=$(
    for entry in $test_programs; do
      have "${entry%:*}" || [ -e "${entry%:*}" ] || printf '%s ' "${entry#*:}"
    done
  )
  [ -z "$missing" ] || install_packages "$missing"
}

# install_packages 'PACKAGE PACKAGE...': from Debian.
install_packages() {
  have apt-get || die "the tests need these packages, or your system's like them: $1"
  [ "$(id -u)" = 0 ] || die "the tests need some packages. Install them: sudo apt-get install $1"
  say "installing $1"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086 # one word per package
  apt-get install -qq --no-install-recommends $1
}

# A Python of the tests' own with what tests/python-tools.txt lists, and with that list in it once all is installed.
need_python_tools() {
  tools=${CARGO_TARGET_DIR:-target}/tools
  list=tests/python-tools.txt
  if cmp -s "$list" "$tools/installed.txt"; then
    return
  fi
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
  rm -rf "$tools"
  step python3 -m venv "$tools"
  step "$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$list"
  cp "$list" "$tools/installed.txt"
}

# Runs shellcheck on every shell script: by its name, or by its first line.
check_scripts() {
  find . \( -name .git -o -name target -o -name out \) -prune -o -type f -print | {
    set --
    while IFS= read -r file; do
      if is_script "$file"; then
        set -- "$@" "$file"
      fi
    done
    step shellcheck "$@"
  }
}

is_script() {
  case $1 in
    *.sh | *.bash) return 0 ;;
    # A Roswell script is Lisp behind its first line.
    *.ros) return 1 ;;
  esac
  first=$(head -c 64 "$1" | tr -d '\0' | head -n 1)
  case $first in
    '#!'*/sh | '#!'*/bash | '#!'*/dash | '#!'*'env sh' | '#!'*'env bash' | '#!'*/sh\ * | '#!'*/bash\ *) return 0 ;;
  esac
  return 1
}

# --- Which one? -----------------------------------------------------------------------------------------------------

command=${1:-bootstrap}
[ $# = 0 ] || shift
case $command in
  bootstrap) cmd_bootstrap ;;
  image) cmd_image "$@" ;;
  test) cmd_test ;;
  help | -h | --help) cmd_help ;;
  *)
    cmd_help >&2
    exit 2
    ;;
esac
