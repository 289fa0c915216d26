//! What a handler finds around it: its environment, random numbers, restarts; and answers that are streams.

use super::lisp;
use crate::harness::event::Event;
use crate::harness::{Function, Running};

#[test]
fn the_trace_id_is_in_the_environment_of_its_event() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore event headers))
           (with-output-to-string (out)
             (format out \"~A \" (sb-ext:posix-getenv \"_X_AMZN_TRACE_ID\"))
             (sb-ext:run-program \"/bin/sh\" '(\"-c\" \"printf %s ${_X_AMZN_TRACE_ID-unset}\") :output out)))",
    )
    .start();
    let traced = |id: &str| Event::new("1").header("Lambda-Runtime-Trace-Id", id);
    for _ in 0..2 {
        assert_eq!(function.call("1").response_text(), "\"NIL unset\"");
        assert_eq!(function.call(traced("Root=1-2")).response_text(), "\"Root=1-2 Root=1-2\"");
        assert_eq!(function.call(traced("Root=3-4")).response_text(), "\"Root=3-4 Root=3-4\"");
    }
    for number in 0..100 {
        let id = format!("Root=1-{number}");
        assert_eq!(function.call(traced(&id)).response_text(), format!("\"{id} {id}\""));
    }
}

#[test]
fn anybody_may_run_a_function_and_has_a_home() {
    let source = "(defun handler (event headers)
           (declare (ignore headers))
           (format nil \"[~A,~S,~S]\" event (zerop (sb-unix:unix-getuid)) (namestring (user-homedir-pathname))))";
    let function = lisp(source).without_env("HOME").start_with_processes(64);
    for event in ["1", "2"] {
        assert_eq!(function.call(event).json(), serde_json::json!(format!("[{event},NIL,\"/tmp/\"]")));
    }
}

#[test]
fn an_init_file_is_not_read_and_what_a_core_prints_is_log() {
    let source =
        "(print \"loading\") (defun handler (event headers) (declare (ignore headers)) (format nil \"[~A]\" event))";
    let function = lisp(source).file(".sbclrc", "(error \"read\")").file("image/text", "");
    let image = function.folder().join("image");
    super::evaluate(
        &image,
        &[
            "(push (lambda () (write-line \"preloaded\") (finish-output)) sb-ext:*init-hooks*)",
            "(sb-ext:save-lisp-and-die \"sbcl.core\")",
        ],
    );
    let function = function.env("HOME", "/var/task").env("SBCL_HOME", "/var/task/image").start();
    for event in ["1", "2"] {
        assert_eq!(function.call(event).response_text(), format!("[{event}]"));
    }
    function.wait_log("preloaded\n");
    function.wait_log("\"loading\"");
}

#[test]
fn random_numbers_are_each_processs_own() {
    let source = "(defvar *first* (random most-positive-fixnum))
(defun handler (event headers)
  (declare (ignore event headers))
  (format nil \"[~D,~D]\" *first* (random most-positive-fixnum)))";
    let numbers = || lisp(source).start().call("1").response_text().to_owned();
    let (one, other) = (numbers(), numbers());
    let parts = |text: &str| text[1..text.len() - 1].split(',').map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(&one), parts(&other));
    assert!(one[0] != other[0] && one[1] != other[1], "{one:?} {other:?}");
}

#[test]
fn no_restart_is_visible_that_the_handler_did_not_bind() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore headers))
           (cond ((string= event \"1\") (abort))
                 ((string= event \"2\") (continue) \"[2]\")
                 ((string= event \"3\") (format nil \"~S\" (compute-restarts)))
                 ((string= event \"4\") (with-simple-restart (continue \"On\") (continue)) \"[4]\")
                 ((string= event \"5\") (handler-bind ((error (lambda (c) (declare (ignore c)) (abort)))) (error \"five\")))))",
    )
    .start();
    for _ in 0..2 {
        function.call("1").error("SIMPLE-CONTROL-ERROR");
        assert_eq!(function.call("2").response_text(), "[2]");
        assert_eq!(function.call("3").response_text(), "\"NIL\"");
        assert_eq!(function.call("4").response_text(), "[4]");
        function.call("5").error("SIMPLE-CONTROL-ERROR");
    }
    // At the start LOAD has one, after which there is no function.
    lisp("(abort)").expect_init_error("Runtime.HandlerNotFound", "main.handler stands for HANDLER").run();
}

#[test]
fn the_debugger_may_be_disabled_by_hand() {
    let fails = "(defun handler (event headers) (declare (ignore headers)) (when (search \"2\" event) (sb-ext:disable-debugger)) (car (the list event)))";
    let function = lisp(&format!("(sb-ext:disable-debugger)\n{fails}")).start();
    for event in ["1", "2", "1"] {
        function.call(event).error("TYPE-ERROR");
    }
    lisp("(sb-ext:disable-debugger)\n(error \"no database\")")
        .expect_init_error("Runtime.ImportModuleError", "no database")
        .run();
}

// --- Streams --------------------------------------------------------------------------------------------------------

/// A function that answers with the stream that these forms make of `event`.
fn streaming(forms: &str) -> Function {
    lisp(&format!("(defun handler (event headers) (declare (ignorable event headers)) {forms})"))
}

fn streamed(function: &Running, event: &str) -> (String, String) {
    let answer = function.call(event);
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"), "{}", function.story());
    (answer.0.header("Content-Type").unwrap_or_default().to_owned(), answer.text())
}

#[test]
fn an_answer_may_be_a_stream() {
    let function = streaming("(make-string-input-stream (format nil \"é ~A\" event))").start();
    for event in ["1", "2"] {
        assert_eq!(streamed(&function, event), ("text/plain; charset=utf-8".to_owned(), format!("é {event}")));
    }
    let function =
        streaming("(open \"data\" :element-type '(unsigned-byte 8))").file("data", "x".repeat(100_000)).start();
    let (content_type, text) = streamed(&function, "1");
    assert_eq!((content_type.as_str(), text.len()), ("application/octet-stream", 100_000));
    let function = streaming("(make-string-input-stream \"\")").start();
    assert_eq!(streamed(&function, "1").1, "");
    let function = streaming("(make-string-output-stream)").start();
    assert!(function.call("1").error("Runtime.MarshalError").contains("cannot be read"));
}

#[test]
fn what_a_stream_has_is_sent_at_once() {
    let function = streaming(
        "(sb-ext:process-output (sb-ext:run-program \"/bin/sh\" '(\"-c\" \"echo first; read -r line <go; echo last\")
                                                  :wait nil :output :stream))",
    )
    .pipe("go")
    .start();
    let id = function.send("1");
    function.wait_chunk(b"first\n");
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).text(), "first\nlast\n");
}

#[test]
fn a_stream_that_fails_says_so_at_its_end() {
    let source = "(defclass broken (sb-gray:fundamental-character-input-stream) ((left :initform 3 :accessor left)))
(defmethod sb-gray:stream-read-char ((stream broken))
  (if (plusp (decf (left stream))) #\\x (error \"no~%more\")))
(defmethod sb-gray:stream-listen ((stream broken)) nil)
(defmethod sb-gray:stream-read-char-no-hang ((stream broken)) nil)
(defun handler (event headers) (declare (ignore event headers)) (make-instance 'broken))";
    let function = lisp(source).start();
    let answer = function.call("1");
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("SIMPLE-ERROR"), "{}", function.story());
    assert!(answer.0.header("Lambda-Runtime-Function-Error-Body").is_some());
    assert_eq!(function.call("2").text(), answer.text(), "it lives on");
}
