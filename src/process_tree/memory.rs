//! The memory of another process: sets of poll and select, and times.
//!
//! A parent may read its child's where both are the same user (ptrace(2), "Ptrace access mode checking"), unless a program was
//! installed such that it may not be read, or has said so itself.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

/// Fills `bytes` with what is at `address`.
pub fn read(process: Pid, address: u64, bytes: &mut [u8]) -> Option<()> {
    let (base, len) = (usize::try_from(address).ok()?, bytes.len());
    match process_vm_readv(process, &mut [IoSliceMut::new(bytes)], &[RemoteIoVec { base, len }]) {
        Ok(got) => (got == len).then_some(()),
        // Some containers forbid this call, and not the file.
        Err(_) => File::open(format!("/proc/{process}/mem")).ok()?.read_exact_at(bytes, address).ok(),
    }
}

/// Two 64-bit numbers: a `struct timespec` or `struct timeval`.
pub fn pair(process: Pid, address: u64) -> Option<(i64, i64)> {
    let mut bytes = [0; 16];
    read(process, address, &mut bytes)?;
    let number = |half: &[u8]| Some(i64::from_ne_bytes(half.try_into().ok()?));
    Some((number(&bytes[..8])?, number(&bytes[8..])?))
}

/// A time of which the second number counts `unit` nanoseconds.
pub fn duration(process: Pid, address: u64, unit: i64) -> Option<Duration> {
    let (seconds, rest) = pair(process, address)?;
    let nanoseconds = u32::try_from(rest.checked_mul(unit)?).ok()?;
    (nanoseconds < 1_000_000_000).then_some(Duration::new(u64::try_from(seconds).ok()?, nanoseconds))
}
