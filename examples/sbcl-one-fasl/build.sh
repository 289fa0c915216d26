#!/bin/sh
# Compiles the system "main" and the libraries that it depends on into one fasl, main.fasl.
set -eu
cd "$(dirname "$0")"
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
XDG_CACHE_HOME=$cache sbcl --noinform --non-interactive --no-userinit \
  --eval '(require "asdf")' \
  --eval '(asdf:load-asd (merge-pathnames "main.asd"))' \
  --eval '(asdf:operate (quote asdf:monolithic-compile-bundle-op) "main")' \
  --eval '(uiop:copy-file (asdf:output-file (quote asdf:monolithic-compile-bundle-op) "main") "main.fasl")' >&2
