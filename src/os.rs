//! What Linux offers and neither std nor nix has safe words for: the only `unsafe` of the project.

#![allow(unsafe_code)]

use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

/// What tells `bootstrap` to end.
const ENDING: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Set by the handler of SIGCHLD.
static CHILD_HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// Whether a child has ended since this was asked last, the handler's or an orphan.
pub fn has_child_ended() -> bool {
    CHILD_HAS_ENDED.load(Ordering::Relaxed) && CHILD_HAS_ENDED.swap(false, Ordering::Relaxed)
}

/// Undoes what whoever started `bootstrap` may have done to signals that it lives by: an ignored SIGCHLD makes children vanish
/// unreaped, a blocked one is never seen (sigaction(2)). To be called before anything else. Handlers are started with what
/// is set here: execve(2) keeps what is ignored and blocked.
pub fn set_up_signals() {
    extern "C" fn note_child(_: libc::c_int) {
        CHILD_HAS_ENDED.store(true, Ordering::Relaxed);
    }
    let by_default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // Nothing is done at a child's end but that it is noted, and interrupts a wait.
    let at_child = SigAction::new(SigHandler::Handler(note_child), SaFlags::SA_NOCLDSTOP, SigSet::empty());
    for (signal, action) in ENDING.map(|signal| (signal, &by_default)).into_iter().chain([(Signal::SIGCHLD, &at_child)])
    {
        // SAFETY: the handler stores to an atomic and does nothing else, which is safe at any time.
        let _ = unsafe { sigaction(signal, action) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// The signals that end `bootstrap`, blocked for every thread and seen through a descriptor instead.
///
/// They are never taken off the queue: the descriptor stays readable, so that each worker's poll loop sees them.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Blocks them. To be called before any thread is started: threads inherit the mask.
    pub fn block() -> io::Result<Self> {
        let ending: SigSet = ENDING.into_iter().collect();
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&ending), Some(&mut before))?;
        let descriptor = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { descriptor, before })
    }

    /// The signal that has come, if any.
    #[allow(clippy::unused_self)] // Only where they are blocked do they stay pending.
    pub fn pending(&self) -> Option<Signal> {
        let mut set = SigSet::empty();
        // SAFETY: sigpending writes a whole sigset_t to the place it is given, which `set` outlives.
        let known = unsafe { libc::sigpending(std::ptr::from_mut(&mut set).cast::<libc::sigset_t>()) } == 0;
        ENDING.into_iter().find(|&signal| known && set.contains(signal))
    }
}

impl Signals {
    /// Ends `bootstrap` by `signal`, which has come. It comes back only where nothing ends by it: as process 1.
    #[allow(clippy::unused_self)] // Only where they are blocked is there one to let through.
    pub fn end_by(&self, signal: Signal) -> std::process::ExitCode {
        // It has the disposition that ends a process, and only waits to be let through.
        let only = SigSet::from(signal);
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&only), None);
        let _ = nix::sys::signal::raise(signal);
        // As a shell says it.
        std::process::ExitCode::from(128 + u8::try_from(signal as libc::c_int).unwrap_or(0))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// A program with its arguments and environment, as `execve` takes them.
