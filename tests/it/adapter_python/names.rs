//! What a user's files may be called, where modules are found, and who may have printed or imported before the adapter.

use super::{handling, python};
use crate::harness::files::search_path;
use crate::harness::sandbox;
use crate::harness::{Function, need};
use serde_json::json;
use std::path::Path;

/// Names of modules that the adapter imports, that what it imports does, and that errors or a log need.
const NAMES: &str =
    "abc ast bisect codecs collections contextlib copyreg decimal enum fcntl functools genericpath heapq importlib
    inspect io itertools json keyword linecache locale logging marshal numbers operator os posixpath random re reprlib
    site sre_compile stat string textwrap threading time token tokenize traceback types typing warnings weakref";

#[test]
fn a_users_files_may_be_called_as_what_the_adapter_imports() {
    for python_path in [false, true] {
        let mut function = Function::empty().handler("app.handler").in_task_root();
        for name in NAMES.split_whitespace() {
            function = function.file(&format!("{name}.py"), "raise RuntimeError('a file of the user was imported')");
        }
        function = function.file(
            "app.py",
            "import logging\ndef handler(e, c):\n    logging.warning('a line')\n    if e: raise ValueError('oh')\n    return [e]",
        );
        if python_path {
            // As often set as not; what Python itself imports at its start cannot be there, but what we do may.
            for name in ["types", "enum", "json", "re", "fcntl", "functools", "collections", "operator", "keyword"] {
                function =
                    function.file(&format!("path/{name}.py"), "raise RuntimeError('a file of the user was imported')");
            }
            function = function.env("PYTHONPATH", Path::new(sandbox::TASK_ROOT).join("path"));
        }
        let function = function.start();
        assert_eq!(function.call("0").json(), json!([0]));
        assert_eq!(function.call("1").error("ValueError"), "oh");
        function.wait_log("a line");
    }
}

#[test]
fn a_handler_of_a_name_that_python_has_taken_is_told_so() {
    let function = Function::empty().file("json.py", "def loads(event, context): return 1").handler("json.loads");
    let words = "Unable to import module 'json': Python has a module of this name itself (";
    function.expect_init_error("Runtime.ImportModuleError", words).run();
}

#[test]
fn a_name_that_the_standard_library_has_but_nobody_imports_is_the_users() {
    for name in ["calendar", "queue", "bootstrap"] {
        let function = Function::empty().file(&format!("{name}.py"), "def f(e, c): return __file__");
        let path = Path::new(sandbox::TASK_ROOT).join(format!("{name}.py"));
        let answer = function.handler(&format!("{name}.f")).start().call("{}");
        assert_eq!(answer.json(), path.to_str().unwrap());
    }
}

#[test]
fn a_function_of_the_same_name_in_pythons_module_is_not_called_instead() {
    // This one is imported by nobody before; but it is not the user's.
    let function =
        Function::empty().file("string.py", "def capwords(event, context): return 1").handler("string.capwords");
    let words = "Unable to import module 'string': Python has a module of this name itself (";
    function.expect_init_error("Runtime.ImportModuleError", words).run();
}

