//! What one thread is blocked in, as the number of its system call and the arguments say it.

use nix::libc;

use super::proc::Blocked;

/// A call of Linux 6.7, which libc has no name for on every platform.
const SYS_FUTEX_WAIT: i64 = 455;

/// futex(2): what is left of an operation without its flags, and the ones that wait.
const FUTEX_COMMAND: i32 = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
const FUTEX_LOCK_PI2: i32 = 13;

/// How long a call waits at most. Times stand in the process's memory, mostly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    None,
    Milliseconds(u32),
    /// A `struct timespec` from now on.
    Timespec(u64),
    /// A `struct timeval` from now on, which only select(2) takes; arm64 has no such call.
    #[cfg(target_arch = "x86_64")]
    Timeval(u64),
    /// A `struct timespec` of some clock.
    Absolute(u64),
}

impl Limit {
    pub fn is_none(self) -> bool {
        self == Self::None
    }

    fn timespec(address: u64) -> Self {
        if address == 0 { Self::None } else { Self::Timespec(address) }
    }

    #[cfg(target_arch = "x86_64")]
    fn timeval(address: u64) -> Self {
        if address == 0 { Self::None } else { Self::Timeval(address) }
    }

    fn absolute(address: u64) -> Self {
        if address == 0 { Self::None } else { Self::Absolute(address) }
    }

    /// An `int`, of which the upper half of its register says nothing.
    fn milliseconds(argument: u64) -> Self {
        u32::try_from(int(argument)).map_or(Self::None, Self::Milliseconds)
    }
}

/// What a thread waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It does not wait.
    Runs,
    Read {
        descriptor: i32,
    },
    Write {
        descriptor: i32,
    },
    /// poll and its like: `count` times a `struct pollfd`.
    Poll {
        address: u64,
        count: u64,
        limit: Limit,
    },
    /// select and its like: three sets of `count` bits, for reading, writing and exceptions.
    Select {
        count: u64,
        sets: [u64; 3],
        limit: Limit,
    },
    Epoll {
        descriptor: i32,
        limit: Limit,
    },
    /// Anything may be in its queue, a timer too.
    IoUring {
        is_limited: bool,
    },
    /// For another thread.
    Futex {
        limit: Limit,
    },
    Child,
    /// For nothing but a signal.
    Signal {
        limit: Limit,
    },
    Sleep {
        limit: Limit,
    },
    /// In another call, which may be waiting for anybody; or in none.
    Other {
        call: Option<i64>,
    },
}

impl Wait {
    #[allow(clippy::many_single_char_names)] // Arguments have their names only by the call.
    pub fn of(blocked: Blocked) -> Self {
        let (call, [a, b, c, d, e, f]) = match blocked {
            Blocked::No => return Self::Runs,
            Blocked::Outside => return Self::Other { call: None },
            Blocked::In { call, arguments } => (call, arguments),
        };
        #[cfg(target_arch = "x86_64")]
        match call {
            libc::SYS_poll => return poll(a, b, Limit::milliseconds(c)),
            libc::SYS_select => return select(a, [b, c, d], Limit::timeval(e)),
            libc::SYS_epoll_wait => return Self::Epoll { descriptor: int(a), limit: Limit::milliseconds(d) },
            libc::SYS_pause => return Self::Signal { limit: Limit::None },
            _ => {}
        }
        match call {
            libc::SYS_read | libc::SYS_readv | libc::SYS_splice | libc::SYS_tee => Self::Read { descriptor: int(a) },
            libc::SYS_write | libc::SYS_writev => Self::Write { descriptor: int(a) },
            libc::SYS_ppoll => poll(a, b, Limit::timespec(c)),
            libc::SYS_pselect6 => select(a, [b, c, d], Limit::timespec(e)),
            libc::SYS_epoll_pwait => Self::Epoll { descriptor: int(a), limit: Limit::milliseconds(d) },
            libc::SYS_epoll_pwait2 => Self::Epoll { descriptor: int(a), limit: Limit::timespec(d) },
            libc::SYS_futex => match int(b) & FUTEX_COMMAND {
                libc::FUTEX_WAIT => Self::Futex { limit: Limit::timespec(d) },
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_LOCK_PI | FUTEX_LOCK_PI2 | libc::FUTEX_WAIT_REQUEUE_PI => {
                    Self::Futex { limit: Limit::absolute(d) }
                }
                _ => Self::Other { call: Some(call) },
            },
            libc::SYS_futex_waitv => Self::Futex { limit: Limit::absolute(d) },
            SYS_FUTEX_WAIT => Self::Futex { limit: Limit::absolute(e) },
            libc::SYS_wait4 | libc::SYS_waitid => Self::Child,
            libc::SYS_rt_sigsuspend => Self::Signal { limit: Limit::None },
            libc::SYS_rt_sigtimedwait => Self::Signal { limit: Limit::timespec(c) },
            libc::SYS_nanosleep => Self::Sleep { limit: Limit::timespec(a) },
            libc::SYS_clock_nanosleep if int(b) & libc::TIMER_ABSTIME == 0 => Self::Sleep { limit: Limit::timespec(c) },
            libc::SYS_clock_nanosleep => Self::Sleep { limit: Limit::absolute(c) },
            // With IORING_ENTER_EXT_ARG (8) there may be a time in its argument.
            libc::SYS_io_uring_enter => Self::IoUring { is_limited: d & 8 != 0 && e != 0 && f != 0 },
            _ => Self::Other { call: Some(call) },
        }
    }
}

