#!/bin/sh
# Static: the program then needs no C library on Lambda, whose own may be older than this machine's.
set -eu
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o handler handler.c
