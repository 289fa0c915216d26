//! Mistakes that are often made, and that are named as what they are.

use super::{INVALID, NOT_FOUND, named};
use crate::harness::{Function, Shell};

#[test]
fn a_mistyped_name_is_told_in_lines() {
    let function = || Function::empty().program("greet.sh", named("a"));
    function().handler("greet").expect_init_error(NOT_FOUND, "Did you mean greet.sh?").run();
    function().handler("greet.sh -v").expect_init_error(NOT_FOUND, "HANDLER_ARGS='-v'").run();
    let source = || Function::empty().file("ok.py", "def handler(event, context): return event\n");
    source().handler("ok.py").expect_init_error(INVALID, "ok.py has a function handler: say ok.handler").run();
    source().handler("ok.py.handler").expect_init_error(NOT_FOUND, "Did you mean ok.handler?").run();
    source().handler("ko.handler").expect_init_error(NOT_FOUND, "Did you mean ok.handler?").run();
    Function::empty().file("folder/x", "").handler("folder").expect_init_error(NOT_FOUND, "folder is a folder").run();
    let output = Shell::bare().arg("no-such.handler").stdin("1").run().expect_status(1);
    assert!(output.stderr.lines().all(|line| line.len() < 400), "{}", output.stderr);
}

#[test]
fn marks_and_line_ends_of_windows_are_named() {
    for first_line in ["#!/bin/bash", "#!/usr/bin/env bash", "#!/usr/bin/env -S bash -e"] {
        let script = format!("{first_line}\r\nwhile read -r e; do echo 1; done\r\n");
        Function::new(&script).expect_init_error(INVALID, "carriage return").run();
        Function::empty()
            .file("handler", &script)
            .handler("handler")
            .expect_init_error(INVALID, "carriage return")
            .run();
    }
    // In the body alone.
    let script = "#!/bin/bash\nwhile read -r e; do\r\necho 1\r\ndone\r\n";
    Function::new(script).expect_init_error("Runtime.ExitError", "").expect_log("end in a carriage return").run();
    let function = Function::empty().file("f.sh", "handler() {\r\n echo 1\r\n}\r\n").handler("f.handler").start();
    function.wait_log("f.sh end in a carriage return");
    drop(function);
    let marked = format!("\u{feff}{}", named("a"));
    Function::new(&marked).expect_init_error(INVALID, "byte order mark").run();
    Function::empty().file("handler", &marked).handler("handler").expect_init_error(INVALID, "byte order mark").run();
    let wide: Vec<u8> = std::iter::once(0xfeff).chain(named("a").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    Function::new("").program("handler", wide).expect_init_error(INVALID, "UTF-16").run();
}
