#!/bin/sh
# Static: the program then needs no C library on Lambda. With a target for musl it is smaller.
set -eu
rustc --edition=2021 -O -C strip=symbols -C target-feature=+crt-static -o handler handler.rs
