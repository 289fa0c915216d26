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

. .build/arm64.sh
. .build/bootstrap.sh
. .build/env.sh
. .build/function.sh
. .build/image.sh
. .build/interpreter.sh
. .build/large.sh
. .build/runtime.sh
. .build/sbcl.sh
. .build/test.sh
. .build/tool.sh
. .build/zip.sh

# --- Subcommands ----------------------------------------------------------------------------------------------------

cmd_help() {
  cat <<'END'
Usage: ./build.sh [COMMAND] [OPTION]...

Commands:
  bootstrap      builds the static binary: out/bootstrap, and out/lambda-stdio.zip, a layer. This is what happens without
                 COMMAND. It is linked with musl, and adds that to Rust by rustup where it is missing
  function DIR   packs a function, the files in the folder DIR and bootstrap: out/NAME.zip, as DIR is called
  sbcl           packs a layer for handlers in Lisp, bootstrap and SBCL: out/sbcl-layer.zip
  image [DIR]    builds the container image lambda-stdio:BASE with docker, podman or buildah, the first that is there or
                 $IMAGE_TOOL; and with DIR the image NAME, of the function in DIR
  runtime        builds the image of a runtime of your own account, lambda-stdio:runtime, for both architectures in one index
  test           checks everything: format, lints, documentation, shell scripts, and all tests, of what bootstrap packs;
                 installs the programs that the tests need (Debian or Ubuntu, as root). With LAMBDA_STDIO_LARGE=1 also the
                 languages whose compilers are large, 3 GB of packages, and the tools that docs/deploying.md is about, 700 MB
  arm64          builds for arm64, and tests that here: parts of it in an emulated process, the examples on an emulated
                 machine with Debian's kernel. With --suite, all tests there: that takes half an hour
  help           prints this

Options of bootstrap, function and sbcl:
  -o DIR             what is made goes to DIR, not to out/
  --arch ARCH        x86_64 or arm64; without it, what this machine is
  --bootstrap FILE   packs this bootstrap, and builds none: it takes no Rust. For a function, none packs no bootstrap: the zip is
                     for a runtime of your own, or for a layer that has it
Option of sbcl:
  --with NAME,...    Lisp libraries that the layer is to have: ASDF's systems, from the system's packages, from ~/common-lisp,
                     or from Quicklisp
Options of image:
  --base BASE        al2023 (Lambda's own, the default), debian, sbcl, or any image: python:3.13-slim
  --packages 'A B'   the handler needs these, too; apt-get or dnf installs them
  --handler HANDLER  instead of _HANDLER in DIR/env, or else the file DIR/handler.*
  --tag NAME         what the image is called; without it, as DIR is
  --arch ARCH        as above
Options of runtime: --base, --packages and --tag as with image, and
  --with NAME,...    languages that it is to have: python, node and ruby, as in Lambda's own images (python:3.13: in this
                     version), and sbcl, this machine's
  --arch ARCH        for one architecture. Both need --packages to run programs of both: docker can, buildah with qemu-user-static

From the same files come the same zips, byte by byte. Of the SBCL layer this is not sure: the core that SBCL saves may differ in
some bytes.

function and image leave out README.md, event.json, response.json, and files and folders whose names begin with a dot, if they
are in DIR itself; __pycache__ wherever it is; and a fasl that is older than its source. Two files in DIR have a meaning:
  env        settings, a NAME=VALUE a line: _HANDLER is the handler, all others are variables. function prints them at the end,
             image sets them. Lines that are empty or begin with # say nothing
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
  if [ -n "$no_bootstrap" ]; then
    arch='any architecture'
  else
    find_bootstrap
    copy_bootstrap
  fi
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
  need_emulator
  need_large_tools
  step cargo fmt --check
  step cargo clippy --locked --all-targets -- -D warnings
  RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps --document-private-items
  check_scripts
  pack_what_ships
  # What is in the binary, as it is written and as it is optimised; then the binary from the outside, as it ships.
  step cargo test --locked --bins --test fuzz
  step cargo test --locked --bins --test fuzz --release ${target:+--target "$target"}
  step cargo test --locked --test it
  step cargo test --locked --test languages
  say 'all is well'
}

# --- The command line -----------------------------------------------------------------------------------------------

# read_options ALLOWED "$@": sets $out, $arch, $binary, $with, $dir and those of images from what stands behind the subcommand,
# which takes those in ALLOWED. $arch is empty where it is for $binary to say.
read_options() {
  allowed=$1 out=out arch='' binary='' no_bootstrap='' with='' dir='' packages='' handler='' tag=''
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
          --bootstrap)
            no_bootstrap='' binary=$(from_caller "$2")
            case $command,$2 in function,none) no_bootstrap=yes binary='' ;; esac
            ;;
          --with) with=$2 ;;
          --base) base=$2 ;;
          --packages) packages=$2 ;;
          --handler) handler=$2 ;;
          --tag) tag=$2 ;;
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

# --- What they are made of ------------------------------------------------------------------------------------------

say() {
  # Where nobody reads on, the signal says so, and printf need not.
  printf 'build.sh: %s\n' "$*" 2>/dev/null
}

die() {
  printf 'build.sh: %s\n' "$*" >&2
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

# --- Which one? -----------------------------------------------------------------------------------------------------

# The command is the first word that is neither an option nor its value: all options but --help have one.
command='' words=$#
while [ "$words" -gt 0 ]; do
  words=$((words - 1))
  case $1 in
    -h | --help) cmd_help && exit ;;
    --*=*) set -- "$@" "$1" ;;
    -*)
      set -- "$@" "$1"
      if [ "$words" -gt 0 ]; then
        words=$((words - 1))
        shift
        set -- "$@" "$1"
      fi
      ;;
    *) if [ -n "$command" ]; then set -- "$@" "$1"; else command=$1; fi ;;
  esac
  shift
done
command=${command:-bootstrap}
case $command in
  arm64 | bootstrap | function | image | runtime | sbcl) "cmd_$command" "$@" ;;
  test | help)
    [ $# = 0 ] || die "$command takes no $1. See ./build.sh help"
    "cmd_$command"
    ;;
  *) die "there is no command $command. See ./build.sh help" ;;
esac
