//! Threads and processes that keep a time and never bring an answer about: those of a language's runtime, which wake up now and
//! then for its own ends, and timeout(1).

use std::path::Path;
use std::time::Duration;

use nix::unistd::Pid;

use super::proc;
use super::times;
use super::wait::Limit;

/// How long Go's monitor sleeps where the program has nothing to do and no timer (`sysmon` in its runtime). It is the exact
/// time from now on in a plain futex: the C libraries count from a clock's zero, or come to a broken number.
const GO_MONITOR: Duration = Duration::from_secs(60);

/// The threads of the Java virtual machine's own that wait with time-outs, by the 15 bytes that the kernel keeps of a name.
const JAVA: [&[u8]; 12] = [
    b"VM Periodic Tas",
    b"VM Thread",
    b"G1 Service",
    b"Monitor Deflati",
    b"Sweeper thread",
    b"C1 CompilerThre",
    b"C2 CompilerThre",
    b"Common-Cleaner",
    b"Service Thread",
    b"Reference Handl",
    b"Finalizer",
    b"process reaper",
];

/// Whether a thread that waits in a futex with a time-out is one.
pub fn is_one(process: Pid, thread: i32, limit: Limit, bytes: &mut Vec<u8>) -> bool {
    if let Limit::Timespec(address) = limit
        && times::duration(process, address, 1) == Some(GO_MONITOR)
    {
        return true;
    }
    let Ok(name) = proc::read(&format!("/proc/{process}/task/{thread}/comm"), bytes) else { return false };
    JAVA.contains(&name.trim_ascii_end()) && runs_java(process)
}

/// Whether the process is a Java virtual machine, by its program's name.
fn runs_java(process: Pid) -> bool {
    let Ok(program) = proc::link(&format!("/proc/{process}/exe")) else { return false };
    program.file_name().is_some_and(|name| name == "java")
}

/// Whether it is timeout(1), whose timer does nothing but end what it has started.
pub fn is_timeout(process: Pid) -> bool {
    let program = proc::link(&format!("/proc/{process}/exe"));
    program.is_ok_and(|program| [Path::new("/usr/bin/timeout"), Path::new("/bin/timeout")].contains(&program.as_path()))
}
