//! How fast: `bootstrap`, a floor under it, and other people's runtimes, one event after another, side by side in one run.
//!
//! `benches/run.sh` installs what other people's runtimes need and runs this; `cargo bench` alone takes those that are there.
//! benches/README.md says what is measured and how.

mod contender;
mod echo;
mod event;
mod figures;
mod floor;
mod lineup;
mod machine;
mod options;
mod picture;
mod procfs;
mod rounds;
mod sections;
mod server;
mod table;
mod targets;
mod workers;
mod write;

use options::{Options, Part};
use std::time::Duration;

fn main() {
    // The floor and the native handlers are this program, too, by other names.
    let name = std::env::args().next().unwrap_or_default();
    match name.rsplit('/').next() {
        Some("floor") => floor::run(),
        Some("echo") => echo::line(Duration::ZERO),
        Some("wait") => echo::line(workers::WAIT),
        Some("filter") => echo::filter(),
        _ => measure(&Options::read()),
    }
}

fn measure(options: &Options) {
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    let mut web = Vec::new();
    for (list, entries) in [(lineup::all(), &mut entries), (lineup::web(), &mut web)] {
        for entry in list {
            match entry {
                Ok(entry) if options.wants(&entry) => entries.push(entry),
                Ok(_) => {}
                Err(what) => missing.push(what),
            }
        }
    }
    missing.dedup();
    for what in missing {
        eprintln!("{what}");
    }
    let machine = machine::describe();
    println!("{machine}\n");
    let everywhere = procfs::processors();
    let one = everywhere.rsplit([',', '-']).next().unwrap_or(&everywhere);

    procfs::pin(one);
    let mut sections = Vec::new();
    let (mut events, mut growth) = (Vec::new(), Vec::new());
    if options.has(Part::Events) {
        events = sections::events(&entries, options, &mut sections);
    }
    if options.has(Part::Growth) {
        growth = sections::growth(&entries, &events, options, &mut sections);
    }
    if options.has(Part::Web) {
        sections::web(&web, options, &mut sections);
    }
    procfs::pin(&everywhere);
    if options.has(Part::Processors) {
        sections::processors(&entries, options, &mut sections);
    }
    if options.has(Part::Workers) {
        sections.push(workers::section(&entries, options).shown());
    }
    sections.push(targets::section(&events, &growth).shown());
    if options.write {
        write::all(&machine, &sections, &events);
    }
}
