//! What a tree is seen doing: whether it is ready for an event, whether it is at rest, and how a person says it.
//!
//! **At rest** is proved in three passes. The first reads how often each thread has been taken off a processor, the
//! second what each is blocked in, the third the numbers of the first once more. Where no number has changed and no
//! thread has come, nobody has run in between: all that the second pass saw was so at one time, and whoever waits only
//! for the others or for our emptied stdin will wait until we write.

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::descendants::{self, Members};
use super::descriptors::{Descriptors, Kind, Set};
use super::poll_set;
use super::proc::{self, Blocked, Status};
use super::roots::Tree;
use super::seen::{Doing, Seen, TimeOut};
use super::service_threads;
use super::wait::Wait;

/// More threads than this are not looked at.
const MOST_THREADS: usize = 8192;

/// What one look has found.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Every thread of every process of the tree waits, without a time-out of its own, for nothing but our emptied stdin or
    /// for one another, and one at least for our stdin.
    pub at_rest: bool,
    /// Some thread waits for our stdin. `None` where none was seen to, and not all could be looked at.
    pub reads_stdin: Option<bool>,
    pub seen: Seen,
    /// How many processes there are.
    pub processes: usize,
}

/// What a thread's wait says.
#[derive(Debug)]
struct Verdict {
    /// It waits for nothing but our stdin, or others of the tree.
    rests: bool,
    /// It waits for our stdin. `None`: it cannot be known.
    reads_stdin: Option<bool>,
    doing: Doing,
}

impl Verdict {
    fn work(doing: Doing) -> Self {
        Self { rests: false, reads_stdin: Some(false), doing }
    }

    fn rest(doing: Doing) -> Self {
        Self { rests: true, reads_stdin: Some(false), doing }
    }

