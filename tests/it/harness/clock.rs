//! A wall clock that can be set, for one `bootstrap` alone.
//!
//! `bootstrap` is a static binary and asks the kernel, where it can, without a system call (vdso(7)): nothing can be put in
//! between. So it is traced (ptrace(2)). At its start it is told that there is no vDSO, and then what the system call says of
//! the wall clock is changed in its memory. The clock that cannot be set stays what it is, as on any machine.

use super::function::Function;
use super::running::Running;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

/// The types of an auxiliary vector's entries (getauxval(3)).
const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_SYSINFO_EHDR: u64 = 33;

/// How far `bootstrap`'s clock is from ours.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Sets it so many seconds ahead of ours, or behind.
    pub fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Function {
    /// Starts the function with a wall clock of its own.
    #[track_caller]
    pub fn start_with_clock(self, clock: &Clock) -> Running {
        let function = self.start_through(&["/bin/sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"]);
        let (pid, clock) = (Pid::from_raw(function.pid()), clock.clone());
        thread::spawn(move || trace(pid, &clock));
        function
    }
}

/// Traces the process to its end.
fn trace(pid: Pid, clock: &Clock) {
    let stops = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED;
    // It is not reaped here: that is for the harness.
    let wait = || waitid(Id::Pid(pid), stops | WaitPidFlag::WNOWAIT);
    let stopped = wait();
    assert!(matches!(stopped, Ok(WaitStatus::Stopped(..))), "{stopped:?}");
    ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    let mut memory = None;
    // What `clock_gettime` has been asked for and where it writes it, from its entry to its exit.
    let mut asked = None;
    let mut inside = false;
    loop {
        let signal = match wait() {
            Ok(WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC)) => {
                let opened = OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem")).unwrap();
                hide_vdso(pid, &opened);
                memory = Some(opened);
                // The next stop is the end of the call by which it was started.
                inside = true;
                None
            }
            Ok(WaitStatus::PtraceSyscall(_)) => {
                inside = !inside;
                if inside {
                    asked = clock_asked_for(pid);
                } else if let (Some(address), Some(memory)) = (asked.take(), &memory) {
                    put_forward(memory, address, clock.0.load(Ordering::SeqCst));
                }
                None
            }
            Ok(WaitStatus::PtraceEvent(_, signal, 0)) => Some(signal),
            Ok(WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(..)) => None,
            // It has ended, or was reaped already.
            _ => return,
        };
        // It fails where it has been killed meanwhile, which is heard of next.
        let _ = if memory.is_none() { ptrace::cont(pid, signal) } else { ptrace::syscall(pid, signal) };
    }
}

/// The words of `/proc/PID/syscall` (proc(5)): the call's number, its arguments, the stack and the place in the program.
fn words(pid: Pid) -> Vec<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let number = words.next().and_then(|number| number.parse::<i64>().ok()).unwrap_or(-1);
    let rest = words.filter_map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    [number.cast_unsigned()].into_iter().chain(rest).collect()
}

fn clock_asked_for(pid: Pid) -> Option<u64> {
    match words(pid).as_slice() {
        [call, which, address, ..]
            if *call == libc::SYS_clock_gettime.cast_unsigned()
                && *which == u64::from(libc::CLOCK_REALTIME.cast_unsigned()) =>
        {
            Some(*address)
        }
        _ => None,
    }
}

fn put_forward(memory: &File, address: u64, seconds: i64) {
    let mut word = [0; 8];
    memory.read_exact_at(&mut word, address).unwrap();
    memory.write_all_at(&(i64::from_ne_bytes(word) + seconds).to_ne_bytes(), address).unwrap();
}

/// Goes over the stack of a program that has just been started: arguments, environment, and the auxiliary vector.
fn hide_vdso(pid: Pid, memory: &File) {
    let words = words(pid);
    let mut address = words[words.len() - 2];
    let read = |address: u64| {
        let mut word = [0; 8];
        memory.read_exact_at(&mut word, address).unwrap();
        u64::from_ne_bytes(word)
    };
    // The number of the arguments, then two lists that end with 0.
    address += 8;
    for _ in 0..2 {
        while read(address) != 0 {
            address += 8;
        }
        address += 8;
    }
    loop {
        match read(address) {
            AT_NULL => return,
            AT_SYSINFO_EHDR => memory.write_all_at(&AT_IGNORE.to_ne_bytes(), address).unwrap(),
            _ => {}
        }
        address += 16;
    }
}
