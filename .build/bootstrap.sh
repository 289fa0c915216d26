# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# The binary: built for this machine or another, or brought along.

# Sets $binary and $arch: the bootstrap that was given, or a new one.
find_bootstrap() {
  if [ -n "$binary" ]; then
    [ -f "$binary" ] || die "there is no file $binary"
    is=$(arch_of "$binary")
    [ -n "$is" ] || die "$binary is no program for Linux on x86_64 or arm64"
    [ "${arch:-$is}" = "$is" ] || die "$binary is for $is, not for $arch"
    arch=$is
    check_static "$binary"
    return
  fi
  arch=${arch:-$(arch_of_machine)}
  need_rust
  need_target
  # A RUSTFLAGS of the user's takes the place of what .cargo/config.toml says.
  [ -z "${RUSTFLAGS-}" ] || export RUSTFLAGS="$RUSTFLAGS -C target-feature=+crt-static"
  cargo build --release --locked ${target:+--target "$target"}
  binary=${CARGO_TARGET_DIR:-target}/${target:+$target/}release/bootstrap
  [ -f "$binary" ] || die "cargo has put the binary elsewhere than $binary: find it, and say ./build.sh $command --bootstrap FILE"
  check_static "$binary"
  say "built $binary"
}

arch_of_machine() {
  case $(uname -m) in
    x86_64 | amd64) echo x86_64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) die "this machine is neither x86_64 nor arm64, but $(uname -m). Say --arch x86_64 or --arch arm64" ;;
  esac
}

# arch_of FILE: what an ELF file of 64 bits is for, or nothing.
arch_of() {
  case $(od -An -v -tx1 -N20 "$1" | tr -d ' \n') in
    7f454c4602*3e00) echo x86_64 ;;
    7f454c4602*b700) echo arm64 ;;
  esac
}

# A binary that needs a loader and libraries does not run on every base image: Lambda's may be older than this machine.
check_static() {
  loader=$(loader_of "$1")
  [ -z "$loader" ] || die "$1 is linked dynamically: it needs $loader and the C library of the machine that built it, and a
base image on Lambda may have an older one, or none. Take bootstrap from a release, or let ./build.sh build it; or, with cargo install,
say --target $(uname -m)-unknown-linux-musl"
}

# loader_of FILE: the program that an ELF file of 64 bits names to load it (its segment of type 3), or nothing if it is static.
loader_of() {
  first=$(number_at 32 8 "$1")
  count=$(number_at 56 2 "$1")
  while [ "$count" -gt 0 ]; do
    if [ "$(number_at "$first" 4 "$1")" = 3 ]; then
      from=$(number_at $((first + 8)) 8 "$1")
      length=$(number_at $((first + 32)) 8 "$1")
      dd if="$1" bs=1 skip="$from" count=$((length - 1)) 2>/dev/null
      return
    fi
    first=$((first + 56))
    count=$((count - 1))
  done
}

# number_at OFFSET BYTES FILE: a number, in the byte order of both architectures.
number_at() {
  od -An -v -tu1 -j "$1" -N "$2" "$3" | awk '{ for (i = 1; i <= NF; i++) byte[n++] = $i }
    END { while (n > 0) sum = sum * 256 + byte[--n]; printf "%.0f\n", sum }'
}

# Sets $target, what Rust calls $arch, and the linker for it; or nothing, where that is what it builds for anyway. What ships is
# linked with musl: half as large as with glibc, and the same on both architectures.
need_target() {
  case $arch in
    x86_64) cpu=x86_64 ;;
    arm64) cpu=aarch64 ;;
  esac
  need_musl || need_gnu || die "Rust cannot build for $arch here yet. Type: rustup target add $cpu-unknown-linux-musl"
  # Another may be set already, by the user.
  [ -n "$target" ] || return 0
  variable=CARGO_TARGET_$(printf %s "$target" | tr 'a-z-' 'A-Z_')_LINKER
  eval "export $variable=\"\${$variable-$linker}\""
}

# Rust brings all that it takes to link for musl, once its standard library for that is there.
need_musl() {
  linker=rust-lld
  has_target "$cpu-unknown-linux-musl" && return
  have rustup || return
  say "rustup target add $target" >&2
  rustup target add "$target" >&2 && has_target "$target"
}

# The second best: glibc, linked statically, too.
need_gnu() {
  say "Rust has no standard library for $target, and cannot get it: building with glibc, which makes the binary larger" >&2
  case $(rustc -vV) in
    *"host: $cpu-"*-linux-*)
      target=''
      return
      ;;
  esac
  has_target "$cpu-unknown-linux-gnu" || return
  linker=$cpu-linux-gnu-gcc
  package=$(printf %s "$cpu" | tr _ -)
  have "$linker" || die "$linker is missing, which links for $arch. Type either of
  rustup target add $cpu-unknown-linux-musl
  $(install_command) gcc-$package-linux-gnu libc6-dev-$(printf %s "$arch" | sed s/x86_64/amd64/)-cross"
}

has_target() {
  target=$1
  [ -d "$(rustc --print target-libdir --target "$target")" ]
}
