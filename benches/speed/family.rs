//! A handler of many processes, to see what it costs to look for them at a start and to end them: `FAMILY` processes, which hold a
//! named pipe open for as long as they live. This program is it, by another name.

use super::entry::own;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};

/// How many processes, and where the named pipe is.
pub const NUMBER: &str = "FAMILY";
pub const PIPE: &str = "FAMILY_PIPE";
/// Said to it, it answers; all else it leaves unanswered.
pub const QUESTION: &[u8] = b"all there?\n";

/// The handler itself: reads when all others are there.
pub fn parent() {
    let _alive = hold();
    let number: usize = env::var(NUMBER).ok().and_then(|number| number.parse().ok()).unwrap_or(1);
    let _members: Vec<_> = (1..number).map(|_| start_member()).collect();
    let (mut stdin, mut stdout) = (std::io::stdin(), std::io::stdout());
    let mut buffer = [0; 1 << 12];
    while let Ok(got @ 1..) = stdin.read(&mut buffer) {
        if &buffer[..got] == QUESTION {
            let _ = stdout.write_all(b"yes\n").and_then(|()| stdout.flush());
        }
    }
}

/// Starts one, and waits until it is there. It ends at the end of its stdin, which comes with the parent's end.
#[allow(clippy::zombie_processes)] // It lives as long as its parent.
fn start_member() -> ChildStdin {
    let mut member =
        Command::new(own("member")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process starts");
    let mut there = [0; 1];
    member.stdout.take().expect("its stdout").read_exact(&mut there).expect("it is there");
    member.stdin.take().expect("its stdin")
}

pub fn member() {
    let _alive = hold();
    let _ = std::io::stdout().write_all(b"!\n").and_then(|()| std::io::stdout().flush());
    let _ = std::io::stdin().read(&mut [0; 1]);
}

/// The writing end of the named pipe, unless that is gone: then nobody waits for this process's end.
fn hold() -> Option<File> {
    OpenOptions::new().write(true).open(env::var_os(PIPE)?).ok()
}
