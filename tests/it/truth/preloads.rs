//! What a preload has left behind: a child that goes on printing to the handler's real stdout when the adapter has greeted. It
//! speaks in the middle of messages. Events fail by it, and none has its words as an answer.

use crate::harness::{Call, Function, need};

/// Prints what could be an answer, in a form or another, every few milliseconds.
const CHILD: &str = "#!/usr/bin/env bash\nfor i in $(seq 400); do printf \"$1\"; sleep 0.01; done\n";

#[test]
fn a_preloads_child_that_prints_is_no_answer() {
    need("python3");
    let preload = "import subprocess; subprocess.Popen(['/var/task/child', open('/var/task/words').read()])";
    let answers = "def handler(event, context): return ['true', event]";
    for words in ["noise\\n", "[\"false\"]\\n", "\\n\\n"] {
        let function = Function::empty()
            .file("app.py", answers)
            .handler("app.handler")
            .file("agent/sitecustomize.py", preload)
            .file("words", words)
            .program("child", CHILD)
            .env("PYTHONPATH", "/var/task/agent")
            .start();
        let (mut right, mut failed) = (0, 0);
        for number in 0..30 {
            let answer = function.call(number.to_string());
            if answer.0.call == Call::Error {
                failed += 1;
            } else {
                right += 1;
                assert_eq!(answer.json(), serde_json::json!(["true", number]), "{words:?}: {}", function.story());
            }
        }
        println!("{words:?}: {right} answers, {failed} errors");
    }
}
