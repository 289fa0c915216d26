#!/bin/sh
# Compares `bootstrap` as it ships with a floor and with other people's runtimes; benches/README.md says how. Installs those first,
# once, into Cargo's target folder (some minutes, and as root what they are built with), so that nothing of them is in the
# product's own build.
#
#   benches/run.sh [--install | --write | what `cargo bench -- --help` lists]

set -eu
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}/peers"
peers=$(cd "${CARGO_TARGET_DIR:-target}/peers" && pwd -P)
awslambdaric=4.2.2
# Releases of Node.js, each with the last of AWS's clients that is for it.
nodes='20:3.3.0 22:4.0.2 24:4.0.2'

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
  npm:npm
  patchelf:patchelf
  php-cgi:php-cgi
  python3:python3
  qemu-aarch64-static:qemu-user-static
  sbcl:sbcl
  taskset:util-linux
  unzip:unzip
  zip:zip
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

# real NAME: the first program of this name on the PATH that is no script, as those of version managers are. (Node.js is npm's own
# package, and the benchmark itself looks likewise for what it starts.)
real() {
  (
    IFS=:
    for folder in $PATH; do
      if [ -x "$folder/$1" ] && [ -f "$folder/$1" ] && [ "$(head -c 2 "$folder/$1" | tr -d '\0')" != '#!' ]; then
        printf '%s\n' "$folder/$1"
        exit 0
      fi
    done
    exit 1
  )
}

need_programs() {
  missing=$(
    for entry in $programs; do
      have "${entry%:*}" || printf '%s ' "${entry#*:}"
    done
    real python3 >/dev/null || printf 'python3 '
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

# install_into NAME COMMAND...: runs the command with an empty folder, which becomes $peers/NAME if it succeeds.
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

# python_packages PACKAGES FOLDER: what pip takes for packages, one word each.
python_packages() {
  "$(real python3)" -m venv "$2"
  # shellcheck disable=SC2086 # -r FILE, or names
  "$2/bin/python3" -m pip install -q --disable-pip-version-check $1
}

# npm_package PACKAGE FOLDER. Some have a native part to build, which newer versions of npm ask permission for.
npm_package() {
  npm install --silent --no-audit --no-fund --dangerously-allow-all-scripts --prefix "$2" "$1"
}

# node_client RELEASE VERSION FOLDER: built by this Node.js, against the headers that it has brought.
node_client() {
  folder=$(dirname "$(find "$peers/node$1" -path '*/include/node/node.h')")
  prefix=${folder%/include/node}
  (
    export npm_config_nodedir="$prefix" PATH="$peers/node$1/node_modules/node/bin:$PATH"
    npm_package "aws-lambda-ric@$2" "$3"
  )
  [ -e "$3/node_modules/aws-lambda-ric/dist/rapid-client.node" ] || [ -e "$3/node_modules/aws-lambda-ric/rapid-client.node" ]
}

# Static, as `bootstrap` is; with its target named, so that only the program is and not the compiler's plug-ins.
rust_runtime() {
  host=$(rustc -vV | sed -n 's/^host: //p')
  cargo build -q --release --locked --manifest-path benches/peers/rust/Cargo.toml --example in-process \
    --target "$host" --target-dir "$peers/rust"
  ln -sf "rust/$host/release/examples/in-process" "$peers/in-process"
}

# What ships: the zip, and the layer with SBCL, as ./build.sh makes them.
pack() {
  ./build.sh bootstrap -o "$peers/packed"
  ./build.sh sbcl -o "$peers/packed" --bootstrap "$peers/packed/bootstrap"
  rm -rf "$peers/layer"
  unzip -q "$peers/packed/sbcl-layer.zip" -d "$peers/layer"
}

# The floor and bootstrap for arm64, for an emulated process. Rust brings the linker.
pack_arm64() {
  [ "$(uname -m)" = x86_64 ] || return 0
  ./build.sh bootstrap --arch arm64 -o "$peers/arm64"
  target=aarch64-unknown-linux-musl
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
  floor=$(cargo bench -q --no-run --locked --bench speed --target "$target" --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/speed-[^"]*\)".*/\1/p')
  [ -f "$floor" ] || die 'the floor for arm64 could not be built'
  ln -sf "$floor" "$peers/arm64/floor"
}

need_programs
install_into python python_packages "awslambdaric==$awslambdaric"
install_into mcp python_packages '-r examples/mcp-time/requirements.txt'
for entry in $nodes; do
  install_into "node${entry%:*}" npm_package "node@${entry%:*}"
  install_into "client${entry%:*}" node_client "${entry%:*}" "${entry#*:}"
done
[ "$*" != --install ] || exit 0
rust_runtime
pack
pack_arm64
LAMBDA_STDIO_BOOTSTRAP=$peers/packed/bootstrap
export LAMBDA_STDIO_BOOTSTRAP
exec cargo bench --locked --bench speed -- "$@"
