# shellcheck shell=sh
#
# ./build.sh test, with LAMBDA_STDIO_LARGE=1: the tools that docs/deploying.md has snippets for, some 700 MB; and Deno, for its example.

# What they are, each in the version that the page says it was tried with.
large_python_tools='aws-sam-cli==1.170.0'
large_node_tools='aws-cdk-lib@2.276.0 constructs@10 osls@4.3.1'

need_large_tools() {
  [ "${LAMBDA_STDIO_LARGE-}" = 1 ] || return 0
  have deno || install_deno
  tools=${CARGO_TARGET_DIR:-target}/tools-large
  if [ "$(cat "$tools/installed.txt" 2>/dev/null)" = "$large_python_tools $large_node_tools" ]; then
    return
  fi
  have npm || install_packages npm
  rm -rf "$tools"
  # A venv of their own: they want other versions of what the tests' tools have.
  step python3 -m venv "$tools"
  step "$tools/bin/pip" install --quiet --disable-pip-version-check "$large_python_tools"
  # shellcheck disable=SC2086 # one word per package
  step npm install --prefix "$tools" --no-audit --no-fund --no-save --silent $large_node_tools
  printf '%s\n' "$large_python_tools $large_node_tools" >"$tools/installed.txt"
}

# Where the sandbox of the tests finds it, too.
install_deno() {
  have npm || install_packages npm
  [ -w /usr/local/bin ] || die 'the tests need deno. Install it: sudo npm install --global deno'
  step npm install --prefix /usr/local --global --no-audit --no-fund --silent deno@2.9.6
}