pub struct Image {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Image {
    /// `arguments` begins with the program's name for itself. None may hold a NUL byte.
    pub fn new(path: &OsStr, arguments: &[OsString], environment: &[(OsString, OsString)]) -> io::Result<Self> {
        let text = |bytes: &[u8]| CString::new(bytes).map_err(io::Error::other);
        Ok(Self {
            path: text(path.as_bytes())?,
            arguments: arguments.iter().map(|word| text(word.as_bytes())).collect::<Result<_, _>>()?,
            environment: environment
                .iter()
                .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The same with these variables, each in place of the one that has its name.
    pub fn with(&self, variables: &[(String, OsString)]) -> io::Result<Self> {
        let text = |(name, value): &(String, OsString)| [name.as_bytes(), b"=", value.as_bytes()].concat();
        let added: Vec<_> = variables.iter().map(|one| CString::new(text(one))).collect::<Result<_, _>>()?;
        let names: HashSet<_> = variables.iter().map(|(name, _)| name.as_bytes()).collect();
        let is_replaced = |entry: &CString| {
            entry.as_bytes().split(|byte| *byte == b'=').next().is_some_and(|name| names.contains(name))
        };
        let kept = self.environment.iter().filter(|entry| !is_replaced(entry)).cloned();
        Ok(Self {
            path: self.path.clone(),
            arguments: self.arguments.clone(),
            environment: kept.chain(added).collect(),
        })
    }
}

/// Spawns `command` (its pipes, folder and process group; its program is not looked at) as `image`, with `mark`
/// (`NAME=value`) in its environment, too.
///
/// The child gets back the signal mask that `bootstrap` was started with, and dies when the calling *thread* ends
/// (`PR_SET_PDEATHSIG`, see prctl(2)): call it from a thread that lives as long as the child shall.
/// `execve` is called here because std's `execvp` hands a file that is no program to /bin/sh (ENOEXEC in exec(3)),
/// whose syntax errors would then stand where the reason should.
pub fn spawn(command: &mut Command, image: &Image, mark: &CStr, signals: &Signals) -> io::Result<Child> {
    let pointers =
        |words: &[CString]| -> Vec<usize> { words.iter().map(|word| word.as_ptr().addr()).chain([0]).collect() };
    let path = image.path.as_ptr().addr();
    let arguments = pointers(&image.arguments);
    let mut environment = pointers(&image.environment);
    environment.insert(0, mark.as_ptr().addr());
    let signal_mask = signals.before;
    let parent = nix::unistd::getpid();
    let become_the_program = move || {
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&signal_mask), None)?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        if nix::unistd::getppid() != parent {
            // The parent died before the line above: nothing would end this process any more.
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        // SAFETY: the three point to NUL-terminated strings, and to arrays of such that end with a null pointer, all
        // owned by `image` and `mark`, which outlive the spawn below.
        unsafe {
            libc::execve(
                path as *const libc::c_char,
                arguments.as_ptr().cast::<*const libc::c_char>(),
                environment.as_ptr().cast::<*const libc::c_char>(),
            );
        }
        Err(io::Error::last_os_error())
    };
    // SAFETY: between fork and exec the closure makes system calls only: it takes no lock and allocates nothing.
    unsafe { command.pre_exec(become_the_program) };
    command.spawn()
}

/// A descriptor that becomes readable when the process ends, without reaping it (Linux 5.3, `pidfd_open(2)`).
pub fn exit_descriptor(child: &Child) -> io::Result<OwnedFd> {
    process_descriptor(Pid::from_raw(child.id().cast_signed()))
}

/// A descriptor of a process: whoever has the process's number later, it stays this one's (Linux 5.3, `pidfd_open(2)`).
pub fn process_descriptor(process: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers, and what it returns is checked before it is taken for a descriptor.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(process.as_raw()), 0) };
    let descriptor = RawFd::try_from(descriptor).unwrap_or(-1);
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor (close-on-exec) for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends `signal` to the process of a descriptor (`pidfd_send_signal(2)`).
pub fn signal_process(process: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let (descriptor, signal) = (libc::c_long::from(process.as_raw_fd()), libc::c_long::from(signal as libc::c_int));
    // SAFETY: without a siginfo_t the call reads no memory.
    let done = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A file as it lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    device: u64,
    inode: u64,
    pub length: u64,
    /// Its kind and permissions (inode(7)).
    pub mode: u32,
}

impl Found {
    /// Which file it is: its device and inode.
    pub fn place(self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// What stands under a path; a link is not followed. Times are not asked for: whoever asks for them makes the next write to
/// the file dearer (`statx(2)`; since Linux 6.13 that write gets a time of its own).
pub fn look_at(path: &CStr) -> io::Result<Found> {
    let mut found = std::mem::MaybeUninit::<libc::statx>::zeroed();
    let wanted = libc::STATX_TYPE | libc::STATX_MODE | libc::STATX_INO | libc::STATX_SIZE;
    // SAFETY: the path ends with a NUL, and the kernel fills in one `statx`, which `found` has room for.
    if unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), libc::AT_SYMLINK_NOFOLLOW, wanted, found.as_mut_ptr()) } < 0
    {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is numbers only, all of them were zeroed, and the kernel has just written to it.
    let found = unsafe { found.assume_init() };
    Ok(Found {
        device: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        length: found.stx_size,
        mode: u32::from(found.stx_mode),
    })
}

/// How many bytes wait in a pipe. Works on either end, and after the other end was closed.
pub fn bytes_waiting(pipe: BorrowedFd<'_>) -> io::Result<usize> {
    let mut waiting: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the place it is given, which `waiting` is.
    if unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut waiting) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(waiting).unwrap_or(0))
}

/// Whether all other ends of a pipe are closed, and nothing waits in it.
pub fn has_ended(pipe: &OwnedFd) -> bool {
    now_at(pipe) == PollFlags::POLLHUP
}

/// Whether a read would not wait.
pub fn can_be_read(file: &OwnedFd) -> bool {
    now_at(file).contains(PollFlags::POLLIN)
}

fn now_at(file: &OwnedFd) -> PollFlags {
    let mut asked = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    let _ = poll(&mut asked, PollTimeout::ZERO);
    asked[0].revents().unwrap_or(PollFlags::empty())
}

/// Where there is less room than this, more is made.
const LEAST_ROOM: usize = 4 * 1024;

/// Reads once, at most `most` bytes, behind what `buffer` holds. 0 is the end of the file.
pub fn read_append(from: BorrowedFd<'_>, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    // The end of a file needs no room, and most reads find the end or little.
    if buffer.spare_capacity_mut().len() < LEAST_ROOM {
        buffer.reserve(most);
    }
    let spare = buffer.spare_capacity_mut();
    let most = most.min(spare.len());
    // SAFETY: `spare` is memory of ours of at least `most` bytes, and read writes no more than that.
    let got = unsafe { libc::read(from.as_raw_fd(), spare.as_mut_ptr().cast(), most) };
    let Ok(got) = usize::try_from(got) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: read has just initialised `got` bytes behind the old length.
    unsafe { buffer.set_len(buffer.len() + got) };
    Ok(got)
}

/// What a pipe holds by default (pipe(7)), and the most that is read at once.
pub const PIPE_SIZE: usize = 64 * 1024;

/// Keeps `number` from being used for anything of ours and from reaching the handler: a descriptor that the platform
/// passed is marked close-on-exec, a free number is filled with /dev/null.
pub fn reserve_descriptor(number: RawFd) {
    // SAFETY: fcntl on a number touches no memory; a number that is not open answers EBADF.
    let open = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } >= 0;
    if open {
        return;
    }
    if let Ok(null) = File::open("/dev/null") {
        if null.as_raw_fd() == number {
            std::mem::forget(null);
        } else {
            // SAFETY: `number` is not open, so nothing of ours is closed by it.
            unsafe { libc::dup3(null.as_raw_fd(), number, libc::O_CLOEXEC) };
        }
    }
}
