//! Answers that stay in a buffer: the first one is flushed, and no later one until there is a buffer full of them. What is
//! in there at a time-out may not come out as another event's answer.

use super::{answer, learned};
use crate::harness::{Event, Function, Running, need};
use std::process::Command;
use std::time::Duration;

/// The first event is answered in the handler's own way, the second not in time, and all later ones are right: each by a
/// process that is given end-of-file.
#[track_caller]
fn one_event_is_lost(function: Function) {
    let function = function.start();
    assert_eq!(function.call("1").value(), "[1]");
    let message = time_out(&function, 2);
    assert!(message.contains("buffer"), "{message}");
    for event in 3..=6 {
        let answer = function.call(event.to_string());
        assert_eq!(answer.value(), format!("[{event}]"), "{}", function.story());
    }
    assert_eq!(learned(&function), 1, "{}", function.story());
}

#[track_caller]
fn time_out(function: &Running, event: u32) -> String {
    let event = Event::new(event.to_string()).deadline_in(Duration::from_secs(2));
    function.call(event).error("Runtime.InvokeTimeout")
}

#[test]
fn printf_in_a_static_program_with_musl() {
    // Its stdout is taken for a terminal until the first line has been written.
    let function = Function::empty().handler("handler");
    let source = function.folder().join("handler.c");
    let function = function.file(
        "handler.c",
        "#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, \"\\n\")] = 0;
        printf(\"[%s]\\n\", line);
    }
    return 0;
}
",
    );
    let mut compiler = Command::new(need("musl-gcc"));
    compiler.args(["-static", "-o"]).arg(function.folder().join("handler")).arg(source);
    assert!(crate::harness::files::spawn(&mut compiler).wait().unwrap().success(), "{compiler:?}");
    one_event_is_lost(function);
}

#[test]
fn a_buffer_that_is_flushed_once() {
    one_event_is_lost(Function::python(
        "import sys
out = open(1, 'w', buffering=65536)
for line in sys.stdin:
    print(f'[{line.strip()}]', file=out)
    if line == '1\\n':
        out.flush()
",
    ));
}

#[test]
fn what_is_in_the_buffer_is_nobodys_answer() {
    // Told to end, it says all that it has.
    let function = Function::python(
        "import signal, sys
out = open(1, 'w', buffering=65536)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
for line in sys.stdin:
    print(f'[{line.strip()}]', file=out)
    if line == '1\\n':
        out.flush()
",
    )
    .start();
    assert_eq!(function.call("1").value(), "[1]");
    time_out(&function, 2);
    assert_eq!(function.call("3").value(), "[3]", "{}", function.story());
}

/// What was text for its first event is text for the later ones, though each has a process of its own now.
#[track_caller]
fn text_is_never_an_answer(function: Function) {
    let function = function.start();
    assert_eq!(function.call("1").value(), "[1]");
    time_out(&function, 2);
    for event in 3..=4 {
        assert_eq!(function.call(event.to_string()).value(), format!("[{event}]"), "{}", function.story());
        function.wait_log(&format!("about {event}"));
    }
}

#[test]
fn text_in_a_buffer_stays_text() {
    text_is_never_an_answer(Function::python(
        "import sys
out = open(1, 'w', buffering=65536)
for line in sys.stdin:
    print(f'about {line.strip()}\\n[{line.strip()}]', file=out)
    if line == '1\\n':
        out.flush()
",
    ));
}

#[test]
fn a_pipeline_whose_end_has_died_keeps_nothing_in_a_buffer() {
    // Its shell waits for the reader, and the reader for us: all that is left is at rest.
    text_is_never_an_answer(Function::bash(
        "cat | while read -r e; do [ $e = 2 ] && exit 3; echo about $e; echo \"[$e]\"; done",
    ));
}

#[test]
fn a_pipeline_that_was_ready_before_it_was_whole_keeps_nothing_in_a_buffer() {
    // Its reader waits for us before its shell has started the loop. Once that has died, there are as many as there were then.
    let script = "mkfifo /tmp/lines /tmp/never 2> /dev/null
exec 8<>/tmp/never 9<>/tmp/lines
cat <&0 >&9 &
read -r -t 0.5 -u 8
(while read -r e; do [ $e = 2 ] && exit 3; echo \"[0,$e]\"; done) <&9 &
exec 9>&-
wait";
    let function = Function::bash(script).start();
    answer(&function, 1);
    let message = time_out(&function, 2);
    assert!(!message.contains("its answer sits in a buffer"), "{message}");
    answer(&function, 3);
    assert_eq!(learned(&function), 0, "{}", function.story());
}

#[test]
fn a_loop_that_was_too_slow_once_stays_a_loop() {
    let script = "while read -r e; do [ $e = 2 ] && sleep 1000; echo \"[$$,$e]\"; done";
    let function = Function::bash(script).start();
    let before = answer(&function, 1);
    let message = time_out(&function, 2);
    assert!(!message.contains("buffer"), "it was at work: {message}");
    let after = answer(&function, 3);
    assert_ne!(after, before);
    assert_eq!(answer(&function, 4), after);
    assert_eq!(learned(&function), 0, "{}", function.story());
}

#[test]
fn a_loop_that_was_said_to_be_one_stays_one() {
    let script = "import sys
out = open(1, 'w', buffering=65536)
for line in sys.stdin:
    print(f'[{line.strip()}]', file=out)
";
    let function = Function::python(script).mode("loop").start();
    for event in 1..=2 {
        let message = time_out(&function, event);
        assert!(message.contains("buffer"), "{message}");
    }
    assert_eq!(learned(&function), 0, "{}", function.story());
}
