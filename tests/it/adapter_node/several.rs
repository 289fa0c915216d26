//! Several events at once in one Node.js process.

use super::adapter;
use crate::harness::files::{Folder, spawn};
use std::io::Write;

/// The test takes the place of `bootstrap`: all events are there at once, and then the end.
#[test]
fn several_events_at_once_where_lambda_says_so() {
    // The last one first, each when the one before has been answered.
    let source = "const turns = [];
exports.handler = async (event) => {
  await new Promise((resolve) => {
    turns[event] = resolve;
    if (Object.keys(turns).length === 4) turns[3]();
  });
  console.log('event', event);
  setImmediate(() => setImmediate(() => turns[event - 1]?.()));
  if (event === 1) setTimeout(() => { throw new RangeError('later'); });
  if (event === 1) await new Promise((resolve) => setTimeout(resolve, 60000));
  return [event, process.env._X_AMZN_TRACE_ID];
};";
    let folder = Folder::new();
    folder.write("app.js", source.as_bytes(), 0o644);
    let mut command = adapter(folder.path());
    command.env("AWS_LAMBDA_MAX_CONCURRENCY", "4").env_remove("_X_AMZN_TRACE_ID");
    let mut child = spawn(&mut command);
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..4 {
        let head = format!("Lambda-Runtime-Aws-Request-Id: id-{number}\r\nLambda-Runtime-Trace-Id: Root=1\r\n");
        write!(stdin, "{head}Content-Length: 1\r\n\r\n{number}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let (answers, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(answers.starts_with("\nlambda-stdio/1 ready concurrency=4\n"), "{answers}");
    let place =
        |number: u32| answers.find(&format!("Request-Id: id-{number}\n")).unwrap_or_else(|| panic!("{answers}"));
    assert!(place(3) < place(2) && place(2) < place(0), "the order in which they were done: {answers}");
    for number in [0, 2, 3] {
        assert!(answers[place(number)..].contains(&format!("\n\n[{number},null]")), "{answers}");
    }
    assert!(answers[place(1)..].contains("Lambda-Runtime-Function-Error-Type: RangeError\n"), "{answers}");
    for number in 0..4 {
        // Where events are mixed, their lines are JSON, as in AWS's runtime.
        let line = format!("\"level\":\"INFO\",\"requestId\":\"id-{number}\",\"message\":\"event {number}\"}}\n");
        assert!(log.contains(&line), "{log}");
    }
}

#[test]
fn streams_of_several_events_are_not_mixed() {
    let source = "let waiting = [];
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('a' + event);
  await new Promise((resolve) => waiting.push(resolve) === 2 && waiting.forEach((go) => go()));
  stream.write('b' + event);
  stream.end();
});";
    let folder = Folder::new();
    folder.write("app.js", source.as_bytes(), 0o644);
    let mut child = spawn(adapter(folder.path()).env("AWS_LAMBDA_MAX_CONCURRENCY", "2"));
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..2 {
        write!(stdin, "Lambda-Runtime-Aws-Request-Id: id-{number}\nContent-Length: 1\n\n{number}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    for number in 0..2 {
        let (_, answer) =
            answers.split_once(&format!("Request-Id: id-{number}\n")).unwrap_or_else(|| panic!("{answers}"));
        let (_, body) = answer.split_once("\n\n").expect("a head");
        assert!(body.starts_with(&format!("2\r\na{number}\r\n2\r\nb{number}\r\n0\r\n\r\n")), "{answers}");
    }
}
