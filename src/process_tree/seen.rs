//! What a tree was seen doing, as a person says it.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use nix::libc;
use nix::unistd::Pid;

use super::descriptors::Kind;
use super::proc;
use super::times;
use super::wait::Limit;

/// How long a wait lasts at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOut {
    None,
    Of(Duration),
    /// It has one, which cannot be told.
    Unseen,
}

impl TimeOut {
    pub fn of(process: Pid, limit: Limit) -> Self {
        let time = match limit {
            Limit::None => return Self::None,
            Limit::Milliseconds(time) => Some(Duration::from_millis(time.into())),
            Limit::Timespec(address) => times::duration(process, address, 1),
            #[cfg(target_arch = "x86_64")]
            Limit::Timeval(address) => times::duration(process, address, 1000),
            Limit::Absolute(_) => None,
        };
        time.map_or(Self::Unseen, Self::Of)
    }
}

/// What a thread does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    Runs,
    Stopped,
    Ended,
    Reads(Kind),
    Writes(Kind),
    /// In poll, select, epoll or their like; of what, where it could be seen.
    WaitsForAny {
        call: &'static str,
        set: Option<Vec<Kind>>,
        time_out: TimeOut,
    },
    WaitsForThread {
        time_out: TimeOut,
    },
    WaitsForChild,
    WaitsForSignal {
        time_out: TimeOut,
    },
    Sleeps(TimeOut),
    InCall(Option<i64>),
    /// It waits, but a signal may come to it at a time that it has set.
    KeepsTime,
    Unseen,
}

impl Doing {
    /// What says most comes last.
    fn weight(&self) -> u32 {
        match self {
            Self::Ended => 0,
            Self::WaitsForThread { time_out: TimeOut::None } | Self::WaitsForChild => 1,
            Self::WaitsForSignal { .. } => 2,
            Self::WaitsForThread { .. } => 3,
            Self::Reads(_) | Self::WaitsForAny { .. } | Self::Writes(_) => 4,
            Self::Sleeps(_) | Self::InCall(_) | Self::KeepsTime => 5,
            Self::Unseen => 6,
            Self::Stopped | Self::Runs => 7,
        }
    }
}

/// What a tree was seen doing. Its `Display` is what stands behind "the handler": `runs`, `waits in poll for its stdin and a
/// socket`, `has a process "sleep" (812) that sleeps 1.5 s`.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Some thread waits for our stdin.
    pub reads_stdin: bool,
    /// What works, if anything does; else what waits for stdin.
    told: Option<Told>,
}

#[derive(Clone, Debug)]
struct Told {
    process: Pid,
    doing: Doing,
    rests: bool,
    reads: bool,
    /// The process, where it is not the handler itself.
    name: Option<String>,
}

impl Seen {
    /// Nothing could be looked at.
    pub fn nothing() -> Self {
        let told = Told { process: Pid::this(), doing: Doing::Unseen, rests: false, reads: false, name: None };
        Self { reads_stdin: false, told: Some(told) }
    }

    /// Notes what a thread does, if it says more than what is noted.
    pub fn add(&mut self, process: Pid, doing: Doing, rests: bool, reads: bool) {
        self.reads_stdin |= reads;
        let key = |told: &Told| (!told.rests, told.reads, told.doing.weight());
        let new = Told { process, doing, rests, reads, name: None };
        if self.told.as_ref().is_none_or(|told| key(&new) > key(told)) {
            self.told = Some(new);
        }
    }

    /// Finds the name of the process that is told of.
    pub fn name(&mut self, root: Pid, bytes: &mut Vec<u8>) {
        let Some(told) = self.told.as_mut().filter(|told| told.process != root) else { return };
        let name = proc::read(&format!("/proc/{}/comm", told.process), bytes).unwrap_or_default();
        told.name = Some(String::from_utf8_lossy(name).trim_end().escape_debug().collect());
    }
}

impl Display for Seen {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Some(told) = &self.told else { return to.write_str("has ended") };
        if let Some(name) = &told.name {
            write!(to, "has a process \"{name}\" ({}) that ", told.process)?;
        }
        told.doing.fmt(to)?;
        if self.reads_stdin && !told.reads {
            to.write_str(", while another thread or process waits for its stdin")?;
        }
        Ok(())
    }
}

impl Display for Doing {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => to.write_str("runs"),
            Self::Stopped => to.write_str("is stopped"),
            Self::Ended => to.write_str("has ended"),
            Self::Reads(kind) => write!(to, "reads {kind}"),
            Self::Writes(kind) => write!(to, "writes to {kind}"),
            Self::WaitsForAny { call, set, time_out } => {
                write!(to, "waits in {call}")?;
                match set.as_deref() {
                    None => to.write_str(" for what cannot be seen")?,
                    Some([]) => {}
                    Some([first, rest @ ..]) => {
                        write!(to, " for {first}")?;
                        for (index, kind) in rest.iter().enumerate() {
                            write!(to, "{} {kind}", if index + 1 == rest.len() { " and" } else { "," })?;
                        }
                    }
                }
                time_out.fmt(to)
            }
            Self::WaitsForThread { time_out } => {
                to.write_str("waits for another thread")?;
                time_out.fmt(to)
            }
            Self::WaitsForChild => to.write_str("waits for a child process"),
            Self::WaitsForSignal { time_out } => {
                to.write_str("waits for a signal")?;
                time_out.fmt(to)
            }
            Self::Sleeps(TimeOut::Of(time)) => write!(to, "sleeps {} s", time.as_secs_f64()),
            Self::Sleeps(_) => to.write_str("sleeps"),
            Self::InCall(None) => to.write_str("is held up by the system"),
            Self::InCall(Some(call)) => match *call {
                libc::SYS_connect => to.write_str("connects to a server"),
                libc::SYS_accept | libc::SYS_accept4 => to.write_str("waits for a connection"),
                libc::SYS_recvfrom | libc::SYS_recvmsg => to.write_str("reads a socket"),
                libc::SYS_sendto | libc::SYS_sendmsg => to.write_str("writes to a socket"),
                libc::SYS_flock | libc::SYS_fcntl => to.write_str("waits for a lock"),
                libc::SYS_openat => to.write_str("opens a file or a named pipe"),
                call => write!(to, "waits in system call {call}"),
            },
            Self::KeepsTime => to.write_str("has set a timer or an alarm"),
            Self::Unseen => to.write_str("cannot be looked at"),
        }
    }
}

impl Display for TimeOut {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Unseen => to.write_str(", with a time-out"),
            Self::Of(time) => write!(to, ", for at most {} s", time.as_secs_f64()),
        }
    }
}

impl Display for Kind {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Stdin => "its stdin",
            Self::Output => "its output",
            Self::OwnPipe => "a pipe of its own",
            Self::Pipe => "a pipe from elsewhere",
            Self::Event => "an event descriptor",
            Self::Signal => "signals",
            Self::Timer { is_armed: true } => "a timer",
            Self::Timer { is_armed: false } => "a timer that is not set",
            Self::Epoll => "an epoll",
            Self::OwnSocket => "a socket to itself",
            Self::Socket => "a socket",
            Self::Inotify => "changes of files",
            Self::Process => "a child process",
            Self::File => "a file or device",
            Self::Unseen => "what cannot be seen",
        })
    }
}
