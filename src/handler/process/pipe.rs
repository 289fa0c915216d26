//! What the three pipes of a handler process have in common.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};

use crate::os::{self, PIPE_SIZE};

/// Lets a pipe hold four times as much, for large events and answers: the two ends take turns a quarter as often. Best
/// effort, since a user's pipes may hold so much together only (pipe(7), `pipe-user-pages-soft`).
pub fn widen(pipe: BorrowedFd<'_>) {
    let wide = i32::try_from(4 * PIPE_SIZE).unwrap_or(i32::MAX);
    let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(wide));
}

/// Reads once, at most `most` bytes, from a non-blocking pipe, behind what `buffer` holds. At the end of the file the
/// pipe is closed.
pub fn read(pipe: &mut Option<OwnedFd>, buffer: &mut Vec<u8>, most: usize) {
    let Some(open) = pipe else { return };
    match os::read_append(open.as_fd(), buffer, most) {
        Ok(got) if got > 0 => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Ok(_) | Err(_) => *pipe = None,
    }
}
