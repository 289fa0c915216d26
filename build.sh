#!/bin/sh
# Builds and tests lambda-stdio. `./build.sh help` lists what it can do.
#
# Each subcommand is one function, cmd_NAME, with its line in cmd_help and in the last lines.

set -eu
cd "$(dirname "$0")"

# The programs that the tests run, and other files that they need, each with the Debian package that has it.
test_programs='
  awk:mawk
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

case ${1:-bootstrap} in
  bootstrap) cmd_bootstrap ;;
  test) cmd_test ;;
  help | -h | --help) cmd_help ;;
  *)
    cmd_help >&2
    exit 2
    ;;
esac
