# shellcheck shell=sh disable=SC2034,SC2154 # part of deploy.sh, which has the variables
#
# deploy.sh watch: builds and brings up to date what has changed, until it is interrupted.

cmd_watch() {
  check_dir
  set -- "$dir" --name "$name"
  for option in handler timeout memory arch role env runtime region; do
    eval "value=\$$option"
    [ -z "$value" ] || set -- "$@" "--$option" "$value"
  done
  for layer in $layers; do
    set -- "$@" --layer "$layer"
  done
  zip=$box/$(basename "$(cd "$dir" && pwd)").zip
  while
    # What changes from here on is seen the next time.
    : >"$box/before"
    if "$root/build.sh" function "$dir" -o "$box" ${arch:+--arch "$arch"} ${bootstrap:+--bootstrap "$bootstrap"} >&2; then
      "$0" function "$@" --zip "$zip" ${yes:+--yes} || say 'That went wrong: trying again after the next change'
    fi
    [ -n "$yes" ]
  do
    say "watching $dir"
    until [ -n "$(find "$dir" -name __pycache__ -prune -o -newer "$box/before" -print)" ]; do
      sleep 1
    done
  done
}
