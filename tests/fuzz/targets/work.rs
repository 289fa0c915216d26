//! What an input has cost: the processor time of this thread, whatever else the machine does; and what is kept.

use nix::sys::resource::{UsageWho, getrusage};
use std::fmt::{self, Debug, Write};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

/// Since when a thread has worked.
pub struct Work(Duration);

/// What an input may cost at most, whatever its size; and each of its bytes. Work that grows with the square of the input is far
/// above it, and a debug build far below; in an emulated processor it is as much more as that is slower.
const BASE: Duration = Duration::from_millis(100);
const PER_BYTE: Duration = Duration::from_micros(8);

fn worked() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), u32::try_from(time.tv_usec()).unwrap() * 1000)
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// How many times slower than a usual machine this one is.
fn slowness() -> u32 {
    static SLOWNESS: OnceLock<u32> = OnceLock::new();
    *SLOWNESS.get_or_init(|| {
        let before = worked();
        black_box((0..USUAL_STEPS).fold(0_u32, |sum, step| black_box(sum.rotate_left(5) ^ step)));
        let took = worked().checked_sub(before).unwrap_or_default();
        1 + u32::try_from(took.as_micros() / USUAL_TIME.as_micros()).unwrap()
    })
}

/// So many steps take a usual machine less than that, in a debug build, too.
const USUAL_STEPS: u32 = 500_000;
const USUAL_TIME: Duration = Duration::from_millis(8);

impl Work {
    pub fn begin() -> Self {
        slowness();
        Self(worked())
    }

    /// It was linear in so many bytes.
    pub fn check(&self, bytes: usize) {
        let took = worked().checked_sub(self.0).unwrap_or_default();
        let most = (BASE + PER_BYTE * u32::try_from(bytes).unwrap()) * slowness();
        assert!(took <= most, "{took:?} for {bytes} bytes, where {most:?} is the most");
    }
}

/// How many elements and characters there are in something, its names apart: an upper bound of the bytes that it keeps.
pub fn kept(kept: &impl Debug) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            // An element of a list is written as a number or a truth value, and a comma; a text as itself.
            let is_element = is_number(text) || matches!(text, "true" | "false");
            self.0 += if text == ", " { 0 } else { text.len().min(if is_element { 1 } else { usize::MAX }) };
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
