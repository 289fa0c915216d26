//! The other versions of Node.js that AWS has runtimes for, and one that is too old. They are installed by npm.

use super::script;
use crate::harness::npm;
use std::process::Command;

/// Runs all tests of the adapter, but these, with another version.
#[test]
fn all_of_this_with_the_other_versions() {
    if !npm::is_large() {
        return;
    }
    for major in [18, 20, 22, 24] {
        let mut tests = Command::new(std::env::current_exe().expect("the tests"));
        tests.args(["adapter_node::", "--skip", "adapter_node::versions::"]);
        let output = tests.env("LAMBDA_STDIO_FIRST", npm::node(major)).output().expect("an end");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !told.contains(" 0 passed"), "Node.js {major}: {told}");
    }
}

#[test]
fn a_version_that_is_too_old_says_so() {
    if !npm::is_large() {
        return;
    }
    for major in [12, 16] {
        let function = script("exports.handler = async () => 1;").with_node(major);
        let function = function.expect_init_error("Runtime.InvalidEntrypoint", "needs Node.js 18 or newer; ").run();
        function.wait_log(&format!("/bin/node is {major}."));
    }
}
