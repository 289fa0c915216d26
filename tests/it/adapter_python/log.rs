//! What functions print, in the log: at once, in order, once; and what they may do to descriptors and threads.

use super::{handling, python};
use crate::harness::Event;
use serde_json::json;
use std::time::Duration;

/// So often does this stand in the text.
fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn text_without_a_newline_is_there_whatever_ends_the_process() {
    let body = "print('on stdout', end='')
print('on stderr', end='', file=sys.stderr)
if event == 'exit': os._exit(3)
if event == 'abort': os.abort()
__import__('time').sleep(60)";
    for event in ["exit", "abort", "sleep"] {
        let function = handling(body).env("PYTHONUNBUFFERED", "").start();
        let event = format!("\"{event}\"");
        function.call(Event::new(event.as_str()).deadline_in(Duration::from_millis(1500)));
        function.wait_log("on stdouton stderr");
    }
}

#[test]
fn a_childs_output_comes_behind_what_was_printed_before_and_a_fork_doubles_nothing() {
    let body = "print('first', end=' ')
os.system('printf second')
print(' third', end=' ')
pid = os.fork()
if not pid:
    print('fourth', end=' ')
    sys.exit(0) if event else os._exit(0)
os.waitpid(pid, 0)
print('fifth')";
    for event in ["0", "1"] {
        let function = handling(body).env("PYTHONUNBUFFERED", "").start();
        function.call(event).response();
        function.wait_log("first second third fourth fifth\n");
        assert_eq!(count(&function.stderr(), "first"), 1, "{}", function.story());
    }
}

#[test]
fn a_child_that_returns_from_the_handler_does_not_answer() {
    let body = "if os.fork(): os.wait()
else: return 'the child'
return event";
    let function = handling(body).start();
    for event in ["1", "2"] {
        assert_eq!(function.call(event).response_text(), event);
    }
    function.wait_log("a process that the handler forked returned from it");
}

#[test]
fn what_is_no_text_is_shown_and_harms_nothing() {
    let body = "print('out \\ud83d')
print('err \\udcff', file=sys.stderr)
import logging; logging.error('log \\ud83d')
raise ValueError('\\ud83d')";
    let function = handling(body).start();
    assert!(function.call("{}").text().contains(r"\ud83d"), "{}", function.story());
    for line in [r"out \ud83d", r"err \udcff", r"log \ud83d"] {
        function.wait_log(line);
    }
}

#[test]
fn a_record_of_several_lines_is_one_entry() {
    let body = "import logging
try: 1/0
except ZeroDivisionError: logging.exception('oh')";
    let function = handling(body).start();
    let id = function.send("{}");
    function.answer(&id);
    function.wait_log("ZeroDivisionError: division by zero\n");
    let log = function.stderr();
    let line = log.lines().find(|line| line.contains("[ERROR]")).unwrap();
    assert!(line.contains("oh\rTraceback (most recent call last):\r  File "), "{line:?}");
    assert!(line.ends_with("\rZeroDivisionError: division by zero"), "{line:?}");
}

#[test]
fn descriptors_may_be_closed_and_streams_be_replaced() {
    let function = handling(
        "import io
os.closerange(3, 256)
if event == 1: sys.stdout = sys.stderr = io.StringIO()
if event == 2: sys.stdout = None
if event == 3: os.close(1); os.close(2)
return event",
    )
    .start();
    for event in ["0", "1", "2", "3", "4"] {
        assert_eq!(function.call(event).response_text(), event);
    }
}

#[test]
fn the_name_of_a_class_may_be_any() {
    let body = "raise type('Line\\nFeed: é', (Exception,), {})('oh')";
    let answer = handling(body).start().call("{}");
    assert_eq!(answer.json()["errorType"], "Line\nFeed: é", "{}", answer.0);
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("Line_Feed:__"));
}

#[test]
fn an_error_that_cannot_be_told_is_one_all_the_same() {
    let body = "class Mute(Exception):
  def __str__(self): raise RuntimeError('no words')
raise Mute";
    let function = handling(body).start();
    assert_eq!(function.call("{}").error("Mute"), "<the error's own __str__ failed>");
}

#[test]
fn what_was_registered_for_the_end_is_called_after_a_failed_start() {
    let source = "import atexit, threading
atexit.register(print, 'at the end')
threading.Thread(target=print, args=['from a thread']).start()
import nope";
    let function = python(source).expect_init_error("Runtime.ImportModuleError", "nope").run();
    function.wait_log("at the end");
    function.wait_log("from a thread");
}

#[test]
fn main_and_the_arguments_are_harmless() {
    let body = "import argparse, multiprocessing
main = sys.modules['__main__']
argparse.ArgumentParser().parse_args()
process = multiprocessing.get_context('spawn').Process(target=len, args=['x'])
process.start()
process.join()
return [os.path.dirname(main.__file__), len(sys.argv), process.exitcode]";
    assert_eq!(handling(body).start().call("{}").json(), json!(["/dev", 1, 0]));
}
