//! The files of `/proc` that are looked at (proc(5)), read and taken apart.
//!
//! The parsers are functions over bytes. They believe nothing: what is cut short or makes no sense is `None`, and what
//! is not known is left out.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use memchr::{memchr, memchr_iter, memrchr};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// No file that is read here is longer: the largest are the children of a process and the set of an epoll.
const LONGEST: u64 = 1 << 20;

/// Reads the whole of `path` into `bytes`, in whose place it comes.
pub fn read<'a>(path: &str, bytes: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    bytes.clear();
    let mut file = File::open(path)?;
    // Nearly all of them fit, and then one read has them: a shorter one is the end, but for lists.
    bytes.resize(4096, 0);
    let got = file.read(bytes)?;
    bytes.truncate(got);
    if got > 1024 {
        file.take(LONGEST).read_to_end(bytes)?;
    }
    Ok(bytes)
}

/// What one of the links there leads to: a descriptor, or a program.
pub fn link(path: &str) -> io::Result<PathBuf> {
    std::fs::read_link(path)
}

/// The numbers that are the names in a folder: processes, threads or descriptors. All of them, or none.
pub fn numbers_in(folder: &str) -> io::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(numbers)
}

/// Whether a file could not be read because its process or thread has ended; or the kernel has no such file.
pub fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(nix::libc::ESRCH)
}

/// Whether there is such a process, dead or alive. Where there is and `/proc` has none, it is hidden (`hidepid`).
pub fn exists(process: Pid) -> bool {
    kill(process, None) != Err(nix::errno::Errno::ESRCH)
}

/// `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub state: u8,
    pub parent: Pid,
    pub group: Pid,
    pub session: Pid,
    /// When the process was started, in ticks since the system was. Number and start are never the same for two.
    pub started: u64,
}

impl Stat {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // The second field is the name, in parentheses, and may hold any byte.
        let rest = bytes.get(memrchr(b')', bytes)? + 1..)?;
        let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let &[state @ b'A'..=b'z'] = words.next()? else { return None };
        let mut pid = || Some(Pid::from_raw(number(words.next()?)?));
        let (parent, group, session) = (pid()?, pid()?, pid()?);
        // Field 22; the session was field 6.
        let started = number(words.nth(15)?)?;
        Some(Self { state, parent, group, session, started })
    }
}

/// `/proc/PID/task/TID/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub state: u8,
    /// The signals that have a handler, one bit for each.
    pub caught: u64,
    /// How often it was taken off a processor: the same number twice, and it has not run in between.
    pub switches: u64,
}

impl Status {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut state, mut caught, mut voluntary, mut forced) = (None, None, None, None);
        // The name comes first, and its line feeds are escaped by the kernel.
        for line in lines(bytes) {
            let Some(colon) = memchr(b':', line) else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            match name {
                b"State" => state = value.first().copied(),
                b"SigCgt" => caught = hexadecimal(value),
                b"voluntary_ctxt_switches" => voluntary = number::<u64>(value),
                b"nonvoluntary_ctxt_switches" => forced = number::<u64>(value),
                _ => {}
            }
        }
        Some(Self { state: state?, caught: caught?, switches: voluntary?.wrapping_add(forced?) })
    }

    /// Whether an alarm(2) may be set, which `/proc` does not show: the process catches its signal. Who catches faults too is a
    /// language's runtime that catches what there is (Go, Ruby, SBCL); who catches other clocks' signals, or all of the
    /// polite ways to end it, catches whatever there is (sort(1), mksh, newLISP): they say nothing by it.
    pub fn may_have_an_alarm(&self) -> bool {
        let catches_all_there_is = [Signal::SIGSEGV, Signal::SIGXCPU, Signal::SIGVTALRM, Signal::SIGPROF]
            .into_iter()
            .any(|signal| self.catches(signal))
            || [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM].into_iter().all(|signal| self.catches(signal));
        self.catches(Signal::SIGALRM) && !catches_all_there_is
    }

    fn catches(&self, signal: Signal) -> bool {
        self.caught >> (signal as u32 - 1) & 1 == 1
    }
}

/// `/proc/PID/task/TID/syscall`: what a thread is blocked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    No,
    /// In no system call: a page is being fetched, or it is stopped.
    Outside,
    In {
        call: i64,
        arguments: [u64; 6],
    },
}

impl Blocked {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let first = words.next()?;
        if first == b"running" {
            return Some(Self::No);
        }
        let call: i64 = number(first)?;
        if call < 0 {
            return Some(Self::Outside);
        }
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = hexadecimal(words.next()?.strip_prefix(b"0x")?)?;
        }
        Some(Self::In { call, arguments })
    }
}

/// `/proc/PID/task/TID/children`.
pub fn children(bytes: &[u8]) -> impl Iterator<Item = Pid> {
    bytes.split(u8::is_ascii_whitespace).filter_map(|word| number(word).map(Pid::from_raw))
}

/// A descriptor in the set of an epoll, or of a poll or select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    pub descriptor: i32,
    /// As in poll(2), whose numbers epoll shares.
    pub events: u32,
}

/// `/proc/PID/fdinfo/N` of an epoll: a line `tfd: 0 events: 19 data: …` for each descriptor. `None` where one of them
/// cannot be read.
pub fn epoll_set(bytes: &[u8]) -> Option<Vec<Watched>> {
    let entries = lines(bytes).filter_map(|line| line.strip_prefix(b"tfd:"));
    entries
        .map(|entry| {
            let mut words = entry.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let descriptor = number(words.next()?)?;
            if words.next()? != b"events:" {
                return None;
            }
            let events = u32::try_from(hexadecimal(words.next()?)?).ok()?;
            Some(Watched { descriptor, events })
        })
        .collect()
}

/// `/proc/PID/fdinfo/N` of a timer: whether it is to expire at all.
pub fn timer_is_armed(bytes: &[u8]) -> Option<bool> {
    let value = lines(bytes).find_map(|line| line.strip_prefix(b"it_value:"))?;
    Some(value.iter().filter(|byte| byte.is_ascii_digit()).any(|&digit| digit != b'0'))
}

/// `/proc/PID/timers`: the signals that a process's timers send (`timer_create(2)`), a line `signal: 26/…` for each.
pub fn timer_signals(bytes: &[u8]) -> impl Iterator<Item = i32> {
    lines(bytes).filter_map(|line| line.strip_prefix(b"signal:")).map(|value| {
        let digits = value.split(|&byte| byte == b'/').next().unwrap_or_default();
        number(digits.trim_ascii()).unwrap_or(0)
    })
}

/// `/proc/PID/fdinfo/N` of a process descriptor: the process, as long as there is one.
pub fn process_of_descriptor(bytes: &[u8]) -> Option<Pid> {
    let pid: i32 = number(lines(bytes).find_map(|line| line.strip_prefix(b"Pid:"))?.trim_ascii())?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

/// Whether `entry`, which is `NAME=value`, stands in `/proc/PID/environ`.
pub fn has_variable(environment: &[u8], entry: &[u8]) -> bool {
    environment.split(|&byte| byte == 0).any(|variable| variable == entry)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', bytes).chain([bytes.len()]).map(move |end| {
        let line = &bytes[start..end];
        start = end + 1;
        line
    })
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
