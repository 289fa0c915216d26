//! What a handler is seen doing in `/proc`: whether it waits for an event, or for the end of the file.
//!
//! `/proc/PID/task/TID/syscall` (proc(5)) says which system call a thread is blocked in, and its arguments. A read of
//! the pipe that we write to is told from any other by the pipe's inode, in whichever process of the handler's group:
//! a shell script's `jq` reads for it.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc::{self, c_long};
use nix::sys::stat::fstat;
use nix::unistd::{Pid, getpgid};

use super::process::Process;

/// Calls that read from the descriptor that is their first argument.
const READS: [c_long; 3] = [libc::SYS_read, libc::SYS_readv, libc::SYS_splice];

/// Calls that wait for one of several things. Those whose first argument is an epoll descriptor come first.
#[cfg(target_arch = "x86_64")]
const EPOLLS: [c_long; 3] = [libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2, libc::SYS_epoll_wait];
#[cfg(not(target_arch = "x86_64"))]
const EPOLLS: [c_long; 2] = [libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];
#[cfg(target_arch = "x86_64")]
const POLLS: [c_long; 5] =
    [libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_io_uring_enter, libc::SYS_poll, libc::SYS_select];
#[cfg(not(target_arch = "x86_64"))]
const POLLS: [c_long; 3] = [libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_io_uring_enter];

/// Calls in which a thread waits for another thread or process of the same program.
const RESTS: [c_long; 5] =
    [libc::SYS_futex, libc::SYS_wait4, libc::SYS_waitid, libc::SYS_rt_sigtimedwait, libc::SYS_rt_sigsuspend];

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Running,
    Blocked { call: c_long, argument: u64 },
}

/// The pipe that the handler is looked for at.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    leader: Pid,
    device: u64,
    inode: u64,
}

impl Sight {
    /// `None` where the process has no stdin from us any more.
    pub fn of(process: &Process) -> Option<Self> {
        let pipe = fstat(process.stdin.pipe()?).ok()?;
        Some(Self { leader: process.pid(), device: pipe.st_dev, inode: pipe.st_ino })
    }

    /// Whether there is a `/proc` to look into. Sandboxes have one.
    pub fn is_possible() -> bool {
        Path::new("/proc/self").exists()
    }

    /// Whether the handler is ready for an event: it reads our pipe, or its main thread waits for one thing of
    /// several. `None` where `/proc` cannot tell.
    pub fn is_ready(&self) -> Option<bool> {
        let main = doing(self.leader, self.leader)?;
        let waits = match main {
            Doing::Running => return Some(false),
            Doing::Blocked { call, .. } => EPOLLS.contains(&call) || POLLS.contains(&call),
        };
        Some(waits || self.group().any(|process| self.reads(process) || self.watches(process)))
    }

    /// Whether some process of the group is blocked reading our pipe, and does nothing else meanwhile: what a handler
    /// that has its event and still reads is waiting for is the end of the file.
    pub fn waits_for_end(&self) -> bool {
        self.group().any(|process| self.reads(process) && self.rests(process))
    }

    /// Whether anything in the group waits for more of our pipe.
    pub fn reads_on(&self) -> bool {
        self.group().any(|process| self.reads(process) || self.watches(process))
    }

    /// The processes of the handler's group, the handler itself first: mostly nobody asks for the others.
    fn group(self) -> impl Iterator<Item = Pid> {
        let others = std::iter::once_with(|| fs::read_dir("/proc")).flatten().flatten().flatten();
        std::iter::once(self.leader).chain(others.filter_map(move |entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
            (pid != self.leader && getpgid(Some(pid)) == Ok(self.leader)).then_some(pid)
        }))
    }

    fn reads(&self, process: Pid) -> bool {
        threads(process).into_iter().any(|thread| match doing(process, thread) {
            Some(Doing::Blocked { call, argument }) => READS.contains(&call) && self.is_ours(process, argument),
            _ => false,
        })
    }

    /// Whether the process waits in an epoll that our pipe is in (Linux lists them in /proc/PID/fdinfo).
    fn watches(&self, process: Pid) -> bool {
        let ours = format!(" ino:{:x} ", self.inode);
        threads(process).into_iter().any(|thread| match doing(process, thread) {
            Some(Doing::Blocked { call, argument }) if EPOLLS.contains(&call) => {
                let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{argument}")).unwrap_or_default();
                info.lines().any(|line| line.starts_with("tfd:") && line.contains(&ours))
            }
            _ => false,
        })
    }

    /// Whether no thread of the process works: each reads our pipe or waits for another.
    fn rests(&self, process: Pid) -> bool {
        threads(process).into_iter().all(|thread| match doing(process, thread) {
            Some(Doing::Blocked { call, argument }) => {
                RESTS.contains(&call)
                    || POLLS.contains(&call)
                    || EPOLLS.contains(&call)
                    || (READS.contains(&call) && self.is_ours(process, argument))
            }
            _ => false,
        })
    }

    fn is_ours(&self, process: Pid, descriptor: u64) -> bool {
        let path = format!("/proc/{process}/fd/{descriptor}");
        fs::metadata(path).is_ok_and(|file| file.st_dev() == self.device && file.st_ino() == self.inode)
    }
}

fn threads(process: Pid) -> Vec<Pid> {
    let folder = format!("/proc/{process}/task");
    let names = fs::read_dir(Path::new(&folder)).into_iter().flatten().flatten();
    names.filter_map(|entry| Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))).collect()
}

/// `None` where the thread is gone or may not be looked at.
fn doing(process: Pid, thread: Pid) -> Option<Doing> {
    parse(&fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall")).ok()?)
}

/// `running`, or the number of the call and its arguments in hexadecimal; -1 is blocked outside of any call.
fn parse(text: &str) -> Option<Doing> {
    let mut words = text.split_ascii_whitespace();
    let call = match words.next()? {
        "running" => return Some(Doing::Running),
        number => number.parse().ok()?,
    };
    let argument = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok())?;
    Some(Doing::Blocked { call, argument })
}

/// When to look next: often at first, then ever more rarely.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    pub next: Instant,
    step: Duration,
    longest: Duration,
}

impl Cadence {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: Instant::now() + first, step: first, longest }
    }

    /// Whether it is time to look; if so, the next time is set.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = now >= self.next;
        if due {
            self.step = (self.step + self.step / 4).min(self.longest);
            self.next = now + self.step;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syscall_file_is_read() {
        assert_eq!(parse("running\n"), Some(Doing::Running));
        assert_eq!(
            parse("0 0x0 0x55d0 0x1000 0x0 0x0 0x0 0x7ffc 0x7f1\n"),
            Some(Doing::Blocked { call: 0, argument: 0 })
        );
        assert_eq!(parse("-1 0x7ffc8 0x7f1e\n"), Some(Doing::Blocked { call: -1, argument: 0x7ffc8 }));
        assert_eq!(parse(""), None);
    }
}
