//! The native handlers: a loop, a filter and one that speaks messages. Each gives back what it gets.

use super::floor::Buffer;
use memchr::{memchr, memmem};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

/// stdin and stdout without std's buffers.
fn pipes() -> (File, File) {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let [stdin, stdout] = [stdin.as_fd(), stdout.as_fd()].map(|pipe| pipe.try_clone_to_owned().expect("a descriptor"));
    (stdin.into(), stdout.into())
}

/// A line in, the same line out, after `wait`. One read and one write for a small event.
pub fn line(wait: Duration) {
    let (mut stdin, mut stdout) = pipes();
    let mut buffer = Buffer::new();
    loop {
        let seen = buffer.1;
        if !buffer.read(&mut stdin) {
            return;
        }
        let Some(end) = memchr(b'\n', &buffer.0[seen..buffer.1]).map(|end| seen + end + 1) else { continue };
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
        if stdout.write_all(&buffer.0[..end]).is_err() {
            return;
        }
        buffer.drop_first(end);
    }
}

/// Speaks messages, and works on as many events at once as there are: what is there is answered with one write.
pub fn messages() {
    let (mut stdin, mut stdout) = pipes();
    let _ = stdout.write_all(b"lambda-stdio/1 ready concurrency=64\n");
    let (mut buffer, mut answers) = (Buffer::new(), Vec::new());
    while buffer.read(&mut stdin) {
        let mut done = 0;
        while let Some(end) = message(&buffer.0[done..buffer.1], &mut answers) {
            done += end;
        }
        if stdout.write_all(&answers).is_err() {
            return;
        }
        answers.clear();
        buffer.drop_first(done);
    }
}

/// Answers the message that `bytes` begin with, if it is there whole. Gives its length.
fn message(bytes: &[u8], answers: &mut Vec<u8>) -> Option<usize> {
    let head = memmem::find(bytes, b"\n\n")? + 2;
    let (mut id, mut length) = (&bytes[..0], 0);
    for line in bytes[..head].split(|&byte| byte == b'\n') {
        if line.starts_with(b"Lambda-Runtime-Aws-Request-Id: ") {
            id = line;
        } else if let Some(value) = line.strip_prefix(b"Content-Length: ") {
            length = std::str::from_utf8(value).ok()?.parse().ok()?;
        }
    }
    let body = bytes.get(head..head + length)?;
    answers.extend_from_slice(id);
    write!(answers, "\nContent-Length: {length}\n\n").expect("memory");
    answers.extend_from_slice(body);
    Some(head + length)
}

/// All of stdin, then all of it to stdout.
pub fn filter() {
    let (mut stdin, mut stdout) = pipes();
    let mut all = Vec::new();
    if stdin.read_to_end(&mut all).is_ok() {
        let _ = stdout.write_all(&all);
    }
}