    fn unseen() -> Self {
        Self { rests: false, reads_stdin: None, doing: Doing::Unseen }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    process: Pid,
    id: i32,
}

/// Looks at all of the tree. Unless `stdin_is_empty`, it is not at rest.
pub fn look(tree: &Tree, stdin_is_empty: bool) -> Activity {
    if !descendants::proc_is_ours() {
        return Activity { at_rest: false, reads_stdin: None, seen: Seen::nothing(), processes: 1 };
    }
    let mut bytes = Vec::new();
    let members = descendants::members(tree);
    let threads = threads(&members);
    let mut may_rest = stdin_is_empty && !members.is_cut && !members.has_changed && threads.len() < MOST_THREADS;
    let before = may_rest.then(|| statuses(&threads, &mut bytes));
    let descriptors = Descriptors::new(tree.pipes, &members.pids);
    let mut seen = Seen::default();
    let mut all_were_seen = !members.is_cut;
    for (index, &thread) in threads.iter().enumerate() {
        let status = before.as_ref().and_then(|statuses| statuses[index].as_ref());
        let Some(verdict) = judge(thread, status, &descriptors, &mut bytes) else {
            // It has ended meanwhile. The third pass will not find it either.
            continue;
        };
        all_were_seen &= verdict.reads_stdin.is_some();
        may_rest &= verdict.rests;
        seen.add(thread.process, verdict.doing, verdict.rests, verdict.reads_stdin == Some(true));
    }
    let mut at_rest = false;
    if let Some(before) = before.filter(|_| may_rest && seen.reads_stdin) {
        match keeps_time(&threads, &before, &mut bytes) {
            Some(process) => seen.add(process, Doing::KeepsTime, false, false),
            None => at_rest = still_as(&before, &members, &threads, tree, &mut bytes),
        }
    }
    let reads_stdin = if seen.reads_stdin || all_were_seen { Some(seen.reads_stdin) } else { None };
    seen.name(tree.root, &mut bytes);
    Activity { at_rest, reads_stdin, seen, processes: members.pids.len() }
}

/// All threads, in the order of their processes.
fn threads(members: &Members) -> Vec<Thread> {
    let mut threads = Vec::new();
    for &process in members.pids.iter().chain(&members.doubtful) {
        match proc::numbers_in(&format!("/proc/{process}/task")) {
            Ok(ids) => threads.extend(ids.into_iter().map(|id| Thread { process, id })),
            Err(error) if proc::is_gone(&error) && !proc::exists(process) => {}
            // It will be seen that it cannot be seen.
            Err(_) => threads.push(Thread { process, id: process.as_raw() }),
        }
        if threads.len() >= MOST_THREADS {
            break;
        }
    }
    threads
}

fn statuses(threads: &[Thread], bytes: &mut Vec<u8>) -> Vec<Option<Status>> {
    threads.iter().map(|thread| status(*thread, bytes)).collect()
}

fn status(Thread { process, id }: Thread, bytes: &mut Vec<u8>) -> Option<Status> {
    Status::parse(proc::read(&format!("/proc/{process}/task/{id}/status"), bytes).ok()?)
}

/// Whether nothing has run since `before`, and nobody is new.
fn still_as(
    before: &[Option<Status>],
    members: &Members,
    threads: &[Thread],
    tree: &Tree,
    bytes: &mut Vec<u8>,
) -> bool {
    let now = descendants::members(tree);
    let same = |(thread, before): (&Thread, &Option<Status>)| before.is_some() && status(*thread, bytes) == *before;
    now == *members && self::threads(&now) == threads && threads.iter().zip(before).all(same)
}

/// What a thread does; `None` where it has ended. The status is there where it is to be known whether it rests.
fn judge(
    thread: Thread,
    status: Option<&Status>,
    descriptors: &Descriptors<'_>,
    bytes: &mut Vec<u8>,
) -> Option<Verdict> {
    match status.map(|status| status.state) {
        // Dead, and not reaped; or one of the threads of a process that lives on.
        Some(b'Z' | b'X') => return Some(Verdict::rest(Doing::Ended)),
        Some(b'T' | b't') => return Some(Verdict::work(Doing::Stopped)),
        _ => {}
    }
    let Thread { process, id } = thread;
    let text = proc::read(&format!("/proc/{process}/task/{id}/syscall"), bytes);
    let is_gone = text.as_ref().is_err_and(proc::is_gone);
    let Some(blocked) = text.ok().and_then(Blocked::parse) else {
        let is_hidden = id == process.as_raw() && proc::exists(process);
        let has_ended = is_gone && !is_hidden && self::status(thread, bytes).is_none();
        return (!has_ended).then(Verdict::unseen);
    };
    // Asleep is S; what is in D waits for a device.
    let is_asleep = status.is_some_and(|status| status.state == b'S');
    let mut verdict = verdict(thread, Wait::of(blocked), descriptors, bytes);
    verdict.rests &= is_asleep;
    Some(verdict)
}

fn verdict(thread: Thread, wait: Wait, descriptors: &Descriptors<'_>, bytes: &mut Vec<u8>) -> Verdict {
    let process = thread.process;
    match wait {
        Wait::Runs => Verdict::work(Doing::Runs),
        Wait::Read { descriptor } => read(descriptors.kind(process, descriptor)),
        Wait::Write { descriptor } => Verdict::work(Doing::Writes(descriptors.kind(process, descriptor))),
        Wait::Poll { address, count, limit } => {
            let watched = poll_set::poll(process, address, count);
            let set = watched.and_then(|watched| descriptors.set(process, &watched));
            any_of("poll", set, TimeOut::of(process, limit))
        }
        Wait::Select { count, sets, limit } => {
            let watched = poll_set::select(process, sets, count);
            let set = watched.and_then(|watched| descriptors.set(process, &watched));
            any_of("select", set, TimeOut::of(process, limit))
        }
        Wait::Epoll { descriptor, limit } => {
            let set = descriptors.epoll(process, descriptor);
            any_of("epoll", set, TimeOut::of(process, limit))
        }
        Wait::IoUring { is_limited } => {
            let doing = Doing::WaitsForAny { call: "io_uring", set: None, time_out: TimeOut::None };
            Verdict { rests: false, reads_stdin: (!is_limited).then_some(true), doing }
        }
        Wait::Futex { limit } => {
            let rests = limit.is_none() || service_threads::is_one(process, thread.id, limit, bytes);
            let doing = Doing::WaitsForThread { time_out: TimeOut::of(process, limit) };
            Verdict { rests, reads_stdin: Some(false), doing }
        }
        Wait::Child => Verdict::rest(Doing::WaitsForChild),
        Wait::Signal { limit } => {
            let rests = limit.is_none();
            let doing = Doing::WaitsForSignal { time_out: TimeOut::of(process, limit) };
            Verdict { rests, reads_stdin: Some(false), doing }
        }
        Wait::Sleep { limit } => Verdict::work(Doing::Sleeps(TimeOut::of(process, limit))),
        Wait::Other { call } => Verdict::work(Doing::InCall(call)),
    }
}

/// A blocked read of one descriptor.
fn read(kind: Kind) -> Verdict {
    let doing = Doing::Reads(kind);
    match kind {
        Kind::Stdin => Verdict { rests: true, reads_stdin: Some(true), doing },
        Kind::OwnPipe | Kind::OwnSocket | Kind::Event | Kind::Signal | Kind::Timer { is_armed: false } => {
            Verdict::rest(doing)
        }
        Kind::Unseen => Verdict::unseen(),
        _ => Verdict::work(doing),
    }
}

/// A wait for any of several descriptors. What its set is may not be seen; then a wait without a time-out is taken for one
/// that our stdin is in, but never for rest.
fn any_of(call: &'static str, set: Option<Set>, time_out: TimeOut) -> Verdict {
    let is_endless = time_out == TimeOut::None;
    let rests = is_endless && set.as_ref().is_some_and(|set| !set.is_open);
    let reads_stdin = Some(set.as_ref().map_or(is_endless, |set| set.has_stdin));
    let set = set.map(|set| set.kinds);
    Verdict { rests, reads_stdin, doing: Doing::WaitsForAny { call, set, time_out } }
}

/// The process that a signal may come to at some time: from a timer, as far as the kernel lists them, or from an alarm.
/// Interpreters share their processor out among threads by SIGVTALRM.
fn keeps_time(threads: &[Thread], statuses: &[Option<Status>], bytes: &mut Vec<u8>) -> Option<Pid> {
    let mut keeps_it = |thread: &Thread, status: &Option<Status>| {
        let has_timer = match proc::read(&format!("/proc/{}/timers", thread.process), bytes) {
            Ok(timers) => proc::timer_signals(timers).any(|signal| signal != Signal::SIGVTALRM as i32),
            Err(error) => !proc::is_gone(&error),
        };
        let may_have_alarm = status.as_ref().is_none_or(Status::may_have_an_alarm);
        (has_timer || may_have_alarm) && !service_threads::is_timeout(thread.process)
    };
    let mut firsts = threads.iter().zip(statuses).filter(|(thread, _)| thread.id == thread.process.as_raw());
    firsts.find(|(thread, status)| keeps_it(thread, status)).map(|(thread, _)| thread.process)
}
