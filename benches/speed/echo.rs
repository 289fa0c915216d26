//! The native handlers: a loop and a filter that give back what they get.

use memchr::memchr;
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

/// All of stdin, then all of it to stdout.
pub fn filter() {
    let (mut stdin, mut stdout) = pipes();
    let mut all = Vec::new();
    if stdin.read_to_end(&mut all).is_ok() {
        let _ = stdout.write_all(&all);
    }
}
