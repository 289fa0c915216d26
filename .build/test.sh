# shellcheck shell=sh disable=SC2034,SC2154 # part of build.sh, which has the variables
#
# ./build.sh test: what the tests need, and the checks that are not Cargo's.

# The programs that the tests run, and other files that they need, each with the Debian package that has it.
test_programs='
  awk:mawk
  buildah:buildah
  cc:gcc
  curl:curl
  debootstrap:debootstrap
  expect:expect
  jq:jq
  musl-gcc:musl-tools
  node:nodejs
  objdump:binutils
  patchelf:patchelf
  perl:perl
  php:php-cli
  php-cgi:php-cgi
  python3:python3
  ruby:ruby
  sbcl:sbcl
  shellcheck:shellcheck
  tclsh:tcl
  unzip:unzip
  zip:zip
  /usr/bin/convert:imagemagick
  /usr/bin/git:git
  /usr/share/perl5/CGI.pm:libcgi-pm-perl
  /usr/share/common-lisp/source/alexandria:cl-alexandria
  /usr/share/common-lisp/source/cl-trivial-gray-streams:cl-trivial-gray-streams
  /usr/share/common-lisp/source/yason:cl-yason
'

# The programs that the languages need, in the same form: tests/languages/languages.txt has them. The large ones, some gigabytes, are
# among them where LAMBDA_STDIO_LARGE is 1.
language_programs() {
  awk -v large="${LAMBDA_STDIO_LARGE-}" '
    BEGIN { RS = ""; FS = "\n" }
    /(^|\n)Language: / && (large == "1" || !/\nLarge: yes/) {
      for (i = 1; i <= NF; i++) {
        if (sub(/^Needs: /, "", $i)) {
          count = split($i, words, " ")
          for (j = 1; j <= count; j++) {
            print words[j] (words[j] ~ /:/ ? "" : ":" words[j])
          }
        }
      }
    }' tests/languages/languages.txt | sort -u
}

# Installs those of $test_programs that are missing, and the languages.
need_test_programs() {
  have awk || install_packages mawk
  missing=$(
    for entry in $test_programs $(language_programs); do
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

# Pythons of the tests' own.
need_python_tools() {
  need_python tools tests/python-tools.txt
  need_python mcp tests/mcp-tools.txt
}

# need_python NAME LIST: a Python with what is listed, and with that list in it once all is installed.
need_python() {
  tools=${CARGO_TARGET_DIR:-target}/$1
  list=$2
  if cmp -s "$list" "$tools/installed.txt"; then
    return
  fi
  # The system's own, where there is one: a version manager's lies where only its owner may look.
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
  rm -rf "$tools"
  step "$python" -m venv "$tools"
  step "$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$list"
  cp "$list" "$tools/installed.txt"
}

# AWS's own emulator, RIE, is in the wheel of its sam command: the one file for this machine is taken from there.
sam_cli=1.170.0
need_emulator() {
  tools=${CARGO_TARGET_DIR:-target}/tools
  emulator=$tools/aws-lambda-rie
  [ ! -x "$emulator" ] || return 0
  file=samcli/local/rapid/aws-lambda-rie-$(arch_of_machine)
  step "$tools/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$tools/wheel" "aws-sam-cli==$sam_cli"
  unzip -q -o -j "$tools"/wheel/aws_sam_cli-*.whl "$file" -d "$tools"
  chmod 755 "$tools/${file##*/}"
  mv "$tools/${file##*/}" "$emulator"
  rm -r "$tools/wheel"
}

# What ships: the release build out of the zip, as Lambda unpacks it. Sets LAMBDA_STDIO_BOOTSTRAP for the tests, and $target.
pack_what_ships() {
  mkdir -p "${CARGO_TARGET_DIR:-target}/packed"
  packed=$(cd "${CARGO_TARGET_DIR:-target}/packed" && pwd -P)
  (cmd_bootstrap -o "$packed") || exit
  unzip -q -o "$packed/lambda-stdio.zip" -d "$packed/opt"
  LAMBDA_STDIO_BOOTSTRAP=$packed/opt/bootstrap
  export LAMBDA_STDIO_BOOTSTRAP
  arch=$(arch_of_machine)
  need_target
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

# What npm's packages with a native part, such as AWS's own client for Node.js, are compiled with.
if [ "${LAMBDA_STDIO_LARGE-}" = 1 ]; then
  test_programs="$test_programs
    autoconf:autoconf automake:automake cmake:cmake g++:g++ libtoolize:libtool m4:m4 make:make npm:npm"
fi
