//! The log of Node.js functions, and what else they print.

use super::{handling, node};
use crate::harness::{Function, Shell};
use serde_json::{Value, json};

#[test]
fn the_console_writes_as_in_the_official_runtime() {
    let body = "console.log('hi %d', 5, { a: 1 }); console.error('two\\nlines'); console.debug('unseen');";
    let function = handling(body).env("AWS_LAMBDA_LOG_LEVEL", "INFO").start();
    let id = function.send("{}");
    assert_eq!(function.answer(&id).json(), Value::Null);
    function.wait_log(&format!("Z\t{id}\tINFO\thi 5 {{ a: 1 }}\n"));
    function.wait_log(&format!("Z\t{id}\tERROR\ttwo\rlines\n"));
    assert!(!function.stderr().contains("unseen"));
}

#[test]
fn the_console_in_json() {
    let body = "console.log({ a: 1 }); console.warn('not %s', 'good', new TypeError('oh'));";
    let function = handling(body).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let id = function.send("{}");
    function.answer(&id);
    function.wait_log("}\n{");
    function.wait_log("\"stackTrace\"");
    let log = function.stderr();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = |level: &str| lines.iter().find(|line| line["level"] == level).unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&line("INFO")["message"], &line("INFO")["requestId"]), (&json!({"a": 1}), &json!(id)));
    assert_eq!((&line("WARN")["errorType"], &line("WARN")["errorMessage"]), (&json!("TypeError"), &json!("oh")));
}

#[test]
fn prints_and_what_children_print_go_to_the_log() {
    let body = "const { execSync } = await import('node:child_process');
      const { readFileSync } = await import('node:fs');
      process.stdout.write('from stdout\\n');
      execSync('echo from a child; cat', { stdio: 'inherit' });
      return [readFileSync(0, 'utf8'), event];";
    let function = handling(body).start();
    assert_eq!(function.call("1").json(), json!(["", 1]));
    function.wait_log("from stdout");
    function.wait_log("from a child");
    assert_eq!(function.call("2").json(), json!(["", 2]));
}

#[test]
fn what_is_printed_before_the_adapter_is_a_log_line() {
    for print in [
        "console.log('from a preload')",
        "process.stdout.write('from a preload, without an end')",
        "console.log('{\"json\":\"from a preload\"}')",
        "require('child_process').execSync('echo from a preload', { stdio: 'inherit' })",
        "setImmediate(() => console.log('from a preload'))",
        "console.error('from a preload')",
    ] {
        let preloaded = |function: Function| {
            let options = "--require /var/task/preload.cjs".to_owned();
            function.file("preload.cjs", print).env("NODE_OPTIONS", options)
        };
        let function = preloaded(handling("return [event];")).start();
        assert_eq!(function.call("1").response_text(), "[1]", "{print}");
        function.wait_log("from a preload");
        assert_eq!(function.call("2").response_text(), "[2]", "{print}");
        let broken = preloaded(node("throw new RangeError('no table');"));
        broken.expect_init_error("RangeError", "no table").expect_log("from a preload").run();
    }
}

#[test]
fn what_is_printed_while_loading_is_a_log_line() {
    let source = "import { execSync } from 'node:child_process';
      console.log('{\"a\":1}');
      process.stdout.write('lambda-stdio/1 ready\\n');
      execSync('echo from a child', { stdio: 'inherit' });
      export const handler = async (event) => [event];";
    let function = node(source).start();
    assert_eq!(function.call("1").response_text(), "[1]");
    function.wait_log("{\"a\":1}");
    function.wait_log("lambda-stdio/1 ready");
    function.wait_log("from a child");
}

#[test]
fn children_and_threads_that_run_javascript() {
    let function = Function::empty()
        .file("child.js", "process.send(process.argv.length)")
        .file("thread.js", "require('worker_threads').parentPort.postMessage('thread')")
        .file(
            "app.js",
            "const told = (child) => new Promise((resolve) => child.on('message', resolve));
             exports.handler = () => Promise.all([
               told(require('child_process').fork('child.js')),
               told(new (require('worker_threads').Worker)('./thread.js')),
             ]);",
        )
        .handler("app.handler");
    function.event("{}").expect_response("[2,\"thread\"]").run();
}

#[test]
fn a_signal_handler_of_the_users_runs_at_the_end() {
    let source = "process.on('SIGTERM', () => { console.log('closing'); process.exit(0); });
export const handler = async () => 1;";
    let function = node(source).start();
    assert_eq!(function.call("{}").json(), 1);
    function.wait_idle();
    function.signal(nix::sys::signal::Signal::SIGTERM);
    function.exit();
    function.wait_log("closing");
}

#[test]
fn the_same_on_a_shell() {
    let shell = Shell::bare().file("app.js", "exports.handler = async e => e.a.b").arg("app.handler");
    let output = shell.stdin("{\"a\":{\"b\":1}} {\"b\":2} {\"a\":{\"b\":3}}").run();
    output.expect_stdout("1\n3\n").expect_stderr("TypeError").expect_status(1);
}
