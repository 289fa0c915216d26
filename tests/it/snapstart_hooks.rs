//! SnapStart as functions hear of it: the hooks of the adapters for Python and SBCL.

use crate::harness::event::Request;
use crate::harness::files::need;
use crate::harness::{Answer, Call, Function, Reply, Running};
use std::fs;
use std::path::Path;

/// What AWS's library of this name keeps, and gives to its runtime: version 1.0.0, in a few words.
const LIBRARY: &str = "
before, after = [], []
def register_before_snapshot(func, *args, **kwargs):
    before.append((func, args, kwargs))
    return func
def register_after_restore(func, *args, **kwargs):
    after.append((func, args, kwargs))
    return func
def get_before_snapshot(): return before
def get_after_restore(): return after
";

/// In Python, with the functions `told(line)`, which writes to the file `/tmp/told`, and `handler`, which answers with that file.
fn python(hooks: &str) -> Function {
    let source = format!(
        "import os
from snapshot_restore_py import register_after_restore, register_before_snapshot
def told(*words):
    with open('/tmp/told', 'a') as file: print(*words, file=file)
def handler(event, context): return open('/tmp/told').read() if os.path.exists('/tmp/told') else 'nothing'
{hooks}"
    );
    let function = Function::empty().file("app.py", source).file("snapshot_restore_py.py", LIBRARY);
    function.handler("app.handler").env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
}

