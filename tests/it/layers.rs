//! The layer as it is packed, unpacked into `/opt` and mounted there, as Lambda has it: read-only, and whose files are nobody's in
//! the sandbox. Functions of each language lie in the task root, in their language's folder of a layer, and in a folder of
//! a layer's own.

use crate::harness::building::{Build, unzip};
use crate::harness::files::Folder;
use crate::harness::{Function, need};
use std::sync::LazyLock;

const BASH: &str = "handler() { echo \"[\\\"bash\\\",$1]\"; }\n";
const PYTHON: &str = "def handler(event, context): return ['python', event]\n";
const NODE: &str = "exports.handler = async (event) => ['node', event];\n";
const RUBY: &str = "def handler(event:, context:) = ['ruby', event]\n";
const LISP: &str =
    "(defun handler (event headers) (declare (ignore headers)) (format nil \"[\\\"lisp\\\",~A]\" event))\n";
const PROGRAM: &str = "#!/bin/bash\nwhile read -r e; do echo \"[\\\"program\\\",$e]\"; done\n";

/// The language, the handler, the file in the task root, and where the same lies in a layer.
const LANGUAGES: [(&str, &str, &str, &str, &str); 5] = [
    ("bash", "bash", BASH, "hello.sh", "bash/layered.sh"),
    ("python", "python3", PYTHON, "hello.py", "python/layered.py"),
    ("node", "node", NODE, "hello.js", "nodejs/node_modules/layered.js"),
    ("ruby", "ruby", RUBY, "hello.rb", "ruby/lib/layered.rb"),
    ("lisp", "sbcl", LISP, "hello.lisp", "lisp/layered.lisp"),
];

/// What `./build.sh` packs, with functions beside it.
static LAYER: LazyLock<Folder> = LazyLock::new(|| {
    let built = Build::new("-o out").packing_the_tested().succeed();
    let layer = Folder::new();
    unzip(&built.out("lambda-stdio.zip"), layer.path());
    for (language, _, source, file, place) in LANGUAGES {
        layer.write(place, source.as_bytes(), 0o644);
        layer.write(&format!("functions/{language}/{file}"), source.as_bytes(), 0o644);
    }
    layer.write("functions/program", PROGRAM.as_bytes(), 0o755);
    layer.write("bin/layered-program", PROGRAM.as_bytes(), 0o755);
    layer
});

#[track_caller]
fn answers(function: Function, language: &str) {
    let running = function.with_layer(LAYER.path()).start();
    for event in ["1", "2"] {
        assert_eq!(running.call(event).json(), serde_json::json!([language, event.parse::<u8>().unwrap()]));
    }
    let touched = running.outside("/tmp").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let touched: Vec<_> = touched.filter(|name| !name.to_str().unwrap().starts_with("lambda-context")).collect();
    assert!(touched.is_empty() || language == "lisp", "{language}: {touched:?} in /tmp");
}

#[test]
fn a_function_of_each_language_is_in_the_task_root() {
    for (language, program, source, file, _) in LANGUAGES {
        need(program);
        answers(Function::empty().file(file, source).handler("hello.handler"), language);
    }
}

#[test]
fn a_function_of_each_language_is_in_its_folder_of_a_layer() {
    for (language, program, ..) in LANGUAGES {
        need(program);
        // All of them have one name: it has to be said whose is meant.
        answers(Function::empty().handler("layered.handler").env("HANDLER_LANGUAGE", language), language);
    }
}

#[test]
fn a_function_of_each_language_is_in_a_folder_of_a_layers_own() {
    for (language, program, ..) in LANGUAGES {
        need(program);
        answers(Function::empty().handler(&format!("/opt/functions/{language}/hello.handler")), language);
    }
}

#[test]
fn a_program_is_in_a_layer_by_its_path_or_on_the_path() {
    answers(Function::empty().handler("/opt/functions/program"), "program");
    answers(Function::empty().handler("layered-program"), "program");
}

#[test]
fn a_function_takes_what_a_layer_has_for_its_language() {
    let python = "from layered import handler as theirs\ndef handler(event, context): return theirs(event, context)\n";
    answers(Function::empty().file("mine.py", python).handler("mine.handler"), "python");
    let node = "const theirs = require('layered');\nexports.handler = (event) => theirs.handler(event);\n";
    let function = Function::empty().file("mine.js", node).handler("mine.handler");
    answers(function.env("NODE_PATH", "/opt/nodejs/node_modules"), "node");
    let ruby = "require 'layered'\nMINE = method(:handler)\ndef mine(event:, context:) = MINE.call(event:, context:)\n";
    answers(Function::empty().file("mine.rb", ruby).handler("mine.mine"), "ruby");
}
