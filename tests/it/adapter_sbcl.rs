//! Handlers written in Lisp, for the adapter in handlers/sbcl.

use crate::harness::event::Event;
use crate::harness::files::{search_path, spawn};
use crate::harness::sandbox;
use crate::harness::{Function, need};
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

mod conditions;
mod memory;
mod older_runtime;
mod process;

/// A function in main.lisp, called `handler`.
fn lisp(source: &str) -> Function {
    need("sbcl");
    Function::empty().file("main.lisp", source).handler("main.handler")
}

const LIBRARY: &str = "(defpackage library (:use cl) (:export twice))
(in-package library)
(defun twice (x) (format nil \"[~A,~A]\" x x))
";

/// A Roswell script, with the head that all of them have.
fn roswell(main: &str) -> Function {
    need("sbcl");
    let head = "#!/bin/sh\n#|-*- mode:lisp -*-|#\n#|\nexec ros -Q -- $0 \"$@\"\n|#\n(progn ;;init forms\n  (ros:ensure-asdf)\n  \
                #+quicklisp(ql:quickload '() :silent t))\n\n(defpackage :ros.script.test\n  (:use :cl))\n(in-package :ros.script.test)\n";
    let script = format!(
        "{head}\n(defun main (&rest argv)\n  (declare (ignorable argv))\n  {main})\n;;; vim: set ft=lisp lisp:\n"
    );
    Function::empty().program("script.ros", script).handler("script.ros")
}

/// Evaluates forms in a folder, to build something there.
fn evaluate(folder: &Path, forms: &[&str]) {
    let mut command = Command::new(need("sbcl"));
    command.args(["--noinform", "--non-interactive", "--no-sysinit", "--no-userinit"]).current_dir(folder);
    command.args(forms.iter().flat_map(|form| ["--eval", form])).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().unwrap();
    assert!(output.status.success(), "{forms:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Sets when a file was last written, relative to now.
fn set_age(path: &Path, age: Duration) {
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn a_function_gets_the_event_and_the_headers_and_returns_json_or_text() {
    let function = lisp(
        "(defun handler (event headers)
           (format t \"the id is ~A~%\" (cdr (assoc :lambda-runtime-aws-request-id headers)))
           (unless (equal (cdr (assoc :content-type headers)) \"application/json\") (error \"no type in ~S\" headers))
           (subseq event 1 (1- (length event))))",
    );
    let running = function.start();
    for (event, answer) in [
        (r#""text""#, r#""text""#),
        (r#""""#, r#""""#),
        (r#"[{"a": 1}]"#, r#"{"a": 1}"#),
        ("[12345678901234567890.10]", "12345678901234567890.10"),
        (r#"["a", "b"]"#, r#""\"a\", \"b\"""#),
        (r#""{oops""#, r#""{oops""#),
        (r#""back\\slash""#, r#""back\\\\slash""#),
        ("\" tab\tnewline\nbell\u{7}é😀 \"", "\" tab\\tnewline\\nbell\\u0007é😀 \""),
    ] {
        let id = running.send(event);
        assert_eq!(running.answer(&id).response_text(), answer, "{event}");
        running.wait_log(&format!("the id is {id}\n"));
    }
}

#[test]
fn a_function_may_be_in_any_package() {
    let source = "(defun f (event headers) (declare (ignore event headers)) \"\\\"user\\\"\")
                  (defpackage other-package (:use cl) (:export g))
                  (in-package other-package)
                  (defun f (event headers) (declare (ignore event headers)) \"\\\"other\\\"\")
                  (defun g (event headers) (declare (ignore event headers)) \"\\\"exported\\\"\")";
    for (name, answer) in [
        ("main.f", "\"user\""),
        ("main.cl-user::f", "\"user\""),
        ("main.other-package::f", "\"other\""),
        ("main.other-package:g", "\"exported\""),
    ] {
        lisp(source).handler(name).event("1").expect_response(answer).run();
    }
}

#[test]
fn what_is_not_a_string_is_a_marshal_error_but_nil_is_null() {
    let function = lisp("(defun handler (event headers) (declare (ignore headers)) (read-from-string event))");
    let function = function
        .event("42")
        .expect_error("Runtime.MarshalError", "neither a string, octets nor a stream, but a FIXNUM");
    function.event("nil").expect_response("null").event("\"x\"").expect_response("\"x\"").run();
}

#[test]
fn octets_are_an_answer_of_these_bytes() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore headers))
           (if (search \"grown\" event)
               (make-array 9 :element-type '(unsigned-byte 8) :fill-pointer 3 :initial-element 255)
               (sb-ext:string-to-octets event :external-format :utf-16le)))",
    );
    let function = function.start();
    let answer = function.call("\"é\"");
    assert_eq!(answer.response(), b"\"\0\xe9\0\"\0");
    assert_eq!(answer.0.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(function.call("\"grown\"").response(), b"\xff\xff\xff");
}

#[test]
fn the_fasl_is_loaded_unless_its_source_is_younger() {
    let returning = |text: &str| format!("(defun handler (event headers) (declare (ignore event headers)) \"{text}\")");
    let function = || {
        let function = lisp(&returning("source")).file("other.lisp", returning("fasl"));
        evaluate(function.folder(), &["(compile-file \"other.lisp\" :output-file \"main.fasl\")"]);
        function
    };
    let (young, old) = (Duration::ZERO, Duration::from_secs(3600));
    for (source, fasl, answer) in [(old, young, "\"fasl\""), (young, old, "\"source\""), (old, old, "\"fasl\"")] {
        let function = function();
        set_age(&function.folder().join("main.lisp"), source);
        set_age(&function.folder().join("main.fasl"), fasl);
        function.event("1").expect_response(answer).run();
    }
    function().handler("other.handler").event("1").expect_response("\"fasl\"").run();
    let fasl_alone = function();
    std::fs::remove_file(fasl_alone.folder().join("main.lisp")).unwrap();
    fasl_alone.event("1").expect_response("\"fasl\"").run();
}

#[test]
fn roswell_scripts_read_the_event_and_print_the_answer() {
    let echo = "(loop for char = (read-char *standard-input* nil) while char do (write-char char))";
    let script = roswell(echo).event("{\"é\": 1}").expect_response("{\"é\": 1}");
    script.event("two words\n").expect_response("\"two words\"").event("").expect_response("null").run();

    roswell("(format *error-output* \"to the log\") (format t \"[~A]~%\" (read))")
        .event("42 43")
        .expect_response("[42]")
        .expect_log("to the log")
        .event("")
        .expect_error("END-OF-FILE", "end of file")
        .event("7")
        .expect_response("[7]")
        .run();
}

#[test]
fn a_roswell_script_needs_no_first_line_and_has_asdf() {
    let script =
        "(ros:ensure-asdf)\n(defun main () (princ (string-downcase (type-of (asdf:system-registered-p \"asdf\")))))";
    let function = Function::empty().file("script.ros", script).handler("script.ros");
    function.event("1").expect_response("\"cons\"").run();
}

#[test]
fn lisp_forms_name_the_handler() {
    let source = "(defun f (event headers) (declare (ignore headers)) (concatenate 'string \"[\" event \"]\"))";
    for form in [
        "(load\"main.lisp\")'cl-user::f",
        "(load\"main.lisp\")'f",
        "(load \"main.lisp\") (print 'several) #'f",
        "(load\"main.lisp\")(lambda(e h)(f e h))",
        "(load\"main\")#'cl-user::f",
        "'cl-user::identity(defun g(e h)(declare(ignore h))(format nil\"[~A]\"e))'g",
    ] {
        lisp(source).handler(form).event("1").expect_response("[1]").event("2").expect_response("[2]").run();
    }
    lisp(source).handler("#'list").event("1").expect_error("Runtime.MarshalError", "but a CONS").run();
    lisp(source)
        .handler("'f")
        .expect_init_error("Runtime.HandlerNotFound", "The handler 'f stands for F, which is no function")
        .run();
    let function = lisp(source).handler("(load\"nowhere.lisp\")'f");
    function.expect_init_error("Runtime.ImportModuleError", "nowhere.lisp").run();
    lisp(source).handler("(load\"main.lisp\"").expect_init_error("Runtime.UserCodeSyntaxError", "end of file").run();
}

#[test]
fn the_context_is_in_special_variables() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore event))
           (unless (eq headers lambda-stdio:*header-alist*) (error \"other headers\"))
           (format nil \"~{~A~^ ~}\"
                   (list lambda-stdio:*aws-region* lstdio:*lambda-task-root* lambda-stdio:*handler*
                         aws-lambda-runtime:*_handler* lambda-stdio:*aws-lambda-function-memory-size*
                         lambda-stdio:*tz* lambda-stdio:*_x-amzn-trace-id*
                         (cdr (assoc :lambda-runtime-deadline-ms aws-lambda-runtime:*header-alist*)))))",
    );
    let function = function.env("AWS_REGION", "eu-north-1").env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
    let wanted =
        format!("\"eu-north-1 {} main.handler main.handler 512 :UTC Root=1-2 99999999999999\"", sandbox::TASK_ROOT);
    let event = Event::new("1").deadline_header("99999999999999").header("Lambda-Runtime-Trace-Id", "Root=1-2");
    function.event(event).expect_response(wanted).run();
}

#[test]
fn what_was_loaded_is_compiled_and_sees_nothing_of_the_adapter() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore event headers))
           (format nil \"~A ~A ~A ~A\" (compiled-function-p #'handler) (compiled-function-p (eval '(lambda (x) (list x))))
                   (rest sb-ext:*posix-argv*) (package-name *package*)))",
    );
    function.event("1").expect_response("\"T T NIL COMMON-LISP-USER\"").run();
}

#[test]
fn it_is_utf_8_in_any_locale() {
    for locale in ["C", "POSIX", "C.UTF-8", "tlh_XX.ISO-8859-1"] {
        let source = "(defun händler (event headers)
                        (declare (ignore headers))
                        (format t \"größer ~A~%\" event)
                        (with-open-file (file \"/tmp/ö.txt\" :direction :output) (write-string event file))
                        (error \"żółw ~A\" (with-open-file (file \"/tmp/ö.txt\") (read-line file))))";
        let function = Function::empty().file("é.lisp", source).handler("é.händler").env("LC_ALL", locale);
        let function = function.event("\"Ελλάδα😀\"").expect_error("SIMPLE-ERROR", "żółw \"Ελλάδα😀\"");
        let running = function.expect_log("größer \"Ελλάδα😀\"").run();
        assert_eq!(running.tmp().read("ö.txt"), "\"Ελλάδα😀\"");
    }
    // What is not UTF-8 is replaced, not refused.
    let echo = lisp("(defun handler (event headers) (declare (ignore headers)) event)");
    echo.event(b"\"\xff\xfe\"".to_vec()).expect_response("\"\u{fffd}\u{fffd}\"").run();
}

#[test]
fn children_have_an_empty_stdin_and_none_of_our_pipes() {
    let function = lisp(
        "(defun handler (event headers)
           (declare (ignore event headers))
           (sb-ext:run-program \"/bin/sh\" '(\"-c\" \"echo stray\") :input t :output t)
           (let ((script \"cat; for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; echo done\"))
             (with-output-to-string (output)
               (sb-ext:run-program \"/bin/sh\" (list \"-c\" script) :input t :output output))))",
    );
    let function = function.event("1").expect_response("\"done\\n\"").expect_log("stray");
    function.event("1").expect_response("\"done\\n\"").run();
}

#[test]
fn events_and_answers_of_3_mb() {
    let function = lisp("(defun handler (event headers) (declare (ignore headers)) event)").start();
    let items: Vec<_> = (0..90_000).map(|n| json!({ "key": "välue \n", "n": n, "x": 0.5 })).collect();
    let event = json!(items).to_string();
    assert!(event.len() > 3_000_000);
    assert!(function.call(event.as_str()).response() == event.as_bytes());
    let text = &event[1..];
    assert!(function.call(text).json() == json!(text), "a text of 3 MB");
    // Deep nesting does not end it.
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert!(function.call(deep.as_str()).response() == deep.as_bytes());
}

#[test]
fn libraries_may_be_in_the_image() {
    let function = lisp("(defun handler (event headers) (declare (ignore headers)) (library:twice event))");
    let function = function.file("image/library.lisp", LIBRARY);
    let image = function.folder().join("image");
    evaluate(&image, &["(load \"library.lisp\")", "(sb-ext:save-lisp-and-die \"sbcl.core\")"]);
    function.env("SBCL_HOME", "/var/task/image").event("1").expect_response("[1,1]").run();
}

/// The processors' time that `bootstrap` and its handler take for one event. Other than the clock's it hardly depends on
/// the other tests, which run at the same time.
fn cost(folder: &Path, handler: &str) -> Duration {
    let script = "TIMEFORMAT='%U %S'; time \"$0\" \"$1\" event.json 2>log";
    let mut command = Command::new(need("bash"));
    command.args(["-c", script, crate::harness::files::bootstrap().to_str().unwrap(), handler]).current_dir(folder);
    command.env("PATH", search_path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().unwrap();
    assert_eq!(output.stdout, b"1\n", "{handler}: {output:?}");
    let seconds = String::from_utf8(output.stderr).unwrap();
    Duration::from_secs_f64(seconds.split_whitespace().map(|part| part.parse::<f64>().unwrap()).sum())
}

#[test]
fn the_adapter_starts_within_50_ms_of_a_bare_script() {
    let script = format!("#!{} --script\n(write-line (read-line))\n(finish-output)\n", need("sbcl").display());
    let function = lisp("(defun handler (event headers) (declare (ignore headers)) event)");
    let function = function.program("script", script).file("event.json", "1");
    let best = |handler| (0..10).map(|_| cost(function.folder(), handler)).min().unwrap();
    let (bare, adapted) = (best("script"), best("main.handler"));
    assert!(adapted < bare + Duration::from_millis(50), "a bare script takes {bare:?}, the adapter {adapted:?}");
}
