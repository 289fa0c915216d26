//! What `/proc` tells about a process: its children, its descriptors, its processor time, its memory.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The fields of `/proc/PID/stat` behind the name: the first is the state, the second the parent.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let behind_name = text.rsplit_once(") ")?.1;
    Some(behind_name.split_whitespace().map(str::to_owned).collect())
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The children of a process, zombies too, each with its state (`S`, `R`, `Z`).
pub fn children(parent: i32) -> Vec<(i32, char)> {
    let child = |pid| {
        let fields = stat(pid)?;
        (fields[1] == parent.to_string()).then(|| (pid, fields[0].chars().next().unwrap()))
    };
    pids().filter_map(child).collect()
}

/// Every living process in whose environment this text stands: all that was started for one test, orphans too.
pub fn with_environment(text: &str) -> Vec<i32> {
    let holds = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        memchr::memmem::find(&environment, text.as_bytes()).is_some()
    };
    pids().filter(holds).collect()
}

/// The number of open descriptors.
pub fn descriptors(pid: i32) -> usize {
    fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")).unwrap().count()
}

/// The number of threads.
pub fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

/// The tests' own descriptors that pass to every child: the three standard ones, and what a careless parent left open.
pub fn inheritable() -> Vec<i64> {
    let passes = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?.trim().to_owned();
        let flags = i32::from_str_radix(&flags, 8).ok()?;
        let close_on_exec = flags & nix::libc::O_CLOEXEC != 0;
        if close_on_exec { None } else { entry.file_name().to_str()?.parse().ok() }
    };
    fs::read_dir("/proc/self/fdinfo").unwrap().filter_map(|entry| passes(entry.unwrap())).collect()
}

/// Processor time that a process has used, in user mode and in the kernel.
pub fn processor_time(pid: i32) -> Duration {
    let fields = stat(pid).unwrap();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // USER_HZ is 100 on every Linux.
    Duration::from_millis(ticks * 10)
}

/// How often the threads of a process went to sleep: what does so often is polling.
pub fn naps(pid: i32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nap = |task: fs::DirEntry| status_field(&task.path().join("status"), "voluntary_ctxt_switches:");
    tasks.map(|task| nap(task.unwrap())).sum()
}

/// The most memory that a process has ever used, in bytes.
pub fn peak_memory(pid: i32) -> u64 {
    status_field(Path::new(&format!("/proc/{pid}/status")), "VmHWM:") * 1024
}

/// The memory that a process uses now, in bytes.
pub fn resident(pid: i32) -> u64 {
    status_field(Path::new(&format!("/proc/{pid}/status")), "VmRSS:") * 1024
}

/// The memory that a process has addresses for, in bytes: what a limit of them counts.
pub fn memory(pid: i32) -> u64 {
    status_field(Path::new(&format!("/proc/{pid}/status")), "VmSize:") * 1024
}

/// Whose process it is.
pub fn user(pid: i32) -> u64 {
    status_field(Path::new(&format!("/proc/{pid}/status")), "Uid:")
}

fn status_field(path: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
