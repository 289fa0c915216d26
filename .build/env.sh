# shellcheck shell=sh
#
# The file `env` in a function's folder, read in one way for all who read it: zips, images, and examples/deploy.sh.
#
# A NAME=VALUE a line, and the value is all behind the first =, quotes and blanks too. Empty lines and lines that begin with #
# say nothing; an `export` before the name and a carriage return at the end are passed over, so that the file may be a shell's
# or come from Windows. _HANDLER is the handler; all others are variables.

# check_settings FILE: ends with a word about its first line that is no setting.
check_settings() {
  wrong=$(settings_in "$1" 2>&1 >/dev/null) || die "$wrong"
}

# settings_in FILE: its settings, a NAME=VALUE a line. False, with a word on stderr, if a line is none.
settings_in() {
  awk -v file="$1" '
    function wrong(what) {
      printf "%s: line %d %s\n", file, NR, what | "cat >&2"
      failed = 1
      exit 1
    }
    { sub(/\r$/, "") }
    NR == 1 { sub(/^\357\273\277/, "") }
    /^[ \t]*(#|$)/ { next }
    { sub(/^[ \t]*(export[ \t]+)?/, "") }
    !/^[A-Za-z_][A-Za-z0-9_]*=/ { wrong("is not NAME=VALUE: " $0) }
    {
      name = substr($0, 1, index($0, "=") - 1)
      if (name in seen) wrong("sets " name " once more: it is set in line " seen[name])
      seen[name] = NR
      print
    }
    END { exit failed }' "$1"
}

# handler_in FILE: what it says that the handler is, or nothing.
handler_in() {
  found=$(settings_in "$1") || return
  printf '%s\n' "$found" | sed -n 's/^_HANDLER=//p'
}

# variables_in FILE: its settings but the handler.
variables_in() {
  found=$(settings_in "$1") || return
  printf '%s\n' "$found" | sed '/^_HANDLER=/d; /^$/d'
}

# handler_of DIR: what its file `env` says, or else the name of its only file `handler` or `handler.*`. Nothing if there are
# none or several.
handler_of() {
  if [ -f "$1/env" ]; then
    found=$(handler_in "$1/env") || return
    if [ -n "$found" ]; then
      printf '%s\n' "$found"
      return
    fi
  fi
  handlers_in "$1" | awk '{ name = $0 } END { if (NR == 1) print name }'
}

# handlers_in DIR: its files `handler` and `handler.*`, a name a line.
handlers_in() {
  for file in "$1"/handler "$1"/handler.*; do
    [ ! -f "$file" ] || printf '%s\n' "${file##*/}"
  done
}
