//! The floor and `bootstrap` for arm64, each in an emulated process on this machine (QEMU). benches/run.sh builds both. What they
//! ask of the kernel is asked of this one, and their handler is this machine's own: so it is the runtimes that are emulated, and
//! their ratio that counts.

use super::entry::{Entry, Side, own, peers, there};
use super::interpreters;

const EMULATOR: &str = "qemu-aarch64-static";

pub fn all() -> Vec<Result<Entry, String>> {
    if std::env::consts::ARCH == "aarch64" {
        return Vec::new();
    }
    vec![
        emulated("arm64-floor", "the floor", Side::Floor, "floor"),
        emulated("arm64", "`bootstrap`, native program", Side::Here, "bootstrap")
            .map(|entry| entry.with("HANDLER_MODE", "loop")),
    ]
}

fn emulated(name: &'static str, title: &'static str, side: Side, program: &str) -> Result<Entry, String> {
    let file = peers().join("arm64").join(program);
    there(&file)?;
    let emulator = interpreters::find(EMULATOR)?;
    Ok(Entry::other(name, title, side, &emulator)?.arguments(vec![file.into()]).with("_HANDLER", own("echo")))
}
