//! Two invocations with one request id at once: only the invocation id tells them apart, and each gets its own answer.

use crate::harness::speaking::SPEAKING;
use crate::harness::{Call, Event, Function, Running, need};

const ID: &str = "5a1e0000-e9f4-11e8-9739-000000000001";
const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

/// An attempt at the one invocation.
fn attempt(body: &str, invocation: &str) -> Event {
    let mut event = Event::new(body).header(INVOCATION_ID, invocation);
    ID.clone_into(&mut event.id);
    event
}

/// Both answers have come, each with what its own event said.
#[track_caller]
fn each_has_its_own(function: &Running) {
    for (invocation, body) in [("B", "\"b\""), ("A", "\"a\"")] {
        let answer = function.answer_of(ID, Some(invocation));
        assert_eq!(answer.response_text(), body, "{}", function.story());
    }
    assert_eq!(function.requests_so_far(Call::Response).len(), 2);
}

/// Answers two events once it has both, the later one first.
fn backwards(header: &str) -> Function {
    Function::python(&format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready concurrency=4\\n')
had = []
for headers, body in events():
    had.append((headers, body))
    os.write(2, b'has one\\n')
    while len(had) >= 2:
        headers, body = had.pop()
        emit('Lambda-Runtime-Aws-Request-Id: %s\\n' % headers['Lambda-Runtime-Aws-Request-Id'])
        {header}
        write(body)
        if len(had) == 1:
            headers, body = had.pop()
            emit('Lambda-Runtime-Aws-Request-Id: %s\\n' % headers['Lambda-Runtime-Aws-Request-Id'])
            {header}
            write(body)
"
    ))
    .workers(4)
}

#[test]
fn a_handler_that_repeats_both_ids_is_understood() {
    let header = format!("emit('{INVOCATION_ID}: %s\\n' % headers['{INVOCATION_ID}'])");
    let function = backwards(&header).start();
    function.send(attempt("\"a\"", "A"));
    function.wait_log("has one");
    function.send(attempt("\"b\"", "B"));
    each_has_its_own(&function);
}

#[test]
fn an_answer_without_the_invocation_id_is_nobodys() {
    let function = backwards("").start();
    let time = std::time::Duration::from_secs(2);
    function.send(attempt("\"a\"", "A").deadline_in(time));
    function.wait_log("has one");
    function.send(attempt("\"b\"", "B").deadline_in(time));
    for invocation in ["A", "B"] {
        function.answer_of(ID, Some(invocation)).error("Runtime.InvokeTimeout");
    }
    function.wait_log(ID);
}

#[test]
fn node_tells_them_apart() {
    need("node");
    // The first waits for the second, which answers first. With nothing else to wait for, Node would find its event loop empty,
    // which ends an event.
    let script = "let gone = false;
        export const handler = async (event) => {
            console.error(`has ${event}`);
            if (event === 'b') { gone = true; return event; }
            while (!gone) await new Promise((resolve) => setTimeout(resolve, 1));
            await new Promise((resolve) => setTimeout(resolve, 100));
            return event;
        };";
    let function = Function::empty().file("app.mjs", script).handler("app.handler").workers(4);
    let function = function.env("AWS_LAMBDA_MAX_CONCURRENCY", "4").start();
    function.send(attempt("\"a\"", "A"));
    function.wait_log("has a");
    function.send(attempt("\"b\"", "B"));
    each_has_its_own(&function);
}

#[test]
fn several_processes_have_an_attempt_each() {
    let script = "while read -r e; do echo has $e >&2; [ $e = '\"a\"' ] && read -r x < go; echo \"$e\"; done";
    let function = Function::bash(script).pipe("go").in_task_root().workers(2).start();
    function.send(attempt("\"a\"", "A"));
    function.wait_log("has \"a\"");
    function.send(attempt("\"b\"", "B"));
    function.answer_of(ID, Some("B"));
    function.pipe("go").ring();
    each_has_its_own(&function);
}
