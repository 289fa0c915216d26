//! The floor and `bootstrap` for arm64, each in an emulated process on this machine (QEMU). benches/run.sh builds both. What they
//! ask of the kernel is asked of this one, and their handler is this machine's own: so it is the runtimes that are emulated, and
//! their ratio that counts. In `/proc` the handler's system calls have this machine's numbers, not arm64's, so that `bootstrap` cannot
//! see it wait: it is told not to look for long, and its start-up says nothing.

use super::entry::{Entry, Side, own, peers, there};
use super::figures::{ratio, time};
use super::interpreters;
use super::options::Options;
use super::rounds::{Effort, measure};
use super::sections::Section;
use super::table::Table;
use std::time::Duration;

const EMULATOR: &str = "qemu-aarch64-static";

pub fn all() -> Vec<Result<Entry, String>> {
    if std::env::consts::ARCH == "aarch64" {
        return Vec::new();
    }
    vec![
        emulated("arm64-floor", "the floor", Side::Floor, "floor"),
        emulated("arm64", "`bootstrap`, native program", Side::Here, "bootstrap")
            .map(|entry| entry.with("HANDLER_MODE", "loop").with("HANDLER_READY_TIMEOUT_MS", "20").quiet()),
    ]
}

fn emulated(name: &'static str, title: &'static str, side: Side, program: &str) -> Result<Entry, String> {
    let file = peers().join("arm64").join(program);
    there(&file)?;
    let emulator = interpreters::find(EMULATOR)?;
    Ok(Entry::other(name, title, side, &emulator)?.arguments(vec![file.into()]).with("_HANDLER", own("echo")))
}

/// Both, and how they compare.
pub fn section(entries: &[Entry], options: &Options) -> Section {
    let effort = Effort { starts: 1, warm_up: Duration::from_millis(500), time: options.time / 6 };
    let results = measure(entries, 100, effort);
    let mut table = Table::new(["", "p50", "× floor", "p99", "CPU/event"]);
    for result in &results {
        table.row([
            result.entry.title.to_owned(),
            time(result.p50),
            ratio(result.p50.as_secs_f64() / results[0].p50.as_secs_f64()),
            time(result.p99),
            time(result.cpu),
        ]);
    }
    Section::new("arm64 under emulation (QEMU), events of 100 B, on one processor", table)
}
