#!/bin/bash
# The echo, as a bash function, for `bootstrap` and for AWS's tutorial.
handler() {
  printf '%s\n' "$1"
}
