#!/bin/sh
# Static, for the architecture in $GOARCH, or this machine's.
set -eu
export CGO_ENABLED=0 GOOS=linux GO111MODULE=off GOCACHE="${GOCACHE:-${HOME:-/tmp}/.cache/go-build}"
go build -trimpath -ldflags=-s -o handler main.go
