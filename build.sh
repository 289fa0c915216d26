#!/bin/sh
# Builds, packs and tests lambda-stdio. `./build.sh help` lists what it can do.
#
# Each subcommand is one function, cmd_NAME, with its lines in cmd_help and its name in the last lines. What they do in more
# than a few lines is in .build/. What they make, they make in $work, and move to its place when all has gone well.

set -eu
umask 022
caller=$PWD
unset CDPATH
cd -- "$(dirname -- "$0")"

. .build/bootstrap.sh
. .build/function.sh
. .build/image.sh
. .build/sbcl.sh

# The programs that the tests run, and other files that they need, each with the Debian package that has it.
test_programs='
  awk:mawk
  buildah:buildah
  debootstrap:debootstrap
  jq:jq
  node:nodejs
  objdump:binutils
  patchelf:patchelf
  perl:perl
  python3:python3
  ruby:ruby
  sbcl:sbcl
  shellcheck:shellcheck
  unzip:unzip
  zip:zip
  /usr/share/common-lisp/source/alexandria:cl-alexandria
  /usr/share/common-lisp/source/cl-trivial-gray-streams:cl-trivial-gray-streams
  /usr/share/common-lisp/source/yason:cl-yason
'

# --- Subcommands ----------------------------------------------------------------------------------------------------

cmd_help() {
  cat <<'END'
Usage: ./build.sh [COMMAND] [OPTION]...

Commands:
  bootstrap      builds the static binary: out/bootstrap, and out/lambda-stdio.zip, a layer. This is what happens without
                 COMMAND
  function DIR   packs a function, the files in the folder DIR and bootstrap: out/NAME.zip, as DIR is called
  sbcl           packs a layer for handlers in Lisp, bootstrap and SBCL: out/sbcl-layer.zip
  image [DIR]    builds the container image lambda-stdio:BASE with docker, podman or buildah, the first that is there or
                 $IMAGE_TOOL; and with DIR the image NAME, of the function in DIR
  test           checks everything: format, lints, documentation, shell scripts, and all tests; installs the programs that
                 the tests need (Debian or Ubuntu, as root)
  help           prints this

Options of bootstrap, function and sbcl:
  -o DIR             what is made goes to DIR, not to out/
  --arch ARCH        x86_64 or arm64; without it, what this machine is
  --bootstrap FILE   packs this bootstrap, and builds none: it takes no Rust
Option of sbcl:
  --with NAME,...    Lisp libraries that the layer is to have: ASDF's systems, from the system's packages, from ~/common-lisp,
                     or from Quicklisp
Options of image:
  --base BASE        al2023 (Lambda's own, the default), debian, sbcl, or any image: python:3.13-slim
  --packages 'A B'   the handler needs these, too; apt-get or dnf installs them
  --handler HANDLER  instead of _HANDLER in DIR/env, or else the file DIR/handler.*
  --tag NAME         what the image is called; without it, as DIR is
  --arch ARCH        as above

From the same files come the same zips, byte by byte. Of the SBCL layer this is not sure: the core that SBCL saves may differ in
some bytes.

function and image leave out README.md, event.json, response.json, and files and folders whose names begin with a dot, if they
are in DIR itself; __pycache__ wherever it is; and a fasl that is older than its source. Two files in DIR have a meaning:
  env        settings, a NAME=VALUE a line: _HANDLER is the handler, all others are variables. function prints them at the end,
             image sets them
  build.sh   if it is executable, it is run in a copy of DIR, and what it makes is packed
END
}

cmd_bootstrap() {
  read_options '-o --arch --bootstrap' "$@"
  find_bootstrap
  need zip
  begin lambda-stdio
  copy_bootstrap
  cp "$work/root/bootstrap" "$work/bootstrap"
  pack lambda-stdio
  mv -f "$work/bootstrap" "$out/bootstrap"
}

cmd_function() {
  read_options '-o --arch --bootstrap DIR' "$@"
  check_function
  need zip
  begin "$name"
  copy_function
  find_bootstrap
  copy_bootstrap
  pack "$name"
  tell_settings
}

cmd_sbcl() {
  read_options '-o --arch --bootstrap --with' "$@"
  check_layer
  find_bootstrap
  begin sbcl-layer
  copy_bootstrap
  copy_sbcl
  pack sbcl-layer
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

# --- The command line -----------------------------------------------------------------------------------------------

# read_options ALLOWED "$@": sets $out, $arch, $binary, $with and $dir from what stands behind the subcommand, which takes
# those in ALLOWED. $arch is empty where it is for $binary to say.
read_options() {
  allowed=$1 out=out arch='' binary='' with='' dir=''
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*)
        option=${1%%=*} value=${1#*=}
        shift
        set -- "$option" "$value" "$@"
        ;;
      -*)
        takes "$1" || die "$command has no option $1. See ./build.sh help"
        [ -n "${2-}" ] || die "$1 wants a value. See ./build.sh help"
        case $1 in
          -o) out=$(from_caller "$2") ;;
          --arch) arch=$2 ;;
          --bootstrap) binary=$(from_caller "$2") ;;
          --with) with=$2 ;;
        esac
        shift 2
        ;;
      *)
        takes DIR || die "$command takes no $1. See ./build.sh help"
        [ -z "$dir" ] || die "$command takes one folder: $dir or $1?"
        dir=$1
        shift
        ;;
    esac
  done
  case $arch in
    '' | x86_64 | arm64) ;;
    *) die "there is no architecture $arch on Lambda: --arch x86_64 or --arch arm64" ;;
  esac
}

