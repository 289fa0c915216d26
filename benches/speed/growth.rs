//! Cost of growth: the time and the memory over the size of the event, the number of workers, and the number of processes that the handler
//! is. All on one processor.

use super::entry::Entry;
use super::figures::{megabytes, memory, size, time};
use super::options::Options;
use super::picture::lines::{Chart, Series};
use super::rounds::{self, percentile};
use super::sections::{Section, find};
use super::table::Table;
use super::tree;
use super::workers::{Crowd, shared};
use std::time::Duration;

/// Of these runtimes with events of all sizes.
pub const RUNTIMES: [&str; 3] = ["floor", "bootstrap", "rust"];
const LABELS: [&str; 3] = ["floor", "bootstrap", "Rust in-process"];
const CLASSES: [&str; 3] = ["floor", "here", "other"];
const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const PROCESSES: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];

/// Adds the tables, and gives what the picture shows.
pub fn sections(
    entries: &[Entry],
    events: &[&rounds::Result],
    options: &Options,
    sections: &mut Vec<Section>,
) -> Vec<Chart> {
    let parts = [of_event(events), of_workers(entries, options), Some(of_handler())];
    let mut charts = Vec::new();
    for (section, of_it) in parts.into_iter().flatten() {
        sections.push(section.shown());
        charts.extend(of_it);
    }
    charts
}

/// From what has been measured of events of all sizes already.
fn of_event(sizes: &[&rounds::Result]) -> Option<(Section, Vec<Chart>)> {
    let mut all: Vec<_> = sizes.iter().filter(|one| one.entry.name == "bootstrap").map(|one| one.size).collect();
    all.sort_unstable();
    all.dedup();
    let mut table = Table::new([
        "event",
        "floor",
        "`bootstrap`",
        "Rust in-process",
        "floor, resident",
        "`bootstrap`, resident",
        "Rust, resident",
    ]);
    for &each in &all {
        let found = RUNTIMES.map(|name| find(sizes.iter().copied(), name, each));
        let cells = |of: fn(&rounds::Result) -> String| found.map(|one| one.map_or("–".to_owned(), of));
        let row = [size(each)].into_iter().chain(cells(|one| time(one.p50)));
        table.row(row.chain(cells(|one| memory(one.resident))));
    }
    let series = |of: fn(&rounds::Result) -> f64| {
        let points = |name| {
            all.iter().filter_map(|&each| Some((to_f64(each), of(find(sizes.iter().copied(), name, each)?)))).collect()
        };
        let one = |at: usize| Series { class: CLASSES[at], label: LABELS[at], points: points(RUNTIMES[at]) };
        [0, 1, 2].map(one).into_iter().filter(|series: &Series| !series.points.is_empty()).collect()
    };
    (!all.is_empty()).then(|| {
        let section = Section::new("Cost of growth: the size of the event. p50, and resident after it", table);
        let charts = vec![
            Chart::times("size of the event, bytes", series(|one| micros(one.p50))),
            Chart::memory(series(|one| megabytes(one.resident))),
        ];
        (section, charts)
    })
}

/// One event at a time, while all other workers are idle.
fn of_workers(entries: &[Entry], options: &Options) -> Option<(Section, Vec<Chart>)> {
    let find = |name: &str| entries.iter().find(|entry| entry.name == name).cloned();
    let kinds = [
        (find("bootstrap"), "here", "a process each"),
        (find("bootstrap").map(shared), "second", "one process for all"),
        (find("rust"), "other", "Rust in-process"),
    ];
    let window = options.time / 60;
    let mut table = Table::new([
        "workers",
        "a process each",
        "one process for all",
        "Rust in-process",
        "memory, a process each",
        "one for all",
        "Rust",
    ]);
    let mut rows: Vec<_> = WORKERS.iter().map(|workers| (workers.to_string(), Vec::new(), Vec::new())).collect();
    let (mut times, mut memories) = (Vec::new(), Vec::new());
    for (entry, class, label) in kinds {
        let (mut p50s, mut sums) = (Vec::new(), Vec::new());
        for (&workers, row) in WORKERS.iter().zip(&mut rows) {
            let Some(entry) = &entry else {
                row.1.push("–".to_owned());
                row.2.push("–".to_owned());
                continue;
            };
            let mut crowd = Crowd::start(&entry.clone().at_once(workers), workers);
            crowd.one_by_one(window / 4);
            let p50 = percentile(&mut crowd.one_by_one(window), 50);
            let sum = crowd.memory();
            row.1.push(time(p50));
            row.2.push(memory(sum));
            p50s.push((to_f64(workers), micros(p50)));
            sums.push((to_f64(workers), megabytes(sum)));
        }
        times.push(Series { class, label, points: p50s });
        memories.push(Series { class, label, points: sums });
    }
    for (workers, times, memories) in rows {
        table.row([workers].into_iter().chain(times).chain(memories));
    }
    let present = |all: Vec<Series>| all.into_iter().filter(|one| !one.points.is_empty()).collect::<Vec<_>>();
    let (times, memories) = (present(times), present(memories));
    (!times.is_empty()).then(|| {
        let section =
            Section::new("Cost of growth: the number of workers. p50 of one event while the others are idle", table);
        (section, vec![Chart::times("workers", times), Chart::memory(memories)])
    })
}

/// The processes that the handler is.
fn of_handler() -> (Section, Vec<Chart>) {
    let results = PROCESSES.map(tree::measure);
    let mut table =
        Table::new(["processes", "by itself", "start-up", "killed when its time is up", "at SIGTERM", "resident"]);
    for one in &results {
        table.row([
            one.processes.to_string(),
            time(one.alone),
            time(one.start_up),
            time(one.kill),
            time(one.shutdown),
            memory(one.memory),
        ]);
    }
    let series = |class, label, of: fn(&tree::Result) -> f64| Series {
        class,
        label,
        points: results.iter().map(|one| (to_f64(one.processes), of(one))).collect(),
    };
    let times = vec![
        series("floor", "by itself", |one| micros(one.alone)),
        series("here", "start-up", |one| micros(one.start_up)),
        series("other", "time-out", |one| micros(one.kill)),
        series("second", "SIGTERM", |one| micros(one.shutdown)),
    ];
    let memory = vec![series("here", "bootstrap", |one| megabytes(one.memory))];
    let section = Section::new("Cost of growth: the number of the handler's processes", table);
    (section, vec![Chart::times("processes of the handler", times), Chart::memory(memory)])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn to_f64(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
