#!/bin/sh
# Makes a repository to serve, as the bundle hello.bundle. `git bundle create NAME.bundle --all` makes one of yours.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org GIT_AUTHOR_DATE='2026-01-01T12:00:00Z'
export GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.org GIT_COMMITTER_DATE='2026-01-01T12:00:00Z'
git -c init.defaultBranch=main init --quiet "$work"
echo 'Hello from a function.' >"$work/README"
git -C "$work" add README
git -C "$work" commit --quiet -m 'Say hello'
git -C "$work" bundle create --quiet "$PWD/hello.bundle" main HEAD
