# shellcheck shell=sh disable=SC2034,SC2154 # part of build.sh, which has the variables
#
# ./build.sh arm64: what is built for arm64, tested on a machine of any kind.
#
# The unit and fuzz tests run in an emulated process. What bootstrap sees of other processes is the kernel's, so the rest runs on
# an emulated machine: Debian's kernel for arm64, and a root of Debian's packages that is all in memory. Everything is in target/arm64;
# nothing is installed, and nothing is registered with this machine's kernel (binfmt_misc).

# What the examples and the tests take there.
arm64_packages='
  bash cl-alexandria cl-trivial-gray-streams cl-yason coreutils curl dash diffutils findutils gawk gcc git grep gzip jq
  kmod libc-bin libc6-dev linux-image-cloud-arm64 mount nodejs perl php-cgi php-cli procps python3 ruby sbcl sed tar unzip util-linux zip
'
arm64_release=trixie
# What has no package of Debian's there, or a compiler that is too large to be emulated.
without_examples='mcp-time rust'
# The unit tests that look into /proc.
looks=process_tree::

cmd_arm64() {
  began=$(date +%s)
  suite=''
  case $* in
    '') ;;
    --suite) suite=yes ;;
    *) die "arm64 has no option $*. See ./build.sh help" ;;
  esac
  need_rust
  have apt-get || die 'arm64 takes packages from Debian, and needs apt-get for that'
  target_folder=${CARGO_TARGET_DIR:-target}
  mkdir -p "$target_folder/arm64"
  place=$(cd "$target_folder/arm64" && pwd -P)
  arch=arm64
  need_target
  case $target in *-musl) ;; *) die "this takes Rust's standard library for musl: rustup target add aarch64-unknown-linux-musl" ;; esac
  need_qemu
  need_arm64_root
  step cargo build --release --locked --target "$target"
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="$qemu_user"
  # In an emulated process /proc tells of the emulator: what looks there is for the machine.
  step cargo test --locked --target "$target" --bins --test fuzz -- --skip "$looks"
  pack_arm64_tests
  run_arm64_machine
  say "all is well on arm64, after $(($(date +%s) - began)) s"
}

# Sets $qemu_user and $qemu_system: those of this machine, or from packages of its own Debian that are only unpacked.
need_qemu() {
  if ! have qemu-aarch64-static || ! have qemu-system-aarch64 || ! have cpio; then
    if [ ! -e "$place/qemu/complete" ]; then
      say 'unpacking qemu and cpio'
      rm -rf "$place/qemu"
      mkdir -p "$place/qemu/debs/partial"
      [ "$(id -u)" != 0 ] || apt-get update -qq
      apt-get install --quiet=2 --yes --no-install-recommends --download-only -o Debug::NoLocking=1 -o APT::Sandbox::User= \
        -o "Dir::Cache::archives=$place/qemu/debs" cpio qemu-system-arm qemu-user-static ipxe-qemu- >&2
      unpack_debs "$place/qemu/debs" "$place/qemu"
      : >"$place/qemu/complete"
    fi
    PATH=$place/qemu/usr/bin:$place/qemu/bin:$PATH
    for folder in "$place"/qemu/lib/*-linux-gnu "$place"/qemu/usr/lib/*-linux-gnu; do
      libraries=${libraries:+$libraries:}$folder
    done
  fi
  qemu_user=$(command -v qemu-aarch64-static)
}

# unpack_debs FOLDER ROOT: the packages' files, and none of their scripts.
unpack_debs() {
  for deb in "$1"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -C "$2" -x --keep-directory-symlink --no-same-owner || die "$deb cannot be unpacked"
  done
}

# Makes $place/root.cpio and $place/vmlinuz: a Debian of these packages for arm64, not configured but for what is missed.
need_arm64_root() {
  list="$arm64_release $(printf %s "$arm64_packages" | tr -s ' \n' ' ')"
  [ "$list" != "$(cat "$place/packages" 2>/dev/null)" ] || return 0
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || die "Debian's keys are missing. Install them: $(install_command) debian-archive-keyring"
  say "fetching Debian for arm64 into $place"
  apt=$place/apt root=$place/root
  rm -rf "$apt" "$root" "$place/packages"
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib"
  : >"$apt/status"
  echo "deb [signed-by=$keyring] http://deb.debian.org/debian $arm64_release main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<END
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
END
  APT_CONFIG=$apt/apt.conf apt-get update --quiet=2
  # shellcheck disable=SC2086 # one word per package
  APT_CONFIG=$apt/apt.conf apt-get install --quiet=2 --yes --no-install-recommends --download-only $arm64_packages >&2
  for folder in bin sbin lib; do ln -s "usr/$folder" "$root/$folder"; done
  unpack_debs "$apt/cache/archives" "$root"
  mv "$root"/boot/vmlinuz-* "$place/vmlinuz"
  # The one module that matters: by it the kernel tells who is at the other end of a socket.
  mv "$root"/usr/lib/modules/*/kernel/net/unix/unix_diag.ko* "$root"
  rm -rf "${root:?}/boot" "$root"/usr/lib/modules "$root"/usr/share/doc "$root"/usr/share/locale "$root"/usr/share/man "$apt/cache"
  ln -sf dash "$root/usr/bin/sh"
  ln -sf gawk "$root/usr/bin/awk"
  # Debian's alternatives.
  for program in php php-cgi; do
    [ -e "$root/usr/bin/$program" ] || ln -s "$(cd "$root/usr/bin" && ls -d "$program"[0-9]*)" "$root/usr/bin/$program"
  done
  [ -e "$root/usr/bin/cc" ] || ln -s gcc "$root/usr/bin/cc"
  ln -sf /proc/mounts "$root/etc/mtab"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/root"
  as_cpio "$root" >"$place/root.cpio"
  rm -rf "$root"
  printf '%s\n' "$list" >"$place/packages"
}

