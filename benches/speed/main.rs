//! How fast: `bootstrap`, a floor under it, and other people's runtimes, one event after another, side by side in one run.
//!
//! `benches/run.sh` installs what other people's runtimes need and runs this; `cargo bench` alone takes those that are there.
//! benches/README.md says what is measured and how.

mod answers;
mod arm64;
mod contender;
mod echo;
mod entry;
mod event;
mod family;
mod figures;
mod floor;
mod growth;
mod interpreters;
mod lineup;
mod machine;
mod options;
mod picture;
mod procfs;
mod rounds;
mod sections;
mod server;
mod shipped;
mod table;
mod targets;
mod tree;
mod workers;
mod write;

use entry::Entry;
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
        Some("messages") => echo::messages(),
        Some("parent") => family::parent(),
        Some("member") => family::member(),
        _ => measure(&Options::read()),
    }
}

fn measure(options: &Options) {
    let [entries, web, arm64] = [lineup::all(), lineup::web(), arm64::all()].map(|list| wanted(list, options));
    let machine = machine::describe();
    println!("{machine}\n");
    let everywhere = procfs::processors();
    let one = everywhere.rsplit([',', '-']).next().unwrap_or(&everywhere);

    procfs::pin(one);
    let mut sections = Vec::new();
    let (mut events, mut sizes, mut encoded, mut charts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    if options.has(Part::Events) {
        events = sections::events(&entries, options, &mut sections);
    }
    if options.has(Part::Sizes) {
        sizes = sections::sizes(&entries, &events, options, &mut sections);
    }
    if options.has(Part::Web) {
        sections::web(&web, options, &mut sections);
    }
    if options.has(Part::Answers) {
        encoded = answers::measure();
        sections.push(answers::section(&encoded).shown());
    }
    if options.has(Part::Arm64) && !arm64.is_empty() {
        sections.push(arm64::section(&arm64, options).shown());
    }
    if options.has(Part::Growth) {
        let small = events.iter().filter(|result| result.size == 100).chain(&sizes).collect::<Vec<_>>();
        charts = growth::sections(&entries, &small, options, &mut sections);
    }
    procfs::pin(&everywhere);
    if options.has(Part::Processors) {
        sections::processors(&entries, options, &mut sections);
    }
    if options.has(Part::Workers) {
        sections.push(workers::section(&entries, options).shown());
    }
    sections.push(targets::section(&events, &sizes, &encoded).shown());
    if options.write {
        write::all(&machine, &sections, &events, &charts);
    }
}

/// Those that are there and wanted; says what is missing for the others.
fn wanted(list: Vec<Result<Entry, String>>, options: &Options) -> Vec<Entry> {
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for entry in list {
        match entry {
            Ok(entry) if options.wants(&entry) => entries.push(entry),
            Ok(_) => {}
            Err(what) => missing.push(what),
        }
    }
    missing.dedup();
    for what in missing {
        eprintln!("{what}");
    }
    entries
}
