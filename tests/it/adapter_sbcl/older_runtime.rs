//! Functions written for the runtime for Lisp that went before (handlers/sbcl/FROM-THE-LISP-RUNTIME.md): its packages, its
//! ways to name a handler, its fasls and scripts. They run as they are.

use super::{LIBRARY, evaluate, lisp};
use crate::harness::Function;
use crate::harness::event::Event;

/// What it had variables for, `*like-this*`.
const VARIABLES: [&str; 18] = [
    "_HANDLER",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LANG",
    "TZ",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "PATH",
    "LD_LIBRARY_PATH",
    "AWS_LAMBDA_RUNTIME_API",
];

#[test]
fn a_function_takes_the_whole_text_and_the_headers() {
    let source = "(in-package :cl-user)
                  (defun simple-handler (data headers)
                    (declare (ignore headers))
                    (format nil \"simple-handler was called with '~A'\" data))";
    for handler in [
        "simple_handler.cl-user::simple-handler",
        "simple_handler.simple-handler",
        "lib/simple_handler.simple-handler",
        "(load\"simple_handler\")'simple-handler",
        "(load\"lib/simple_handler.lisp\")(quote(simple))#'simple-handler",
        "(progn`,1(load\"simple_handler\")`,2'simple-handler)",
    ] {
        let function = Function::empty().file("simple_handler.lisp", source).file("lib/simple_handler.lisp", source);
        let function = function.handler(handler).event("{\"a\": 1}");
        function.expect_response(r#""simple-handler was called with '{\"a\": 1}'""#).run();
    }
}

#[test]
fn its_package_exports_the_environment_and_can_be_used() {
    let symbols = VARIABLES.map(|name| format!("*{}{}*", &name[..1], name[1..].replace('_', "-"))).join(" ");
    let source = format!(
        "(defpackage :my-function (:use :cl :aws-lambda-runtime) (:export :handler))
         (in-package :my-function)
         (defun handler (data headers)
           (declare (ignore data headers))
           (format nil \"~{{~A~%~}}\" (list {symbols})))"
    );
    let mut function = lisp(&source).handler("main.my-function:handler").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "700");
    let given = ["_HANDLER", "LAMBDA_TASK_ROOT", "PATH", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"];
    for name in VARIABLES.iter().filter(|name| !given.contains(name)) {
        function = function.env(name, format!("what {name} says"));
    }
    let function = function.start();
    let answer = function.call("1").json();
    let values: Vec<_> = answer.as_str().unwrap().lines().collect();
    assert_eq!(values.len(), VARIABLES.len(), "{values:?}");
    for (name, value) in VARIABLES.iter().zip(values) {
        match *name {
            "_HANDLER" => assert_eq!(value, "main.my-function:handler"),
            "LAMBDA_TASK_ROOT" => assert_eq!(value, "/var/task"),
            "PATH" => assert!(value.contains("/usr/bin"), "{value}"),
            "AWS_LAMBDA_RUNTIME_API" => assert!(value.contains("127.0.0.1:"), "{value}"),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => assert_eq!(value, "700"),
            name => assert_eq!(value, format!("what {name} says")),
        }
    }
}

#[test]
fn the_headers_have_its_keywords() {
    let source = "(defun handler (data headers)
                    (declare (ignore data))
                    (unless (eq headers aws-lambda-runtime:*HEADER-ALIST*) (error \"other headers\"))
                    (format nil \"~{~A~^ ~}\"
                            (loop for name in '(:CONTENT-TYPE :Lambda-Runtime-Deadline-Ms :content-length
                                                :LAMBDA-RUNTIME-INVOKED-FUNCTION-ARN :LAMBDA-RUNTIME-TRACE-ID :CONNECTION)
                                  collect (cdr (assoc name headers)))))";
    let event = Event::new("{\"a\": 1}").deadline_header("99999999999999");
    let event =
        event.header("Lambda-Runtime-Invoked-Function-Arn", "arn:f").header("Lambda-Runtime-Trace-Id", "Root=1");
    let answer = "\"application/json 99999999999999 8 arn:f Root=1 NIL\"";
    lisp(source).event(event).expect_response(answer).run();
}

#[test]
fn a_script_reads_the_event_and_may_look_at_the_headers() {
    let script = "#!/bin/sh
#|-*- mode:lisp -*-|#
#|
exec ros -Q -- $0 \"$@\"
|#
(progn ;;init forms
  (ros:ensure-asdf)
  ;;#+quicklisp (ql:quickload '() :silent t)
  )

(defpackage :ros.script.client.1234567890
  (:use :cl))
(in-package :ros.script.client.1234567890)

(defun main (&rest argv)
  (declare (ignore argv))
  (write-line (cdr (assoc :content-type aws-lambda-runtime:*HEADER-ALIST*)))
  (handler-case (loop (write-char (read-char)))
    (end-of-file () (progn))))
";
    // The last function of this name counts, even if another package follows.
    let another = format!("{script}(defpackage :another (:use :cl))\n(in-package :another)\n(defun other ())\n");
    for script in [script, &another] {
        let function = Function::empty().program("client.ros", script).handler("client.ros");
        function.event("{\"a\": 1}").expect_response(r#""application/json\n{\"a\": 1}""#).run();
    }
}

#[test]
fn fasls_beside_the_handler_are_loaded() {
    let source = "(in-package :cl-user)
                  (eval-when (:load-toplevel :execute)
                    (aws-lambda-function-util:load-fasls-in-directory *load-pathname*))
                  (defun handler (data headers) (declare (ignore headers)) (library:twice data))";
    let function = lisp(source).file("library.lisp", LIBRARY);
    evaluate(function.folder(), &["(compile-file \"library.lisp\" :output-file \"library--all-systems.fasl\")"]);
    function.event("1").expect_response("[1,1]").run();
}

#[test]
fn one_big_fasl_may_have_the_name_that_asdf_gave_it() {
    let source = "(in-package :cl-user)
                  (defun big-handler (data headers) (declare (ignore headers)) data)";
    let function = Function::empty().file("source.lisp", source).handler("one-big--all-systems.big-handler");
    evaluate(function.folder(), &["(compile-file \"source.lisp\" :output-file \"one-big--all-systems.fasl\")"]);
    function.event("1").expect_response("1").run();
}

#[test]
fn files_are_found_in_the_task_root() {
    let source = "(defvar *text* (with-open-file (stream \"data.txt\") (read-line stream)))
                  (defun handler (data headers) (declare (ignore data headers)) *text*)";
    let function = lisp(source).file("data.txt", "from a file\n");
    function.event("1").expect_response("\"from a file\"").run();
}

#[test]
fn errors_go_to_both_apis() {
    let source = "(define-condition out-of-stock (error) ((item :initarg :item))
                    (:report (lambda (condition stream) (format stream \"no \\\"~A\\\"\" (slot-value condition 'item)))))
                  (defun handler (data headers) (declare (ignore headers)) (error 'out-of-stock :item data))";
    lisp(source)
        .event("7")
        .expect_error("OUT-OF-STOCK", "no \"7\"")
        .event("8")
        .expect_error("OUT-OF-STOCK", "no \"8\"")
        .run();
    lisp("(error \"no database\")").expect_init_error("Runtime.ImportModuleError", "no database").run();
}