/// The adapter takes what is in C where it is there. Without it all is the same.
#[test]
fn a_python_whose_json_is_not_in_c_gives_the_same_answers() {
    let source = "import sys
from collections import namedtuple
from decimal import Decimal
Point = namedtuple('Point', 'x y')
def handler(e, c): return [e, 'é', Point(1, b'y'), Decimal('1.10'), 1e22, {1: None}, 'json' in sys.modules]";
    let expected = r#"["a", 1.5, null], "\u00e9", {"x": 1, "y": "y"}, 1.10, 1e+22, {"1": null}"#;
    for (site, imported) in [("", false), ("import sys; sys.modules['_json'] = None", true)] {
        let function = python(source).env("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11");
        let function = function
            .file("site/sitecustomize.py", site)
            .env("PYTHONPATH", Path::new(sandbox::TASK_ROOT).join("site"))
            .start();
        let answer = function.call(r#" ["a", 1.5, null] "#);
        assert_eq!(answer.text(), format!("[{expected}, {imported}]"));
        assert!(
            function.call("[1] 2").error("Runtime.UnmarshalError").starts_with("Unable to unmarshal input: Extra data")
        );
    }
}

// --- Where modules are ------------------------------------------------------------------------------------------------

#[test]
fn the_path_is_in_the_order_that_aws_has() {
    let body = "version = '%d.%d' % sys.version_info[:2]
standard = os.path.dirname(os.__file__)
return [sys.path[0], sys.path[1] == f'/opt/python/lib/python{version}/site-packages', sys.path[2],
  standard in sys.path[3:], '' in sys.path]";
    let function = handling(body).start();
    let root = sandbox::TASK_ROOT;
    assert_eq!(function.call("{}").json(), json!([root, true, "/opt/python", true, false]));
    // Who sets PYTHONPATH says where layers come.
    let body = "return [sys.path[:2], sys.path.count('/opt/python'), sys.path[-1]]";
    let function = handling(body).env("PYTHONPATH", "/opt/mine").start();
    let root = sandbox::TASK_ROOT;
    assert_eq!(function.call("{}").json(), json!([[root, "/opt/mine"], 1, "/opt/python"]));
}

#[test]
fn pth_files_in_the_task_root_are_read() {
    let function = handling("import far; return [far.far, sys.path.index(os.environ['LAMBDA_TASK_ROOT'])]")
        .file("mine.pth", "elsewhere\nimport sys; sys.read = 1\n")
        .file("elsewhere/far.py", "far = 'far'");
    assert_eq!(function.start().call("{}").json(), json!(["far", 0]));
}

#[test]
fn a_handler_that_was_changed_after_the_start_is_followed() {
    // As the wrappers of OpenTelemetry and Datadog do it: $_HANDLER is theirs, and the user's is in a variable of their own.
    let wrapper = "#!/bin/sh\nexport ORIG_HANDLER=\"$_HANDLER\" _HANDLER=agent.wrapper.handler\nexec \"$@\"\n";
    let agent = "import importlib, os
module, name = os.environ['ORIG_HANDLER'].rsplit('.', 1)
function = getattr(importlib.import_module(module), name)
def handler(event, context): return ['wrapped', function(event, context)]";
    let function = handling("return event").program("wrapper", wrapper).file("agent/wrapper.py", agent);
    let python = need("python3");
    // What is started by AWS_LAMBDA_EXEC_WRAPPER, from the PATH, so that it does not matter who starts it.
    let interpreter = format!("#!/bin/sh\nexec \"${{0%/*}}/../wrapper\" {} \"$@\"\n", python.display());
    let function = function.program("bin/python3", interpreter);
    let path = format!("{}/bin:{}", sandbox::TASK_ROOT, search_path());
    assert_eq!(function.env("PATH", path).start().call("1").json(), json!(["wrapped", 1]));
}

// --- Before the adapter -----------------------------------------------------------------------------------------------

#[test]
fn logging_that_was_imported_before_is_set_up() {
    let body = "logging = sys.modules['logging']
logging.warning('a line')
return [sys.before, [type(handler).__name__ for handler in logging.getLogger().handlers]]";
    let agent = "import logging, sys; sys.before = [type(h).__name__ for h in logging.getLogger().handlers]";
    let function = handling(body).file("agent/sitecustomize.py", agent);
    let path = Path::new(sandbox::TASK_ROOT).join("agent");
    let function = function.env("PYTHONPATH", path).start();
    let id = function.send("{}");
    assert_eq!(function.answer(&id).json(), json!([[], ["LambdaLoggerHandler"]]));
    function.wait_log(&format!("Z\t{id}\ta line\n"));
}

#[test]
fn what_was_printed_before_the_adapter_is_a_log_line_also_a_childs() {
    for unbuffered in ["1", ""] {
        let agent = "import os; print('from an agent'); os.system('echo from its child'); print('{\"a\":', end='')";
        let function = handling("return event").file("agent/sitecustomize.py", agent);
        let path = Path::new(sandbox::TASK_ROOT).join("agent");
        let function = function.env("PYTHONPATH", path).env("PYTHONUNBUFFERED", unbuffered).start();
        for event in ["1", "2"] {
            assert_eq!(function.call(event).response_text(), event);
        }
        for line in ["from an agent\n", "from its child\n", "{\"a\":"] {
            function.wait_log(line);
        }
        let agent = "print('from an agent'); print('half a line', end='', flush=True)";
        let failing = python("import nope").file("agent/sitecustomize.py", agent);
        let path = Path::new(sandbox::TASK_ROOT).join("agent");
        let failing = failing.env("PYTHONPATH", path).env("PYTHONUNBUFFERED", unbuffered);
        failing.expect_init_error("Runtime.ImportModuleError", "nope").run();
    }
}

#[test]
fn a_python_that_is_too_old_is_told_so() {
    let python = need("python3");
    // A real interpreter that says it is another one.
    let older = format!(
        "#!/bin/sh\nshift\nexec {} -c 'import sys\nsys.version_info = (3, 8, 18, \"final\", 0)\nexec(sys.argv[1])' \"$@\"\n",
        python.display()
    );
    let function = python_source().program("bin/python3", older);
    let path = format!("{}/bin:{}", sandbox::TASK_ROOT, search_path());
    let words = "The function needs Python 3.9 or newer; this is 3.8";
    function.env("PATH", path).expect_init_error("Runtime.InvalidEntrypoint", words).run();
}

fn python_source() -> Function {
    python("def handler(e, c): pass")
}

#[test]
fn the_runtimes_name_is_in_the_environment_unless_somebody_has_set_it() {
    let body = "return [os.environ['AWS_EXECUTION_ENV'], 'AWS_Lambda_python%d.%d' % sys.version_info[:2]]";
    let answer = handling(body).start().call("{}").json();
    assert_eq!(answer[0], answer[1]);
    let answer = handling(body).env("AWS_EXECUTION_ENV", "mine").start().call("{}").json();
    assert_eq!(answer[0], "mine");
}
