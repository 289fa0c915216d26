//! Named pipes in the function's folder, by which a handler and its test wait for each other without sleeping.

use super::watch::LIMIT;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{mkfifo, read, write};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// One named pipe. The test's end is open from the start.
pub struct Fifo {
    name: String,
    end: OwnedFd,
}

impl Fifo {
    /// A pipe for lines, in both directions: the handler's `read -r x < NAME` waits for `ring`, its `echo x > NAME` is what
    /// `hear` waits for. Both its ends stay open, so that opening it never blocks.
    pub fn line(folder: &Path, name: &str) -> Self {
        Self::make(folder, name, OFlag::O_RDWR)
    }

    /// A pipe that tells when everyone has gone who had it open: the handler says `exec 9> NAME`, and its children inherit
    /// it; `wait_dead` returns when the last of them has ended.
    pub fn lifeline(folder: &Path, name: &str) -> Self {
        Self::make(folder, name, OFlag::O_RDONLY)
    }

    fn make(folder: &Path, name: &str, access: OFlag) -> Self {
        let path = folder.join(name);
        mkfifo(&path, Mode::from_bits_truncate(0o666)).unwrap();
        // The handler is another user, whatever the umask is. (And a pipe can be written to where files cannot.)
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let end = open(&path, access | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
        Self { name: name.to_owned(), end }
    }

    /// Sends one line to whoever reads this pipe.
    pub fn ring(&self) {
        write(&self.end, b"go\n").unwrap();
    }

    /// Waits for one line.
    #[track_caller]
    pub fn hear(&self) -> String {
        let mut line = Vec::new();
        let end = Instant::now() + LIMIT;
        loop {
            assert!(self.ready(PollFlags::POLLIN, end), "nobody wrote to {}", self.name);
            let mut byte = [0];
            if read(&self.end, &mut byte) == Ok(1) {
                if byte[0] == b'\n' {
                    return String::from_utf8(line).unwrap();
                }
                line.push(byte[0]);
            }
        }
    }

    /// Waits until nobody who had this pipe open for writing is left. Somebody must have had it.
    #[track_caller]
    pub fn wait_dead(&self) {
        assert!(self.ready(PollFlags::empty(), Instant::now() + LIMIT), "somebody still holds {}", self.name);
    }

    /// Is somebody holding it still, after this time?
    pub fn held_after(&self, time: Duration) -> bool {
        !self.ready(PollFlags::empty(), Instant::now() + time)
    }

    fn ready(&self, events: PollFlags, end: Instant) -> bool {
        loop {
            let mut fds = [PollFd::new(self.end.as_fd(), events)];
            let left = end.saturating_duration_since(Instant::now());
            match poll(&mut fds, PollTimeout::try_from(left).unwrap()) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(_) if left.is_zero() => return false,
                Err(_) => {}
            }
        }
    }
}
