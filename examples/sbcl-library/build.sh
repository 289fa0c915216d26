#!/bin/sh
# Compiles the system "libraries", which is the libraries that main.lisp needs, into libraries.fasl beside it.
set -eu
cd "$(dirname "$0")"
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
XDG_CACHE_HOME=$cache sbcl --noinform --non-interactive --no-userinit \
  --eval '(require "asdf")' \
  --eval '(asdf:load-asd (merge-pathnames "libraries.asd"))' \
  --eval '(asdf:operate (quote asdf:monolithic-compile-bundle-op) "libraries")' \
  --eval '(uiop:copy-file (asdf:output-file (quote asdf:monolithic-compile-bundle-op) "libraries") "libraries.fasl")' >&2
