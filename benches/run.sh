#!/bin/sh
# Compares `bootstrap` with a floor and with other people's runtimes; benches/README.md says how. Installs those first, once,
# into Cargo's target folder (a few minutes, and as root what they are built with), so that nothing of them is in the
# product's own build.
#
#   benches/run.sh [--write | what `cargo bench -- --help` lists]

set -eu
cd "$(dirname "$0")/.."

peers=${CARGO_TARGET_DIR:-target}/peers
awslambdaric=4.2.2
# The last one for Node.js 20.
aws_lambda_ric=3.3.0

# The programs that are measured, or that aws-lambda-ric is built with, each with the Debian package that has it.
programs='
  autoconf:autoconf
  automake:automake
  bash:bash
  cmake:cmake
  curl:curl
  g++:g++
  libtoolize:libtool
  m4:m4
  make:make
  node:nodejs
  npm:npm
  php-cgi:php-cgi
  python3:python3
  sbcl:sbcl
  taskset:util-linux
'

say() {
  printf 'run.sh: %s\n' "$*"
}

die() {
  say "$*" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

need_programs() {
  missing=$(
    for entry in $programs; do
      have "${entry%:*}" || printf '%s ' "${entry#*:}"
    done
    python3 -c 'import ensurepip' 2>/dev/null || printf 'python3-venv '
  )
  [ -n "$missing" ] || return 0
  have apt-get || die "these packages are needed, or your system's like them: $missing"
  [ "$(id -u)" = 0 ] || die "some packages are needed. Install them: sudo apt-get install $missing"
  say "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086 # one word per package
  apt-get install -qq --no-install-recommends $missing
}

# install_into NAME COMMAND...: runs the command in an empty folder, which becomes $peers/NAME if it succeeds.
install_into() {
  name=$1
  shift
  [ ! -e "$peers/$name" ] || return 0
  say "installing $name"
  rm -rf "$peers/$name.new"
  mkdir -p "$peers/$name.new"
  "$@" "$peers/$name.new" || die "$name could not be installed"
  mv "$peers/$name.new" "$peers/$name"
}

python_client() {
  python3 -m venv "$1"
  "$1/bin/python3" -m pip install -q --disable-pip-version-check "awslambdaric==$awslambdaric"
}

node_client() {
  # Its native part is built against the headers of this Node.js, if it has brought them.
  prefix=$(dirname "$(dirname "$(command -v node)")")
  if [ -e "$prefix/include/node/node.h" ]; then
    export npm_config_nodedir="$prefix"
  fi
  npm install --silent --no-audit --no-fund --prefix "$1" "aws-lambda-ric@$aws_lambda_ric"
  [ -e "$1/node_modules/aws-lambda-ric/dist/rapid-client.node" ]
}

# Static, as `bootstrap` is; with its target named, so that only the program is and not the compiler's plug-ins.
rust_runtime() {
  host=$(rustc -vV | sed -n 's/^host: //p')
  cargo build -q --release --locked --manifest-path benches/peers/rust/Cargo.toml --example in-process \
    --target "$host" --target-dir "$peers/rust"
  ln -sf "rust/$host/release/examples/in-process" "$peers/in-process"
}

mcp_server() {
  python3 -m venv "$1"
  "$1/bin/python3" -m pip install -q --disable-pip-version-check -r examples/mcp-time/requirements.txt
}

need_programs
mkdir -p "$peers"
install_into python python_client
install_into node node_client
install_into mcp mcp_server
rust_runtime
exec cargo bench --locked --bench speed -- "$@"