# as_cpio FOLDER: all in it, root's, as the kernel takes it for its first root.
as_cpio() {
  (cd "$1" && find . | with_libraries cpio --create --format=newc --owner=0:0 --quiet)
}

with_libraries() {
  if [ -n "${libraries-}" ]; then LD_LIBRARY_PATH=$libraries "$@"; else "$@"; fi
}

# Makes $place/tests.cpio, which is laid over the root: this checkout, at its own place, the tests, and what runs them.
pack_arm64_tests() {
  step cargo test --locked --target "$target" --bins --test it --no-run
  made=$(cargo test --locked --target "$target" --bins --test it --no-run 2>&1)
  units=$(printf '%s\n' "$made" | sed -n 's/.*Executable unittests.*(\(.*\))$/\1/p')
  tests=$(printf '%s\n' "$made" | sed -n 's/.*Executable tests.*(\(.*\))$/\1/p')
  top=$(pwd -P) over=$place/tests
  rm -rf "$over"
  mkdir -p "$over$top/target/tmp" "$over$top/$target_folder/$target/tmp"
  tar --exclude=./target --exclude=./out --exclude=./.git -c . | tar -C "$over$top" -x
  cp "$tests" "$over/it"
  cp "$units" "$over/units"
  cp "$target_folder/$target/release/bootstrap" "$over/bootstrap"
  if [ -n "$suite" ]; then
    # What builds, and what needs packages from elsewhere, does not depend on the processor.
    filter='--skip build_ --skip deploy:: --skip deploying:: --skip dependencies:: --skip emulator:: --skip image:: --skip readme:: --skip rie:: --skip static_binary::'
    # One after another: forking is slow here, and a tree has to end in two seconds. As nobody, too.
    units="--test-threads=1 $looks --skip without_privileges"
    others="&& setpriv --reuid=65534 --regid=65534 --clear-groups /units --test-threads=1 ${looks}tests::"
  else
    filter=examples::
    # What is another call here, and what depends on the kernel.
    units="--test-threads=2 a_pause a_poll a_select an_epoll ${looks}sockets:: a_socket_to_itself" others=''
  fi
  cat >"$over/init" <<END
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LAMBDA_STDIO_BOOTSTRAP=/bootstrap RUST_BACKTRACE=0
export LAMBDA_STDIO_WITHOUT_EXAMPLES='$without_examples'
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
chmod 1777 /tmp
ln -sf /proc/self/fd /dev/fd
# The loopback interface: SIOCSIFFLAGS, IFF_UP and IFF_RUNNING.
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))'
uname -a
# Debian's scripts would have compiled this, and emulated it takes longer than a handler may take to start.
python3 -c 'import argparse, asyncio, base64, datetime, importlib.util, inspect, json, logging, pathlib, runpy, select, signal, socket
import struct, subprocess, tempfile, threading, traceback, typing, urllib.parse, uuid'
# Both with and without the module by which the kernel tells of sockets' other ends.
/units --test-threads=2 ${looks}sockets:: a_socket_to_itself && insmod /unix_diag.ko* && /units $units $others &&
  /it --test-threads=2 $filter
echo "arm64: the tests ended with status \$?"
echo o >/proc/sysrq-trigger
sleep 60
END
  chmod 755 "$over/init"
  as_cpio "$over" >"$place/tests.cpio"
  rm -rf "$over"
  cat "$place/root.cpio" "$place/tests.cpio" >"$place/initrd"
}

run_arm64_machine() {
  if [ -n "$suite" ]; then limit=5400; else limit=600; fi
  say "starting the machine; its console is $place/console"
  set -- -machine virt -cpu cortex-a57 -smp 2 -m 4096 -nographic -no-reboot -nic none
  [ ! -d "$place/qemu/usr/share/qemu" ] || set -- "$@" -L "$place/qemu/usr/share/qemu"
  with_libraries timeout "$limit" qemu-system-aarch64 "$@" -kernel "$place/vmlinuz" -initrd "$place/initrd" \
    -append 'console=ttyAMA0 rdinit=/init panic=-1 quiet' </dev/null >"$place/console" 2>&1 || die "the machine did not end in $limit s: see $place/console"
  rm "$place/initrd"
  grep -E '^(Linux|sandbox:|test result:|arm64:)|FAILED' "$place/console" || :
  grep -q '^arm64: the tests ended with status 0' "$place/console" || die "not all is well on arm64: see $place/console"
}
