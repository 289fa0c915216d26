//! What `$_HANDLER` means: each way to name a handler, and each way to get it wrong.

mod arguments;
mod hints;

use crate::harness::{Function, need};

const MALFORMED: &str = "Runtime.MalformedHandlerName";
const NOT_FOUND: &str = "Runtime.HandlerNotFound";
const INVALID: &str = "Runtime.InvalidEntrypoint";

/// A loop that answers with what it is, to tell one program from another.
fn named(name: &str) -> String {
    format!("#!/bin/bash\nwhile read -r e; do echo '\"{name}\"'; done\n")
}

#[test]
fn an_empty_name_is_malformed() {
    Function::empty().handler("").expect_init_error(MALFORMED, "_HANDLER").run();
    Function::empty().expect_init_error(MALFORMED, "_HANDLER").run();
}

#[test]
fn control_characters_are_malformed() {
    for name in ["hand\nler", "handler\n", "\u{1b}[31m", "a\tb", "\u{7f}"] {
        Function::empty().handler(name).program("handler", named("a")).expect_init_error(MALFORMED, "").run();
    }
}

#[test]
fn a_lisp_form_is_for_the_sbcl_adapter() {
    need("sbcl");
    for name in ["'no-package::handler", "(error \"from SBCL\")"] {
        let function = Function::empty().handler(name);
        function.expect_init_error("Runtime.ImportModuleError", "").expect_log("SB").run();
        // But a file of that very name comes first.
        Function::empty().handler(name).program(name, named("a")).event("1").expect_response("\"a\"").run();
    }
    Function::empty().handler("my(1).sh").program("my(1).sh", named("b")).event("1").expect_response("\"b\"").run();
}

#[test]
fn a_roswell_script_is_for_the_sbcl_adapter() {
    need("sbcl");
    let script = "#!/bin/sh\n#|-*- mode:lisp -*-|#\n(defun main () (princ \"[1]\"))\n";
    let function = Function::empty().handler("script.ros").program("script.ros", script);
    function.event("{}").expect_response("[1]").run();
    Function::empty().handler("missing.ros").expect_init_error(NOT_FOUND, "missing.ros").run();
}

#[test]
fn an_executable_file_runs_with_no_arguments() {
    let script = "while read -r e; do echo \"[$#]\"; done";
    Function::bash(script).arg("ignored").arg("too").event("{}").expect_response("[0]").run();
}

#[test]
fn names_are_resolved_against_the_task_root() {
    let wanted = "\"deep\"";
    let function = |name: &str| Function::empty().program("bin/my handler.sh", named("deep")).handler(name);
    function("bin/my handler.sh").event("{}").expect_response(wanted).run();
    function("./bin/my handler.sh").event("{}").expect_response(wanted).run();
    function("/var/task/bin/my handler.sh").event("{}").expect_response(wanted).run();
}

#[test]
fn the_task_root_is_the_working_folder() {
    let function = Function::bash("while read -r e; do echo \"\\\"$(pwd -P)\\\"\"; done");
    function.event("{}").expect_response("\"/var/task\"").run();
}

#[test]
fn without_a_task_root_it_is_the_current_folder() {
    let function = Function::bash("while read -r e; do echo \"\\\"$(pwd -P)\\\"\"; done");
    let function = function.without_env("LAMBDA_TASK_ROOT").in_task_root();
    function.event("{}").expect_response("\"/var/task\"").run();
}

#[test]
fn the_first_argument_counts_where_the_variable_is_unset() {
    let both = || Function::empty().program("one", named("one")).program("two", named("two"));
    both().arg("one").event("{}").expect_response("\"one\"").run();
    both().arg("one").handler("two").event("{}").expect_response("\"two\"").run();
}

#[test]
fn a_script_that_lost_its_executable_bit_runs_with_a_warning() {
    for first_line in ["#!/bin/bash", "#! /bin/bash", "#!/usr/bin/env bash"] {
        let function =
            Function::empty().file("handler", named("a").replace("#!/bin/bash", first_line)).handler("handler");
        function
            .event("{}")
            .expect_response("\"a\"")
            .expect_log("[WARN] lambda-stdio: ")
            .expect_log("executable")
            .run();
    }
    // The interpreter gets its argument, as from the kernel.
    let script = format!("#!{} -n\nprint \"[1]\\n\"; $| = 1;", need("perl").display());
    let function = Function::empty().file("handler", script).handler("handler").mode("loop");
    function.event("{}").expect_response("[1]").run();
}