/// The same in Lisp.
fn lisp(hooks: &str) -> Function {
    need("sbcl");
    let source = format!(
        "(defun told (word)
           (with-open-file (file \"/tmp/told\" :direction :output :if-exists :append :if-does-not-exist :create)
             (write-line word file)))
         (defun handler (event headers)
           (declare (ignore event headers))
           (with-open-file (file \"/tmp/told\" :if-does-not-exist nil)
             (if file
                 (format nil \"~{{~A~%~}}\" (loop for line = (read-line file nil) while line collect line))
                 \"nothing\")))
         {hooks}"
    );
    let function = Function::empty().file("app.lisp", source);
    function.handler("app.handler").env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
}

/// Stands in the log if a handler was told.
const ANSWERED: &str = "the handler has answered before-snapshot";

/// Two of each kind.
const PYTHON: &str = "
@register_before_snapshot
def first(): told('before 1'); register_before_snapshot(told, 'before, late')
register_before_snapshot(told, 'before', 2)
register_after_restore(told, 'after', '1')
@register_after_restore
def second(word='2'): told('after', word)
";
const LISP: &str = "
(push (lambda () (told \"before 1\") (told \"before, late\")) lambda-stdio:*before-snapshot-hooks*)
(push (lambda () (told \"before 2\")) lstdio:*before-snapshot-hooks*)
(push (lambda () (told \"after 1\")) lambda-stdio:*after-restore-hooks*)
(defun second-one () (told \"after 2\"))
(push 'second-one aws-lambda-runtime:*after-restore-hooks*)
";

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn they_are_called_in_awss_order_around_the_snapshot() {
    for function in [python(PYTHON), lisp(LISP)] {
        let file = function.tmp().join("told");
        let function = function.env("AWS_LAMBDA_LOG_LEVEL", "DEBUG").reply(Call::RestoreNext, Reply::Held).start();
        function.requests(Call::RestoreNext, 1);
        assert_eq!(text(&file), "before 2\nbefore 1\nbefore, late\n", "{}", function.story());
        function.server().release();
        function.requests(Call::Next, 1);
        let all = "before 2\nbefore 1\nbefore, late\nafter 1\nafter 2\n";
        assert_eq!(text(&file), all);
        assert_eq!(function.call("1").json(), all);
        function.wait_log(ANSWERED);
        assert_eq!(function.call("2").json(), all, "an event calls none");
    }
}

#[test]
fn one_of_a_kind_is_enough() {
    for (function, told) in [
        (python("register_before_snapshot(told, 'b')"), "b\n"),
        (python("register_after_restore(told, 'a')"), "a\n"),
        (lisp("(push (lambda () (told \"b\")) lambda-stdio:*before-snapshot-hooks*)"), "b\n"),
        (lisp("(push (lambda () (told \"a\")) lambda-stdio:*after-restore-hooks*)"), "a\n"),
    ] {
        assert_eq!(function.start().call("1").json(), told);
    }
}

#[test]
fn a_function_without_hooks_and_a_sandbox_without_snapshot_hear_nothing() {
    for function in [python(""), python("").file("app.py", "def handler(event, context): return 'nothing'")] {
        let function = function.env("AWS_LAMBDA_LOG_LEVEL", "DEBUG").start();
        assert_eq!(function.call("1").json(), "nothing");
        assert!(!function.stderr().contains(ANSWERED), "{}", function.story());
        assert_eq!(function.requests_so_far(Call::RestoreNext).len(), 1);
    }
    for function in [python(PYTHON), lisp(LISP)] {
        let function = function.env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand").start();
        assert_eq!(function.call("1").json(), "nothing");
    }
}

#[test]
fn random_numbers_in_lisp_are_each_sandboxs_own() {
    let numbers = "(defvar *copy* (make-random-state nil))
         (defun handler (event headers)
           (declare (ignore event headers))
           (princ-to-string (= (random most-positive-fixnum) (random most-positive-fixnum *copy*))))";
    assert_eq!(lisp(numbers).start().call("1").json(), "NIL", "the snapshot's would come again in each sandbox");
    let without = lisp(numbers).env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand").start();
    assert_eq!(without.call("1").json(), "T");
}

/// The one report of a failure, which `bootstrap` has made before it ended.
#[track_caller]
fn report(function: &Running, call: Call, kind: &str) -> Answer {
    function.exit();
    let report = function.requests_so_far(call).remove(0);
    assert_eq!(report.header("Lambda-Runtime-Function-Error-Type"), Some(kind), "{report}");
    assert!(function.requests_so_far(Call::Next).is_empty(), "{}", function.story());
    Answer(Request { call: Call::Error, ..report })
}

#[test]
fn an_error_in_one_is_reported_in_its_own_words() {
    for (before, function) in [
        (true, python("@register_before_snapshot\ndef close(): raise KeyError('no pool')")),
        (false, python("@register_after_restore\ndef open_again(): raise KeyError('no pool')")),
        (true, lisp("(push (lambda () (error \"no pool\")) lambda-stdio:*before-snapshot-hooks*)")),
        (false, lisp("(push (lambda () (error \"no pool\")) lambda-stdio:*after-restore-hooks*)")),
    ] {
        let function = function.start();
        let (call, kind) = if before {
            (Call::Init, "Runtime.BeforeSnapshotError")
        } else {
            (Call::RestoreError, "Runtime.AfterRestoreError")
        };
        let report = report(&function, call, kind).json();
        assert!(report["errorMessage"].as_str().unwrap().contains("no pool"), "{report}");
        assert!(["KeyError", "SIMPLE-ERROR"].contains(&report["errorType"].as_str().unwrap()), "{report}");
        assert!(!report["stackTrace"].as_array().unwrap().is_empty(), "{report}");
    }
}

#[test]
fn the_end_of_the_process_in_one_is_a_failure_too() {
    let function = python("import sys\nregister_before_snapshot(sys.exit, 3)").start();
    let message = report(&function, Call::Init, "Runtime.BeforeSnapshotError").error("Runtime.BeforeSnapshotError");
    assert!(message.contains("exit status 3"), "{message}");
    let function = lisp("(push (lambda () (sb-ext:exit :code 3)) lambda-stdio:*after-restore-hooks*)").start();
    let report = report(&function, Call::RestoreError, "Runtime.AfterRestoreError");
    let message = report.error("Runtime.AfterRestoreError");
    assert!(message.contains("exit status 3"), "{message}");
}
