//! Root makes the sandbox in the thread that starts the process: a thread can have a root and mounts of its own.

use super::super::files;
use super::root::{Root, Step};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::{chdir, chroot};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::thread;

/// An empty folder, over which each thread mounts the root of its own.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = std::env::temp_dir().canonicalize().unwrap().join("lambda-stdio-it-root");
    fs::create_dir_all(&place).unwrap();
    place
});

const NOTHING: Option<&str> = None;

#[track_caller]
pub fn spawn(root: &Root, command: &mut Command, user: u32) -> Child {
    // With a user, std also leaves all supplementary groups.
    command.uid(user).gid(user);
    let steps = root.steps();
    let place = PLACE.as_path();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(&steps, place).unwrap_or_else(|error| panic!("a root for a sandbox: {error}"));
            files::spawn(command)
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn enter(steps: &[Step], place: &Path) -> Result<(), String> {
    let said = |error: nix::Error| format!("mounting needs root with all its capabilities: {error}");
    unshare(CloneFlags::CLONE_NEWNS).map_err(said)?;
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING).map_err(said)?;
    for step in steps {
        make(step, place)?;
    }
    chroot(place).and_then(|()| chdir("/")).map_err(|error| error.to_string())
}

fn make(step: &Step, place: &Path) -> Result<(), String> {
    let (at, done): (_, Result<(), String>) = match step {
        Step::Folder { at } => (
            at,
            match fs::create_dir(place.join(at)) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.to_string()),
                _ => Ok(()),
            },
        ),
        // It is made without being opened: a child of another thread's would inherit it, and until that calls exec, nothing could
        // become read-only that has a file open for writing.
        Step::File { at, size: 0 } => {
            let made = mknod(&place.join(at), SFlag::S_IFREG, Mode::from_bits_truncate(0o644), 0);
            (at, made.map_err(|e| e.to_string()))
        }
        Step::File { at, size } => (at, fs::write(place.join(at), vec![0; *size]).map_err(|e| e.to_string())),
        Step::Link { to, at } => (at, symlink(to, place.join(at)).map_err(|e| e.to_string())),
        Step::Bind { from, at, writable } => {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
            let bound = mount(Some(from), &place.join(at), NOTHING, flags, NOTHING).map_err(|e| e.to_string());
            (at, if *writable { bound } else { bound.and_then(|()| read_only(&place.join(at))) })
        }
        Step::Tmpfs { at, options } => {
            let made = mount(Some("none"), &place.join(at), Some("tmpfs"), MsFlags::empty(), Some(options.as_str()));
            (at, made.map_err(|e| e.to_string()))
        }
        Step::HiddenProc { at } => {
            let made = mount(Some("proc"), &place.join(at), Some("proc"), MsFlags::empty(), Some("hidepid=2"));
            (at, made.map_err(|e| e.to_string()))
        }
        Step::ReadOnly { at } => (at, read_only(&place.join(at))),
    };
    done.map_err(|error| format!("/{at}: {error}"))
}

fn read_only(path: &Path) -> Result<(), String> {
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(NOTHING, path, NOTHING, flags, NOTHING).map_err(|error| error.to_string())
}
