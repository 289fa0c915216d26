//! What the kernel tells of processes: processor time, memory, and which processors they may use.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// A process and all its descendants.
pub fn tree(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let all: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let parents: Vec<(u32, u32)> =
        all.iter().filter_map(|&one| Some((one, stat(one)?.get(1)?.parse().ok()?))).collect();
    let mut tree = vec![pid];
    let mut at = 0;
    while let Some(&one) = tree.get(at) {
        tree.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(child, _)| *child));
        at += 1;
    }
    tree
}

/// The fields of /proc/PID/stat from the third on, behind the name.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// The processor time, user and system, of these processes and of their children that have ended. Threads that live are
/// counted to the nanosecond, children that have ended to the tick of 10 ms.
pub fn cpu(tree: &[u32]) -> Duration {
    tree.iter()
        .map(|&pid| {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            let live: Duration = tasks.map(|task| schedstat(&task.path().join("schedstat").to_string_lossy())).sum();
            let ticks = |field: usize| stat(pid).and_then(|fields| fields[field].parse().ok()).unwrap_or(0);
            live + Duration::from_millis(10 * (ticks(13) + ticks(14)))
        })
        .sum()
}

/// The processor time of the thread that asks.
pub fn own_cpu() -> Duration {
    schedstat("/proc/thread-self/schedstat")
}

fn schedstat(path: &str) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0))
}

/// The value of a field of /proc/PID/status in KiB: `VmRSS`, resident, or `VmHWM`, at its peak.
pub fn memory(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// KiB of memory that these processes have resident, where a page that n of them share counts as a nth for each.
pub fn shared_memory(tree: &[u32]) -> u64 {
    let pages = |&pid: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let value = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    tree.iter().map(pages).sum()
}

/// The processors that this process may use, in the words of taskset.
pub fn processors() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.expect("Cpus_allowed_list").trim().to_owned()
}

/// Keeps this process and all that it starts from now on to these processors.
pub fn pin(processors: &str) {
    let done = Command::new("taskset").args(["-pc", processors, &std::process::id().to_string()]).output();
    assert!(done.is_ok_and(|output| output.status.success()), "taskset of util-linux is needed");
}
