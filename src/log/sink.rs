//! Where log lines go: stderr, which nobody may be reading. Nothing waits for it longer than a moment: lines are dropped then,
//! and counted.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long a reader may take none of what waits for it before it is taken for gone. Less than half of the margin before a
/// deadline.
const STALL: Duration = Duration::from_millis(40);

/// What a pipe takes at once if it takes anything (`PIPE_BUF`, pipe(7)).
const PIECE: usize = 4096;

/// What is kept of an entry that went out in part: its end must be there before anything else.
static SINK: Mutex<Sink> = Mutex::new(Sink { unsent: Vec::new(), lost: 0, stalled: false, own: Own::NotTried });

struct Sink {
    unsent: Vec<u8>,
    /// Lines that were dropped and not told of.
    lost: u64,
    /// The reader took nothing the last time: it is not waited for again.
    stalled: bool,
    own: Own,
}

/// Stderr by a description of our own that never blocks.
enum Own {
    NotTried,
    CannotBeHad,
    Opened(OwnedFd),
}

/// Writes `lines`, all of which have their ends, or drops them.
pub fn write(lines: &[u8]) {
    if lines.is_empty() {
        return;
    }
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(sink.own, Own::NotTried) {
        sink.own = reopened().map_or(Own::CannotBeHad, Own::Opened);
    }
    if !sink.finish() {
        sink.lost += count(lines);
        return;
    }
    sink.tell();
    sink.send(lines);
}

/// Says what was dropped, where nothing more may come with which to say it.
pub fn tell() {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    if sink.finish() {
        sink.tell();
    }
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

impl Sink {
    /// Sends the end of what went out in part. Whether there is room for more.
    fn finish(&mut self) -> bool {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            let sent = self.send_some(&unsent);
            self.unsent = unsent;
            self.unsent.drain(..sent);
        }
        self.unsent.is_empty()
    }

    /// Says what was dropped.
    fn tell(&mut self) {
        if self.lost > 0 {
            let told = format!("[WARN] lambda-stdio: {} lines of the log were dropped: nobody took them\n", self.lost);
            self.lost = 0;
            self.send(told.as_bytes());
        }
    }

    fn send(&mut self, lines: &[u8]) {
        let sent = self.send_some(lines);
        if sent == lines.len() {
            return;
        }
        // The line that was cut in two is kept to its end; the others are lost.
        let begun = sent > 0 && lines[sent - 1] != b'\n';
        let end = match memchr::memchr(b'\n', &lines[sent..]) {
            Some(end) if begun => sent + end + 1,
            _ if begun => lines.len(),
            _ => sent,
        };
        self.unsent.extend_from_slice(&lines[sent..end]);
        self.lost += count(&lines[end..]);
    }

    /// How much was sent before nobody took any more.
    fn send_some(&mut self, bytes: &[u8]) -> usize {
        let stderr = io::stderr();
        let own = if let Own::Opened(own) = &self.own { Some(own.as_fd()) } else { None };
        let (descriptor, piece) = own.map_or((stderr.as_fd(), PIECE), |own| (own, usize::MAX));
        let mut sent = 0;
        let mut until = Instant::now() + if self.stalled { Duration::ZERO } else { STALL };
        while sent < bytes.len() {
            // Where a write may block, it is asked first whether a piece has room.
            if own.is_none() && !has_room(&stderr, until) {
                break;
            }
            let end = bytes.len().min(sent.saturating_add(piece));
            match nix::unistd::write(descriptor, &bytes[sent..end]) {
                Ok(written) => {
                    sent += written;
                    self.stalled = false;
                    until = Instant::now() + STALL;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if !has_room(&descriptor, until) {
                        break;
                    }
                }
                // A log that has no other end any more is no reason to stop.
                Err(_) => return bytes.len(),
            }
        }
        self.stalled = sent < bytes.len();
        sent
    }
}

fn has_room(descriptor: &impl AsFd, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(descriptor.as_fd(), PollFlags::POLLOUT)], timeout) {
            Ok(0) => return false,
            Err(Errno::EINTR) => {}
            // An error is told by the write.
            _ => return true,
        }
    }
}

/// Stderr once more, if it is a pipe: a description of our own can be non-blocking while others' that share the pipe are not
/// (open(2)).
fn reopened() -> Option<OwnedFd> {
    let path = "/proc/self/fd/2";
    let is_pipe = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo());
    let flags = OFlag::O_NONBLOCK.bits();
    is_pipe.then(|| File::options().write(true).custom_flags(flags).open(path).ok()).flatten().map(OwnedFd::from)
}
