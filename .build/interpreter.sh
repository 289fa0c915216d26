# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# ./build.sh function: a word where the handler needs an interpreter that Lambda's bare image has not. The zip is good all the
# same, for one of the three ways that are named.

# warn_of_interpreter HANDLER: for what is in $work/root.
warn_of_interpreter() {
  interpreter=$(interpreter_of "$1")
  case $interpreter in
    # provided.al2023 has these.
    '' | sh | bash | awk | gawk | sed) return ;;
    python*) with=python image='--base docker.io/library/python:3.13-slim' ;;
    node*) with=node image='--base docker.io/library/node:24-slim' ;;
    ruby*) with=ruby image='--base docker.io/library/ruby:3.4-slim' ;;
    sbcl) with=sbcl image='--base sbcl' ;;
    *) with='' image="--base debian --packages $interpreter" ;;
  esac
  # Unless the zip brings it along.
  [ -z "$(find "$work/root" -type f -name "$interpreter" -perm -100 -print)" ] || return 0
  option=--with
  [ -n "$with" ] || option=--packages with=$interpreter
  layer="examples/deploy.sh layer, of a zip with bin/$interpreter in it"
  [ "$interpreter" != sbcl ] || layer='./build.sh sbcl makes it'
  printf 'build.sh: %s\n' "beware: $1 needs $interpreter, which provided.al2023, Lambda's bare image, has not. Three ways to have it there:
  a runtime of your own   ./build.sh runtime $option $with
  a container image       ./build.sh image ${dir%/} $image
  a layer                 $layer" >&2
}

# interpreter_of HANDLER: the program that runs it, or nothing.
interpreter_of() {
  file=$work/root/$1
  case $1 in
    '('* | *.ros) echo sbcl && return ;;
  esac
  if [ -f "$file" ]; then
    # Its first line: the path behind #!, and behind env the first word that is no option and no setting.
    head -c 256 "$file" | tr -d '\0\r' | LC_ALL=C sed -n '1 { s/^#![ ]*//; t found
      d
      : found
      s,^[^ ]*/env  *,,; s/^\(-[^ ]*  *\)*//; s/^\([A-Za-z_][A-Za-z0-9_]*=[^ ]*  *\)*//
      s/ .*//
      /^\/var\/task\//d
      /^\/opt\//d
      s,.*/,,; p
    }'
    return
  fi
  for ending in py:python3 mjs:node cjs:node js:node rb:ruby lisp:sbcl fasl:sbcl; do
    if [ -f "${file%.*}.${ending%:*}" ]; then
      echo "${ending#*:}" && return
    fi
  done
}
