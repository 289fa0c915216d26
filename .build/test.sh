# shellcheck shell=sh
#
# ./build.sh test: what the tests need, and the checks that are not Cargo's.

# The programs that the tests run, and other files that they need, each with the Debian package that has it.
test_programs='
  awk:mawk
  buildah:buildah
  cc:gcc
  curl:curl
  debootstrap:debootstrap
  jq:jq
  node:nodejs
  objdump:binutils
  patchelf:patchelf
  perl:perl
  php:php-cli
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