/// Nobody polls nothing but to sleep or to wait for a signal: pause(2) is just that on arm64.
fn poll(address: u64, count: u64, limit: Limit) -> Wait {
    match (count, limit) {
        (0, Limit::None) => Wait::Signal { limit },
        (0, _) => Wait::Sleep { limit },
        _ => Wait::Poll { address, count, limit },
    }
}

fn select(count: u64, sets: [u64; 3], limit: Limit) -> Wait {
    let count = u64::try_from(int(count)).unwrap_or(0);
    match (count == 0 || sets == [0; 3], limit) {
        (true, Limit::None) => Wait::Signal { limit },
        (true, _) => Wait::Sleep { limit },
        _ => Wait::Select { count, sets, limit },
    }
}

/// What an `int` is in a register, whose upper half may hold anything.
#[allow(clippy::cast_possible_truncation)]
fn int(argument: u64) -> i32 {
    (argument as u32).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(call: i64, arguments: [u64; 6]) -> Wait {
        Wait::of(Blocked::In { call, arguments })
    }

    #[test]
    fn reading_is_told_by_its_descriptor() {
        assert_eq!(wait(libc::SYS_read, [0, 1, 2, 0, 0, 0]), Wait::Read { descriptor: 0 });
        assert_eq!(wait(libc::SYS_readv, [0xdead_0000_0003, 1, 2, 0, 0, 0]), Wait::Read { descriptor: 3 });
        assert_eq!(Wait::of(Blocked::No), Wait::Runs);
    }

    #[test]
    fn polling_nothing_is_sleeping_or_pausing() {
        assert_eq!(wait(libc::SYS_ppoll, [0, 0, 0, 0, 0, 0]), Wait::Signal { limit: Limit::None });
        assert_eq!(wait(libc::SYS_ppoll, [0, 0, 9, 0, 0, 0]), Wait::Sleep { limit: Limit::Timespec(9) });
        assert_eq!(wait(libc::SYS_pselect6, [8, 0, 0, 0, 9, 0]), Wait::Sleep { limit: Limit::Timespec(9) });
        assert_eq!(wait(libc::SYS_ppoll, [7, 1, 0, 0, 0, 0]), Wait::Poll { address: 7, count: 1, limit: Limit::None });
    }

    #[test]
    fn a_time_out_of_minus_one_is_none() {
        let endless = wait(libc::SYS_epoll_pwait, [4, 1, 2, 0xffff_ffff, 0, 0]);
        assert_eq!(endless, Wait::Epoll { descriptor: 4, limit: Limit::None });
        let limited = wait(libc::SYS_epoll_pwait, [4, 1, 2, 1500, 0, 0]);
        assert_eq!(limited, Wait::Epoll { descriptor: 4, limit: Limit::Milliseconds(1500) });
    }

    #[test]
    fn a_futex_waits_or_is_something_else() {
        let private = u64::from(libc::FUTEX_PRIVATE_FLAG.cast_unsigned());
        assert_eq!(wait(libc::SYS_futex, [1, private, 2, 0, 0, 0]), Wait::Futex { limit: Limit::None });
        assert_eq!(wait(libc::SYS_futex, [1, private | 9, 2, 5, 0, 0]), Wait::Futex { limit: Limit::Absolute(5) });
        assert_eq!(wait(libc::SYS_futex, [1, 1, 2, 5, 0, 0]), Wait::Other { call: Some(libc::SYS_futex) });
    }
}
