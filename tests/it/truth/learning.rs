//! What was learned with a line, its line feed and end-of-file is run with just that; what proved nothing teaches nothing;
//! and a lesson that turns out to be wrong is unlearned.

use super::{LEARNED, answer, learned};
use crate::harness::{Event, Function};

/// All answers are this, the first and the later ones, and it was learned once.
#[track_caller]
fn always(function: Function, events: &[&str], wanted: &str) {
    let function = function.start();
    for event in events {
        let answer = function.call(*event);
        assert_eq!(answer.value(), wanted, "{event:?}\n{}", function.story());
    }
    assert_eq!(learned(&function), 1, "{}", function.story());
}

#[test]
fn text_for_each_line() {
    always(Function::bash("while read -r e; do echo hello; done"), &["1", "2", "3"], "\"hello\"");
}

#[test]
fn the_last_character_is_cut_off() {
    let script = "while (<STDIN>) { chop; print \"[$_]\\n\" }";
    always(Function::of("perl", script), &["123456789"; 4], "[123456789]");
}

#[test]
fn bytes_are_counted() {
    always(Function::bash("wc -c"), &["1234567"; 4], "8");
}

#[test]
fn lines_are_counted() {
    // Raw line ends in an event are white space, at first and for ever.
    always(Function::bash("wc -l"), &["[1,2]", "[1,\n2]", "[\r\n1,\r\n2\r\n]", "{\"a\":\n1}\n"], "1");
}

#[test]
fn the_bytes_are_the_same_as_at_the_proof() {
    let function = Function::bash("od -An -v -tx1 | tr -d ' \\n'").start();
    for _ in 0..3 {
        // A raw line end is a blank, and the line feed ends the line.
        assert_eq!(function.call("[\"a\",\n1]").json(), "5b2261222c20315d0a", "{}", function.story());
    }
}

#[test]
fn oneshot_that_was_said_gets_the_event_as_it_is() {
    let function = Function::bash("wc -c").mode("oneshot").start();
    for _ in 0..2 {
        assert_eq!(function.call("1234567").value(), "7");
    }
}

#[test]
fn a_loop_that_skips_its_first_event_is_no_filter() {
    let function = Function::bash("while read -r e; do [ $e = 1 ] && continue; echo \"[$$,$e]\"; done").start();
    let message = function.call("1").error("Runtime.ExitError");
    assert!(message.contains("printed nothing") && message.contains("HANDLER_MODE=oneshot"), "{message}");
    let first = answer(&function, 2);
    assert_eq!(answer(&function, 3), first);
    assert_eq!(learned(&function), 0, "{}", function.story());
}

#[test]
fn a_program_that_prints_nothing_fails_until_it_is_said_that_nothing_is_its_answer() {
    let function = Function::bash("cat > /dev/null").start();
    for _ in 0..3 {
        let message = function.call("1").error("Runtime.ExitError");
        assert!(message.contains("printed nothing") && message.contains("HANDLER_MODE=oneshot"), "{message}");
    }
    assert_eq!(learned(&function), 0, "{}", function.story());
    Function::bash("cat > /dev/null").mode("oneshot").event("1").expect_response("null").run();
}

#[test]
fn a_bad_exit_teaches_nothing() {
    let script = "while read -r e; do [ $e = 1 ] && bad=1 || echo \"[$$,$e]\"; done; exit $bad";
    let function = Function::bash(script).start();
    assert!(function.call("1").error("Runtime.ExitError").contains("exit status 1"));
    let first = answer(&function, 2);
    assert_eq!(answer(&function, 3), first);
    assert_eq!(learned(&function), 0, "{}", function.story());
}

#[test]
fn a_learned_oneshot_that_fails_twice_is_undecided_again() {
    // The first process counts to the end of its file; all later ones are loops, for whom that is a fault.
    let script = "if mkdir /tmp/first 2> /dev/null; then wc -c; exit; fi
while read -r e; do echo \"[$$,$e]\"; done
exit 3";
    let function = Function::bash(script).in_task_root().start();
    assert_eq!(function.call("1").value(), "2");
    function.wait_log(LEARNED);
    let before = function.stderr().lines().count();
    for _ in 0..2 {
        assert!(function.call("1").error("Runtime.ExitError").contains("exit status 3"));
    }
    let first = answer(&function, 4);
    assert_eq!(answer(&function, 5), first, "{}", function.story());
    let log = function.stderr();
    // Beside the errors themselves.
    let said = log.lines().skip(before).any(|line| line.contains("oneshot") && !line.contains("ERROR"));
    assert!(said, "nothing is said of it\n{}", function.story());
}

#[test]
fn a_learned_oneshot_that_has_succeeded_may_fail() {
    let script = "e=$(cat); [ $e = 1 ] && exit 3; echo \"text $e\"";
    let function = Function::bash(script).start();
    for event in ["2", "3"] {
        assert_eq!(function.call(event).json(), format!("text {event}"));
    }
    for _ in 0..3 {
        assert!(function.call("1").error("Runtime.ExitError").contains("exit status 3"));
    }
    assert_eq!(function.call("4").json(), "text 4");
    assert_eq!(learned(&function), 1, "{}", function.story());
}

#[test]
fn a_loop_that_waits_for_a_second_line_is_right_for_each() {
    // With a second line it would answer for both.
    let script = "import sys
seen = []
for line in sys.stdin:
    seen.append(line.strip())
    if len(seen) == 2:
        print(seen, flush=True)
print('last', seen[-1])
";
    let function = Function::python(script).start();
    for event in ["1", "2", "3", "4"] {
        assert_eq!(function.call(Event::new(event)).json(), format!("last {event}"), "{}", function.story());
    }
}
