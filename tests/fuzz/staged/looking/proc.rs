//! In place of `bootstrap`'s own: its parsers, and a `/proc` that holds what the input says. Without one it is the system's.

pub use super::files::proc::*;
use crate::proc_files::{self, World};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

pub fn read<'a>(path: &str, bytes: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    match proc_files::with(|world| world.read(path)) {
        Some(content) => {
            *bytes = content.ok_or(io::ErrorKind::NotFound)?;
            Ok(bytes)
        }
        None => super::files::proc::read(path, bytes),
    }
}

pub fn link(path: &str) -> io::Result<PathBuf> {
    let Some(content) = proc_files::with(|world| world.read(path)) else { return super::files::proc::link(path) };
    let content = content.ok_or(io::ErrorKind::NotFound)?;
    Ok(OsStr::from_bytes(content.trim_ascii_end()).into())
}

pub fn numbers_in(folder: &str) -> io::Result<Vec<i32>> {
    let Some(numbers) = proc_files::with(|world| world.numbers_in(folder)) else {
        return super::files::proc::numbers_in(folder);
    };
    if numbers.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(numbers) }
}

pub fn exists(process: Pid) -> bool {
    let exists = |world: &mut World| !world.numbers_in(&format!("/proc/{process}/task")).is_empty();
    proc_files::with(exists).unwrap_or_else(|| super::files::proc::exists(process))
}