takes() {
  case " $allowed " in *" $1 "*) ;; *) return 1 ;; esac
}

# A path as the caller meant it.
from_caller() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$caller/$1" ;;
  esac
}

# --- Zips -----------------------------------------------------------------------------------------------------------

# Makes $work, for what NAME.zip is to be made of: its files in $work/root. It is gone at the end, however that comes.
begin() {
  work=''
  trap '[ -z "$work" ] || rm -rf -- "$work"; rmdir -- "$out" 2>/dev/null || :' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -p -- "$out" || die "there can be no folder $out"
  out=$(cd -- "$out" && pwd -P)
  case $out/ in "${source:-/dev/null}"/*) die "the zip cannot be in the folder that is packed: choose another one, -o DIR" ;; esac
  # Always the same name: what a compiler notes of its files is then always the same, too.
  new=$out/.$1.new
  mkdir -- "$new" 2>/dev/null || die "$new is in the way. Unless another build.sh is at work there, type: rm -r $new"
  work=$new
  mkdir "$work/root"
}

copy_bootstrap() {
  cp -- "$binary" "$work/root/bootstrap"
  chmod 755 "$work/root/bootstrap"
}

# pack NAME: $out/NAME.zip, from $work/root. Names are in order, modes are two, and times are zip's earliest.
pack() {
  find "$work/root" -type f -perm -100 -exec chmod 755 {} +
  find "$work/root" -type f ! -perm -100 -exec chmod 644 {} +
  TZ=UTC find "$work/root" ! -type d -exec touch -h -t 198001010000 {} +
  unset ZIP ZIPOPT
  (cd "$work/root" && find . ! -type d | sed 's,^\./,,' | LC_ALL=C sort | TZ=UTC zip -qXDy -nw ../new.zip -@)
  unpacked=$(find "$work/root" -type f -exec cat {} + | megabytes)
  mv -f -- "$work/new.zip" "$out/$1.zip"
  say "made $out/$1.zip for $arch: $(megabytes <"$out/$1.zip"), unpacked $unpacked"
}

megabytes() {
  wc -c | awk '{ printf "%.1f MB\n", $1 / 1e6 }'
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

# need PROGRAM...: each in a package of its name.
need() {
  for program; do
    have "$program" || die "$program is missing. Install it: $(install_command) $program"
  done
}

install_command() {
  if [ "$(id -u)" != 0 ]; then
    printf 'sudo '
  fi
  for tool in apt-get dnf apk brew; do
    ! have "$tool" || break
  done
  case $tool in
    apk) echo apk add ;;
    *) echo "$tool install" ;;
  esac
}

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
    step shellcheck --external-sources "$@"
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

command=bootstrap
case ${1-} in
  -h | --help) command=help ;;
  [!-]*)
    command=$1
    shift
    ;;
esac
case $command in
  bootstrap | function | image | sbcl) "cmd_$command" "$@" ;;
  test) cmd_test ;;
  help) cmd_help ;;
  *) die "there is no command $command. See ./build.sh help" ;;
esac
