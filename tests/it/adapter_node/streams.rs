//! Answers that a Node.js handler streams.

use super::{adapter, streaming};
use crate::harness::files::{Folder, spawn};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

#[test]
fn a_streamed_answer() {
    let function =
        streaming("stream.setContentType('text/x'); stream.write('ä'); stream.write(''); stream.end(Buffer.of(255));");
    let answer = function.call("{}");
    assert_eq!(answer.response(), b"\xc3\xa4\xff");
    assert_eq!(answer.0.header("Content-Type"), Some("text/x"));
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"));
}

#[test]
fn a_streamed_http_response_is_piped() {
    let function = streaming(
        "const { pipeline } = await import('node:stream/promises');
         stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
         if (event) await pipeline(['a', 'b'], stream); else stream.end();",
    );
    let prelude = "{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"}}\0\0\0\0\0\0\0\0";
    let answer = function.call("1");
    assert_eq!(answer.response_text(), format!("{prelude}ab"));
    assert_eq!(answer.0.header("Content-Type"), Some("application/vnd.awslambda.http-integration-response"));
    assert_eq!(function.call("0").response_text(), prelude);
}

#[test]
fn a_stream_may_fail_before_its_first_byte_and_after_and_must_be_ended() {
    let function = streaming("if (event) stream.write('a'); if (event < 2) throw new RangeError('no more');");
    assert_eq!(function.call("0").error("RangeError"), "no more");
    assert_eq!(function.call("1").response_text(), "a");
    function.wait_log("RangeError: no more");
    assert_eq!(function.call("2").response_text(), "a");
    function.wait_log("Response stream is not finished.");
    assert_eq!(function.call("0").error("RangeError"), "no more");
}

#[test]
fn what_is_streamed_too_late_is_no_answer_to_the_next_event() {
    let function = streaming(
        "if (!event) { setTimeout(() => stream.end('late'), 20); throw new Error('early'); }
         await new Promise((resolve) => setTimeout(resolve, 60));
         stream.end('right');",
    );
    assert_eq!(function.call("0").error("Error"), "early");
    assert_eq!(function.call("1").response_text(), "right");
}

#[test]
fn the_next_event_comes_when_the_handler_is_done_and_not_its_stream() {
    let function = streaming(
        "stream.end(String(globalThis.cleaned));
         const { finished } = await import('node:stream/promises');
         await finished(stream);
         await new Promise((resolve) => setTimeout(resolve, 100));
         globalThis.cleaned = true;",
    );
    assert_eq!(function.call("0").response_text(), "undefined");
    assert_eq!(function.call("1").response_text(), "true");
}

#[test]
fn an_error_behind_a_streams_end_is_told() {
    let function = streaming("stream.end('all'); throw new RangeError('too late');");
    assert_eq!(function.call("0").response_text(), "all");
    function.wait_log("RangeError: too late");
    assert_eq!(function.call("0").response_text(), "all");
}

#[test]
fn a_stream_may_end_when_its_handler_has_returned() {
    let function = streaming("stream.write('a'); setTimeout(() => stream.end('b'), 5); return 7;");
    assert_eq!(function.call("0").response_text(), "ab");
    function.wait_log("Streaming handlers ignore return values.");
}

#[test]
fn a_stream_that_was_destroyed_is_not_finished() {
    let function = streaming("stream.write('a'); stream.destroy(); setInterval(() => {}, 3600000);");
    assert_eq!(function.call("0").response_text(), "a");
    function.wait_log("Response stream is not finished.");
}

#[test]
fn the_content_type_can_be_set_before_the_first_byte_only() {
    let function = streaming("stream.write('a'); stream.setContentType('text/x'); stream.end();");
    assert_eq!(function.call("0").response_text(), "a");
    function.wait_log("Cannot set content-type, too late.");
}

/// The test takes the place of `bootstrap`, and takes its time.
#[test]
fn a_slow_reader_makes_write_return_false_and_nothing_else_wait() {
    let source = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const piece = Buffer.alloc(1000000, 'x');
      const room = [stream.write('small'), stream.write(piece), stream.write(piece)];
      setTimeout(() => console.log('the loop turns', room), 1);
      await new Promise((resolve) => stream.once('drain', resolve));
      console.log('drained', stream.writableLength);
      stream.end('end');
    });";
    let (_folder, mut child, stdin, mut answers) = unread(source);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Not a byte of the answer has been read by now.
    let line = log.next().unwrap();
    assert!(line.ends_with("the loop turns [ true, false, false ]"), "{line}");
    drop(stdin);
    let mut answer = String::new();
    answers.read_to_string(&mut answer).unwrap();
    let line = log.next().unwrap();
    assert!(line.ends_with("drained 0"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (head, body) = answer.split_once("\n\n").expect("a head");
    assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
    assert!(body.starts_with("5\r\nsmall\r\nf4240\r\nxxx"), "{}", &body[..40]);
    assert_eq!(body.matches('x').count(), 2_000_000);
    assert!(body.ends_with("x\r\n3\r\nend\r\n0\r\n\r\n"), "{}", &body[body.len() - 40..]);
}

/// The adapter with this handler, which was given the only event, and of whose answer nothing has been read yet.
fn unread(source: &str) -> (Folder, Child, ChildStdin, BufReader<ChildStdout>) {
    let folder = Folder::new();
    folder.write("app.js", source.as_bytes(), 0o644);
    let mut child = spawn(&mut adapter(folder.path()));
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let mut greeting = String::new();
    while !greeting.ends_with("ready\n") {
        answers.read_line(&mut greeting).unwrap();
    }
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"Lambda-Runtime-Aws-Request-Id: id\nContent-Length: 1\n\n1").unwrap();
    (folder, child, stdin, answers)
}

#[test]
fn what_nobody_catches_ends_a_stream_behind_what_was_written() {
    let (_folder, mut child, _stdin, mut answers) = unread(
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('x'.repeat(300000));
          setTimeout(() => { console.log('thrown'); throw new RangeError('no more'); });
          await new Promise((resolve) => setTimeout(resolve, 60000));
        });",
    );
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.next().unwrap().ends_with("\tthrown"));
    let mut answer = String::new();
    answers.read_to_string(&mut answer).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(129));
    assert_eq!(answer.matches('x').count(), 300_000);
    let (_, end) = answer.rsplit_once("x\r\n").expect("the end of the chunk");
    let trailers: Vec<_> = end.split("\r\n").collect();
    let [last, kind, body, "", ""] = trailers.as_slice() else { panic!("{end:?}") };
    assert_eq!((*last, *kind), ("0", "Lambda-Runtime-Function-Error-Type: RangeError"));
    assert!(body.starts_with("Lambda-Runtime-Function-Error-Body: {") && body.contains("no more"), "{body}");
}
