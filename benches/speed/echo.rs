//! The native handlers: a loop, a filter and one that speaks messages. Each gives back what it gets.

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
    let (mut buffer, mut filled) = (vec![0; 1 << 16], 0);
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        let got = stdin.read(&mut buffer[filled..]).unwrap_or(0);
        if got == 0 {
            return;
        }
        let seen = filled;
        filled += got;
        let Some(end) = memchr(b'\n', &buffer[seen..filled]).map(|end| seen + end + 1) else { continue };
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
        if stdout.write_all(&buffer[..end]).is_err() {
            return;
        }
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

/// Speaks messages, and works on as many events at once as there are: what is there is answered with one write.
pub fn messages() {
    let (mut stdin, mut stdout) = pipes();
    let _ = stdout.write_all(b"lambda-stdio/1 ready concurrency=64\n");
    let (mut buffer, mut filled, mut answers) = (vec![0; 1 << 16], 0, Vec::new());
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        let got = stdin.read(&mut buffer[filled..]).unwrap_or(0);
        if got == 0 {
            return;
        }
        filled += got;
        let mut done = 0;
        while let Some(end) = message(&buffer[done..filled], &mut answers) {
            done += end;
        }
        if stdout.write_all(&answers).is_err() {
            return;
        }
        answers.clear();
        buffer.copy_within(done..filled, 0);
        filled -= done;
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
