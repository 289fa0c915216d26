//! The memory of another process, where its sets of poll and select are, and times.
//!
//! A parent may read its child's where both are the same user (ptrace(2), "Ptrace access mode checking"), unless a program was
//! installed such that it may not be read, or has said so itself.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;

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
