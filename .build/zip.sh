# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# Zips: the same bytes from the same files, and nothing half made.

# Makes $work, for what NAME.zip is to be made of: its files in $work/root. It is gone at the end, however that comes.
begin() {
  work=''
  trap '[ -z "$work" ] || rm -rf -- "$work"; rmdir -- "$out" 2>/dev/null || :' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap 'exit 141' PIPE # nobody reads on, as with `| head -n 1`
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
