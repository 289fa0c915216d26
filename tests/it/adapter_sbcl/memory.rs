//! The heap is as large as the function's memory, and what an event leaves there is no later event's trouble.

use super::lisp;
use crate::harness::event::Event;
use std::time::Duration;

/// Conses some megabytes, of which nothing is left at the end.
const FILL: &str = "(defun fill-memory (megabytes)
  (length (loop repeat megabytes collect (loop repeat 65536 collect nil))))\n";

#[test]
fn an_event_that_fills_the_heap_is_the_last_one_to_notice() {
    let handler = "(defun handler (event headers)
        (declare (ignore headers))
        (princ-to-string (fill-memory (parse-integer event))))";
    let function = lisp(&format!("{FILL}{handler}")).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512").start();
    for round in 0..2 {
        assert_eq!(function.call("180").response_text(), "180", "round {round}");
        for _ in 0..10 {
            assert_eq!(function.call("100").response_text(), "100", "round {round}");
        }
    }
    assert!(!function.stderr().contains("exhausted"), "{}", function.story());
}

#[test]
fn large_events_fit_into_128_mb_again_and_again() {
    let source = "(defvar *started* 0)
(incf *started*)
(defun handler (event headers)
  (declare (ignore headers))
  (let ((items (read-from-string (substitute #\\Space #\\, (substitute #\\) #\\] (substitute #\\( #\\[ event))))))
    (format nil \"[~D,~D]\" (length items) (incf *started*))))";
    let function = lisp(source).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128").start();
    let items: Vec<_> = (0..80_000).map(|n| (n % 1000).to_string()).collect();
    let event = format!("[{}]", items.join(","));
    for count in 2..62 {
        assert_eq!(function.call(event.as_str()).response_text(), format!("[80000,{count}]"));
    }
}

#[test]
fn an_event_that_there_is_no_room_for_is_an_error_that_does_not_tell_it() {
    let source = format!(
        "{FILL}(defvar *kept* '())
(defvar *count* 0)
(defun handler (event headers)
  (declare (ignore headers))
  (incf *count*)
  (cond ((string= event \"1\") (setf *kept* (make-array (* 8 1000 1000))) nil)
        ((string= event \"0\") (setf *kept* '()) nil)
        (t (format nil \"~D\" *count*))))"
    );
    let function = lisp(&source).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128").start();
    assert_eq!(function.call("1").response_text(), "null");
    // As a string, it has four bytes a character.
    let event = format!("\"{}\"", "secret ".repeat(850_000));
    let answer = function.call(Event::new(event).deadline_in(Duration::from_secs(60)));
    let text = answer.text();
    assert!(answer.error("HEAP-EXHAUSTED-ERROR").contains("Heap exhausted"), "{}", &text[..text.len().min(500)]);
    assert!(!text.contains("secret"));
    assert!(!function.stderr().contains("secret"));
    assert_eq!(function.call("0").response_text(), "null");
    assert_eq!(function.call("2").response_text(), "3", "it lives on, and found the next event");
}