#[test]
fn a_function_in_a_file_is_for_the_adapter_of_its_language() {
    // Each says in its own words that the file has no such function.
    for extension in ["py", "mjs", "cjs", "js", "sh", "bash", "lisp", "rb"] {
        let function = Function::empty().file(&format!("app.{extension}"), "").handler("app.no_such");
        function.expect_init_error(NOT_FOUND, "").run();
    }
    let function = Function::empty().file("src/app.py", "def f(event, context): return [1]").handler("src/app.f");
    function.event("{}").expect_response("[1]").run();
}

#[test]
fn an_adapter_without_its_interpreter_names_it() {
    let function = Function::empty().file("app.rb", "").handler("app.f").env("PATH", "/nonexistent");
    function.expect_init_error(INVALID, "ruby").run();
}

#[test]
fn an_executable_file_comes_before_a_function_in_a_file() {
    let function = Function::empty().file("app.py", "").program("app.handler", named("program")).handler("app.handler");
    function.event("{}").expect_response("\"program\"").run();
}

#[test]
fn a_program_on_the_path_is_found() {
    let function = Function::empty().program("bin/greeter", named("path")).handler("greeter");
    function.env("PATH", "/nonexistent:/var/task/bin:/usr/bin:/bin").event("{}").expect_response("\"path\"").run();
}

#[test]
fn a_file_comes_before_a_program_on_the_path() {
    let function = Function::empty().program("sort", named("mine")).handler("sort");
    function.event("{}").expect_response("\"mine\"").run();
}

#[test]
fn a_folder_is_not_a_handler() {
    let function = Function::empty().file("handler/readme", "").handler("handler");
    function.expect_init_error(NOT_FOUND, "handler").run();
}

#[test]
fn what_is_not_found_names_every_place() {
    let function = Function::empty().handler("no-such").env("PATH", "/first/place:/second/place");
    let function = function.start();
    function.init_error(NOT_FOUND, "/var/task");
    function.init_error(NOT_FOUND, "/first/place");
    function.init_error(NOT_FOUND, "/second/place");

    let function = Function::empty().handler("app.handler").start();
    function.init_error(NOT_FOUND, "app.handler");
    function.init_error(NOT_FOUND, ".py");
}

#[test]
fn a_bad_interpreter_is_an_invalid_entrypoint() {
    let function = Function::new("#!/no/such/interpreter\n").start();
    function.init_error(INVALID, "No such file");
    function.init_error(INVALID, "handler");
    // Saved on Windows: the interpreter's name ends in a carriage return.
    Function::new("#!/bin/bash\r\necho 1\r\n").expect_init_error(INVALID, "No such file").run();
    let function = Function::empty().file("handler", "#!/no/such/interpreter\n").handler("handler");
    function.expect_init_error(INVALID, "No such file").run();
}

#[test]
fn what_is_not_a_program_is_an_invalid_entrypoint() {
    let reason = "Exec format error";
    Function::new("echo '{}'\n").expect_init_error(INVALID, reason).run();
    Function::new("").expect_init_error(INVALID, reason).run();
    // An ELF file for a machine that nobody has.
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xfe\xfe\x01\0\0\0".to_vec();
    elf.resize(4096, 0);
    Function::empty().program("handler", elf).handler("handler").expect_init_error(INVALID, reason).run();
}

#[test]
fn a_file_that_is_neither_executable_nor_a_script_is_an_init_error() {
    let function = Function::empty().file("handler", "some text\n").handler("handler").start();
    function.exit();
    let report = function.requests(crate::harness::Call::Init, 1).remove(0);
    let body: serde_json::Value = serde_json::from_slice(&report.body).unwrap();
    let kind = body["errorType"].as_str().unwrap();
    assert!([NOT_FOUND, INVALID].contains(&kind), "{body}");
    function.init_error(kind, "handler");
}

#[test]
fn a_package_is_a_module() {
    need("python3");
    let function = Function::empty().file("pkg/__init__.py", "def f(event, context): return ['pkg']").handler("pkg.f");
    function.event("1").expect_response("[\"pkg\"]").run();
    need("node");
    let function = Function::empty().file("web/index.js", "exports.f = async () => ['web']").handler("web.f");
    function.event("1").expect_response("[\"web\"]").run();
}
