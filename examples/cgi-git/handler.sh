#!/bin/sh
# Serves the repositories that lie beside this file as bundles. Each sandbox unpacks them once.
set -eu
root=${TMPDIR:-/tmp}/repositories-$(cat "${0%/*}"/*.bundle | cksum | cut -d' ' -f1)
if [ ! -d "$root" ]; then
  new=$(mktemp -d "$root.XXXXXX")
  for bundle in "${0%/*}"/*.bundle; do
    git clone --quiet --bare "$bundle" "$new/$(basename "$bundle" .bundle).git" >&2
  done
  # Another request may have been faster.
  mv -T "$new" "$root" 2>/dev/null || rm -rf "$new"
fi
export GIT_PROJECT_ROOT="$root" GIT_HTTP_EXPORT_ALL=1
exec git http-backend
