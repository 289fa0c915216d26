//! What Lisp does about errors: conditions, the debugger, exhaustion, files that cannot be loaded.

use super::{lisp, roswell};
use crate::harness::{Function, Running};

/// The answer to an event, which is the same process's as the one before: it has counted.
#[track_caller]
fn lives_on(function: &Running) {
    assert_eq!(function.call("\"count\"").response_text(), "2", "{}", function.story());
}

/// A handler that counts its events, and runs these forms when the event is not "count".
fn counting(forms: &str) -> Running {
    let handler = format!(
        "(defvar *count* 0)
         {forms}
         (defun handler (event headers)
           (declare (ignore headers))
           (incf *count*)
           (if (search \"count\" event) (princ-to-string *count*) (go-wrong)))"
    );
    lisp(&handler).start()
}

#[test]
fn a_condition_is_the_events_error_with_a_backtrace() {
    let function = counting(
        "(define-condition no-apples (error) ((number :initarg :number))
           (:report (lambda (condition stream) (format stream \"~A \\\"apples\\\" are too few\" (slot-value condition 'number)))))
         (defun pick-apples (number) (list (error 'no-apples :number number)))
         (defun go-wrong () (list (pick-apples 7)))",
    );
    let answer = function.call("1");
    assert_eq!(answer.error("NO-APPLES"), "7 \"apples\" are too few");
    assert_eq!(answer.stack(), ["ERROR", "PICK-APPLES", "GO-WRONG"]);
    lives_on(&function);
}

#[test]
fn whatever_would_lead_into_the_debugger_is_an_error_and_what_is_handled_is_none() {
    for (form, kind, message) in [
        ("(break \"look at ~A\" 1)", "SIMPLE-CONDITION", "look at 1"),
        ("(invoke-debugger (make-condition 'simple-error :format-control \"hm\"))", "SIMPLE-ERROR", "hm"),
        ("(if (y-or-n-p \"Sure?\") \"y\" \"n\")", "END-OF-FILE", "end of file"),
        ("(read-line)", "END-OF-FILE", "end of file"),
        ("(throw 'nobody 1)", "SIMPLE-CONTROL-ERROR", "NOBODY"),
        ("(nowhere)", "UNDEFINED-FUNCTION", "NOWHERE"),
        ("(coerce \"seven\" 'fixnum)", "SIMPLE-TYPE-ERROR", "seven"),
    ] {
        let function = counting(&format!("(defun go-wrong () {form})"));
        let seen = function.call("1").error(kind);
        assert!(seen.contains(message), "{form}: {seen}");
        lives_on(&function);
    }
    let function =
        counting("(defun go-wrong () (warn \"careful\") (signal 'error) (or (ignore-errors (error \"x\")) \"fine\"))");
    assert_eq!(function.call("1").response_text(), "\"fine\"");
    function.wait_log("careful");
}

#[test]
fn what_the_processor_found_has_a_backtrace_too_and_no_arguments() {
    for (forms, kind) in [
        ("(car (the list (list-of event)))", "TYPE-ERROR"),
        ("(/ 7 (length (list-of nil)))", "DIVISION-BY-ZERO"),
        ("(symbol-value (intern (list-of event)))", "UNBOUND-VARIABLE"),
        ("(funcall (intern (list-of event)))", "UNDEFINED-FUNCTION"),
        ("(funcall 'list-of event event event)", "SIMPLE-PROGRAM-ERROR"),
    ] {
        let source = format!(
            "(defun list-of (x) (identity x))
             (declaim (notinline list-of pick-apples))
             (defun pick-apples (event) (list {forms}))
             (defun handler (event headers) (declare (ignore headers)) (list (pick-apples event)))"
        );
        let function = lisp(&source).start();
        let answer = function.call("\"a long secret\"");
        let message = answer.error(kind);
        let stack = answer.stack();
        assert!(stack.iter().any(|name| name == "PICK-APPLES"), "{forms}: {stack:?}");
        assert!(stack.iter().any(|name| name == "HANDLER"), "{forms}: {stack:?}");
        assert!(!stack.iter().any(|name| name.contains("secret") || name.contains("LAMBDA-STDIO")), "{stack:?}");
        // What SBCL's own message quotes is the message's.
        assert!(message.contains("secret") || !function.stderr().contains("secret"), "{}", function.story());
    }
}

#[test]
fn a_thread_that_dies_does_not_tell_what_it_was_called_with() {
    let function = counting(
        "(defun pick-apples (secret) (list (error \"no apples\") secret))
         (defun go-wrong ()
           (let ((secret (concatenate 'string \"a long \" \"secret\")))
             (sb-thread:join-thread (sb-thread:make-thread #'pick-apples :arguments (list secret)))))",
    );
    let answer = function.call("1");
    answer.error("Runtime.ExitError");
    assert!(answer.text().contains("no apples"), "{}", answer.text());
    assert!(answer.text().contains("PICK-APPLES"), "{}", answer.text());
    assert!(!answer.text().contains("long secret") && !function.stderr().contains("long secret"));
}

#[test]
fn stack_exhaustion_is_survived() {
    let function =
        counting("(defun deeper (n) (1+ (deeper (1+ n))))\n(defun go-wrong () (princ-to-string (deeper 0)))");
    let answer = function.call("1");
    assert!(answer.error("CONTROL-STACK-EXHAUSTED").contains("Control stack exhausted"));
    assert!(answer.stack().contains(&"DEEPER".to_owned()), "{}", answer.text());
    lives_on(&function);
}

#[test]
fn heap_exhaustion_is_survived_where_sbcl_can() {
    let function = counting(
        "(defun go-wrong () (length (loop repeat 1000 collect (make-array 100000000 :element-type '(unsigned-byte 8)))))",
    );
    assert!(function.call("1").error("HEAP-EXHAUSTED-ERROR").contains("Heap exhausted"));
    lives_on(&function);

    // What the garbage collector itself finds out, SBCL does not survive.
    let function = counting("(defun go-wrong () (length (loop collect (make-array 1000))))");
    let answer = function.call("1");
    answer.error("Runtime.ExitError");
    assert!(answer.text().contains("Heap exhausted"), "{}", answer.text());
    assert_eq!(function.call("\"count\"").response_text(), "1");
}

#[test]
fn an_error_in_another_thread_ends_the_process_and_does_not_hang() {
    let function = counting(
        "(defun go-wrong () (sb-thread:join-thread (sb-thread:make-thread (lambda () (error \"in a thread\")))))",
    );
    let answer = function.call("1");
    answer.error("Runtime.ExitError");
    assert!(answer.text().contains("in a thread"), "{}", answer.text());
    assert_eq!(function.call("\"count\"").response_text(), "1");
}

#[test]
fn what_cannot_be_loaded_is_an_init_error_in_sbcls_words() {
    for (source, kind, message) in [
        ("(defun handler (event headers) event", "Runtime.UserCodeSyntaxError", "end of file"),
        ("(defun handler (event headers) event))", "Runtime.UserCodeSyntaxError", "unmatched close parenthesis"),
        ("(let ((a 1 2)) a)", "Runtime.UserCodeSyntaxError", "The LET binding spec (A 1 2) is malformed"),
        ("(defun handler (e h) (yason:parse e))", "Runtime.ImportModuleError", "Package YASON does not exist"),
        ("(load \"libraries.fasl\")", "Runtime.ImportModuleError", "libraries.fasl"),
        ("(require \"no-such-module\")", "Runtime.ImportModuleError", "Don't know how to REQUIRE no-such-module"),
        ("(error \"no database\")", "Runtime.ImportModuleError", "no database"),
        ("(break)", "Runtime.ImportModuleError", "break"),
        ("(defun other (e h) e)", "Runtime.HandlerNotFound", "main.handler stands for HANDLER, which is no function"),
        ("(defun handler)", "Runtime.UserCodeSyntaxError", "DEFUN"),
        ("(let)", "Runtime.UserCodeSyntaxError", "LET"),
        (
            "(defpackage shop (:use cl))(in-package shop)(defun handler (e h) e)",
            "Runtime.HandlerNotFound",
            "Did you mean shop::handler?",
        ),
        ("(defmacro handler (e h) e)", "Runtime.HandlerNotFound", "main.handler stands for HANDLER"),
    ] {
        lisp(source).expect_init_error(kind, message).run();
    }
    let function = lisp("").handler("main.no-package::f");
    function.expect_init_error("Runtime.HandlerNotFound", "Package NO-PACKAGE does not exist").run();
    lisp("").file("main.fasl", "no fasl").expect_init_error("Runtime.ImportModuleError", "fasl header").run();
    roswell("(if").expect_init_error("Runtime.UserCodeSyntaxError", "end of file").run();
    let open = Function::empty()
        .file("script.ros", "#!/bin/sh\n(defvar *a* 1)\n\n; a comment\n(defun main ()\n  (list")
        .handler("script.ros");
    open.expect_init_error("Runtime.UserCodeSyntaxError", "in the form that begins on line 5").run();
    // Latin-1 is not UTF-8. That a file is not which the source reads is another matter.
    let source = b"(defun handler (e h)\n  (list e h \"gr\xfc\xdfe\"))\n".to_vec();
    let latin = Function::empty().file("main.lisp", &source).handler("main.handler");
    latin.expect_init_error("Runtime.UserCodeSyntaxError", "decoding error").run();
    let reads = "(with-open-file (in \"data\") (read-line in))\n(defun handler (e h) (list e h))";
    let latin = lisp(reads).file("data", b"gr\xfc\xdfe\n");
    latin.expect_init_error("Runtime.ImportModuleError", "decoding error").run();
    let script = Function::empty().file("script.ros", "(defun other ())").handler("script.ros");
    script.expect_init_error("Runtime.HandlerNotFound", "script.ros stands for NIL").run();
}
