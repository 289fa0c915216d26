//! Filters: programs that read to end-of-file, and wait for it in an event loop, in a poll, in a thread that is not the first.
//! All are found, and long before the deadline.

use super::learned;
use crate::harness::{Event, Function, Shell, need};
use std::time::{Duration, Instant};

const NODE: &str = "let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => console.log(JSON.stringify({ got: JSON.parse(text) })));
";

const SELECT: &str = "import os, select
text = b''
while select.select([0], [], []):
    piece = os.read(0, 65536)
    if not piece:
        break
    text += piece
print('{\"got\":%s}' % text.decode())
";

const POLL: &str = "import os, select
text = b''
waits = select.poll()
waits.register(0, select.POLLIN)
while waits.poll():
    piece = os.read(0, 65536)
    if not piece:
        break
    text += piece
print('{\"got\":%s}' % text.decode())
";

/// Beside stdin, in the set are a pipe to itself and an event descriptor, as event loops have them.
const EPOLL: &str = "import os, select
ours, theirs = os.pipe()
waits = select.epoll()
for descriptor in (0, ours, os.eventfd(0)):
    waits.register(descriptor, select.EPOLLIN)
text = b''
while waits.poll():
    piece = os.read(0, 65536)
    if not piece:
        break
    text += piece
print('{\"got\":%s}' % text.decode())
";

const THREAD: &str = "import sys, threading
got = []
reader = threading.Thread(target=lambda: got.append(sys.stdin.read()))
reader.start()
reader.join()
print('{\"got\":%s}' % got[0])
";

const CHILD: &str = "import subprocess
print('{\"got\":%s}' % subprocess.check_output(['cat']).decode())
";

const SBCL: &str = r#"(let ((text ""))
  (loop for line = (read-line *standard-input* nil)
        while line do (setf text (concatenate 'string text line)))
  (format t "{\"got\":~a}~%" text))
"#;

const RUBY: &str = "puts \"{\\\"got\\\":#{$stdin.read}}\"\n";

/// Answers `{"got": the event}` by end-of-file, each in a small part of its time, small and large.
#[track_caller]
fn is_found(function: Function) {
    let large = format!("\"{}\"", "x".repeat(1_000_000));
    let function = function.start();
    for event in ["1", "\"zwei\"", &large, "{\"a\":\n4}"] {
        let sent = Instant::now();
        let answer = function.call(Event::new(event).deadline_in(Duration::from_secs(30)));
        answer.response();
        let wanted: serde_json::Value = serde_json::from_str(event).unwrap();
        assert!(answer.json()["got"] == wanted, "{}\n{}", answer.0, function.story());
        assert!(sent.elapsed() < Duration::from_secs(12), "{:?}\n{}", sent.elapsed(), function.story());
    }
    assert_eq!(learned(&function), 1, "{}", function.story());
}

#[test]
fn node_waits_in_epoll() {
    is_found(Function::of("node", NODE));
}

#[test]
fn python_waits_in_select_poll_or_epoll() {
    for script in [SELECT, POLL, EPOLL] {
        is_found(Function::python(script));
    }
}

#[test]
fn a_thread_reads_and_the_first_one_waits_for_it() {
    is_found(Function::python(THREAD));
}

#[test]
fn a_child_reads_and_its_parent_waits_for_what_it_prints() {
    is_found(Function::python(CHILD));
}

#[test]
fn sbcl_polls_before_each_read() {
    is_found(Function::of("sbcl --script", SBCL));
}

#[test]
fn ruby_reads_all() {
    is_found(Function::of("ruby", RUBY));
}

/// It is never at rest: a thread of its own looks at the clock. It gets end-of-file when its time is nearly up.
#[test]
fn one_that_cannot_be_known_is_right_at_the_last_moment() {
    let script = "import sys, threading, time
def tick():
    while True:
        time.sleep(0.05)
threading.Thread(target=tick, daemon=True).start()
print('[%d]' % len(sys.stdin.read()))
";
    let function = Function::python(script).env("HANDLER_DEADLINE_MARGIN_MS", "1000").start();
    for _ in 0..2 {
        let sent = Instant::now();
        let answer = function.call(Event::new("\"abc\"").deadline_in(Duration::from_secs(3)));
        // The line feed is among what it counts.
        assert_eq!(answer.value(), "[6]", "{}", function.story());
        assert!(answer.0.at - sent < Duration::from_secs(2), "{}", function.story());
    }
    assert_eq!(learned(&function), 0, "nothing is proved by it\n{}", function.story());
}

/// On a shell there is nothing after the last event: a handler that is quiet for a second gets end-of-file.
#[test]
fn text_of_one_that_was_still_working_when_it_got_end_of_file_is_no_answer() {
    // What works until end-of-file ends with it, and is never seen at rest.
    let script = "(while :; do :; done) & cat > /dev/null; kill $!; echo text";
    let function = Function::bash(script).start();
    let message = function.call(Event::new("\"abc\"").deadline_in(Duration::from_secs(3))).error("Runtime.ExitError");
    assert!(message.contains("still working when its time was nearly up"), "{message}");
}

#[test]
fn on_a_shell_the_last_event_is_followed_by_end_of_file() {
    for (interpreter, script) in [("node", NODE), ("python3", THREAD), ("python3", EPOLL)] {
        let handler = format!("#!{}\n{script}", need(interpreter).display());
        let output = Shell::new(&handler).stdin("1\n\"zwei\"\n").run().expect_status(0);
        let answers: Vec<serde_json::Value> =
            output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers, [serde_json::json!({"got": 1}), serde_json::json!({"got": "zwei"})], "{interpreter}");
    }
}

#[test]
fn on_a_shell_what_cannot_be_known_gets_end_of_file_after_a_quiet_second() {
    let script = "import sys, threading, time
def tick():
    while True:
        time.sleep(0.05)
threading.Thread(target=tick, daemon=True).start()
print('[%d]' % len(sys.stdin.read()))
";
    let handler = format!("#!{}\n{script}", need("python3").display());
    Shell::new(&handler).stdin("\"abc\"\n").run().expect_status(0).expect_stdout("[6]\n");
}

/// A slow handler on a shell: after three seconds a person is told what it is seen doing.
const SLOW: &str = "while read -r e; do until [ -e go ]; do sleep 0.1; done; echo \"$e\"; done";

#[test]
fn on_a_shell_a_slow_handler_is_explained_once() {
    let mut shell = Shell::bash(SLOW).start();
    shell.type_in("1\n");
    shell.wait_log("the handler");
    shell.folder().write("go", b"", 0o644);
    shell.wait_stdout("1\n");
    shell.close_stdin();
    let output = shell.end().expect_status(0);
    let said: Vec<_> = output.stderr.lines().filter(|line| !line.contains("REPORT")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn on_a_shell_quiet_is_quiet() {
    let script = "while read -r e; do sleep 4; echo \"$e\"; done";
    let output = Shell::bash(script).arg("--quiet").stdin("1\n").run().expect_status(0).expect_stdout("1\n");
    assert_eq!(output.stderr, "");
}
