//! What an input has cost: the processor time of this thread, whatever else the machine does; and what is kept.

use nix::sys::resource::{UsageWho, getrusage};
use std::fmt::{self, Debug, Write};
use std::time::Duration;

/// Since when a thread has worked.
pub struct Work(Duration);

/// What an input may cost at most, whatever its size; and each of its bytes. Work that grows with the square of the input is far
/// above it, and a debug build far below.
const BASE: Duration = Duration::from_millis(100);
const PER_BYTE: Duration = Duration::from_micros(8);

fn worked() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), u32::try_from(time.tv_usec()).unwrap() * 1000)
    };
    time(usage.user_time()) + time(usage.system_time())
}

impl Work {
    pub fn begin() -> Self {
        Self(worked())
    }

    /// It was linear in so many bytes.
    pub fn check(&self, bytes: usize) {
        let took = worked().checked_sub(self.0).unwrap_or_default();
        assert!(took <= BASE + PER_BYTE * u32::try_from(bytes).unwrap(), "{took:?} for {bytes} bytes");
    }
}

/// How many elements and characters there are in something, its names apart: an upper bound of the bytes that it keeps.
pub fn kept(kept: &impl Debug) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            // An element of a list is written as a number, and a comma; a text as itself.
            self.0 += if text == ", " { 0 } else { text.len().min(if is_number(text) { 1 } else { usize::MAX }) };
            Ok(())
        }
    }
    let mut count = Count(0);
    write!(count, "{kept:?}").unwrap();
    count.0
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
