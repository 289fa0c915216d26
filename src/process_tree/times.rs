//! How long another process waits at most, out of its memory.

use std::time::Duration;

use nix::unistd::Pid;

use super::memory;

/// Two 64-bit numbers: a `struct timespec` or `struct timeval`.
fn pair(process: Pid, address: u64) -> Option<(i64, i64)> {
    let mut bytes = [0; 16];
    memory::read(process, address, &mut bytes)?;
    let number = |half: &[u8]| Some(i64::from_ne_bytes(half.try_into().ok()?));
    Some((number(&bytes[..8])?, number(&bytes[8..])?))
}

/// A time of which the second number counts `unit` nanoseconds.
pub fn duration(process: Pid, address: u64, unit: i64) -> Option<Duration> {
    let (seconds, rest) = pair(process, address)?;
    let nanoseconds = u32::try_from(rest.checked_mul(unit)?).ok()?;
    (nanoseconds < 1_000_000_000).then_some(Duration::new(u64::try_from(seconds).ok()?, nanoseconds))
}
