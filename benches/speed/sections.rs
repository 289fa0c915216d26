//! What is measured, part by part, and the tables that it makes.

use super::entry::Entry;
use super::figures::{count, memory, ratio, size, time};
use super::growth::RUNTIMES;
use super::options::Options;
use super::rounds::{Effort, Result, measure};
use super::table::Table;
use std::time::Duration;

/// A table with its heading.
pub struct Section {
    pub title: String,
    pub table: Table,
}

impl Section {
    pub fn new(title: impl Into<String>, table: Table) -> Self {
        Self { title: title.into(), table }
    }

    /// On the terminal, too.
    pub fn shown(self) -> Self {
        println!("{}\n\n{}", self.title, self.table.text());
        self
    }
}

pub fn find<'a>(results: impl IntoIterator<Item = &'a Result>, name: &str, size: usize) -> Option<&'a Result> {
    results.into_iter().find(|result| result.entry.name == name && result.size == size)
}

/// All of them with small events, on one processor.
pub fn events(entries: &[Entry], options: &Options, sections: &mut Vec<Section>) -> Vec<Result> {
    let effort = Effort { starts: 41, warm_up: Duration::from_millis(500), time: options.time };
    let results = measure(entries, options.size, effort);
    let mut table = Table::new([
        "",
        "p50",
        "× floor",
        "p99",
        "events/s",
        "CPU/event",
        "start-up",
        "resident",
        "peak",
        "with handler",
    ]);
    let floor = find(&results, "floor", options.size);
    for result in &results {
        table.row([
            result.entry.title.to_owned(),
            time(result.p50),
            floor.map_or("–".to_owned(), |floor| ratio(result.p50.as_secs_f64() / floor.p50.as_secs_f64())),
            time(result.p99),
            count(result.events_per_second),
            time(result.cpu),
            time(result.start_up),
            memory(result.resident),
            memory(result.peak),
            memory(result.with_handler),
        ]);
    }
    if let Some(floor) = floor {
        let server = ["the server, with the floor".to_owned(), time(floor.server)].into_iter();
        table.row(server.enumerate().fold(vec!["–".to_owned(); 10], |mut row, (at, cell)| {
            row[at * 5] = cell;
            row
        }));
    }
    sections.push(Section::new(format!("Events of {}, on one processor", size(options.size)), table).shown());
    results
}

/// Larger and larger events, on one processor.
pub fn sizes(entries: &[Entry], small: &[Result], options: &Options, sections: &mut Vec<Section>) -> Vec<Result> {
    let sizes = [100, 10_000, 1_000_000, 6_000_000];
    let mut results = Vec::new();
    for size in [100, 1000, 10_000, 100_000, 1_000_000, 6_000_000] {
        // Between those of the table, for the picture alone.
        let between = !sizes.contains(&size);
        let entries: Vec<_> = entries
            .iter()
            .filter(|entry| entry.largest >= size && entry.largest > 100_000 && find(small, entry.name, size).is_none())
            .filter(|entry| !between || RUNTIMES.contains(&entry.name))
            .cloned()
            .collect();
        let time = options.time / if between { 20 } else { 4 };
        let effort = Effort { starts: 1, warm_up: Duration::from_millis(200), time };
        if !entries.is_empty() {
            results.extend(measure(&entries, size, effort));
        }
    }
    let mut table = Table::new(["p50 of an event of", "100 B", "10 kB", "1 MB", "6 MB", "peak", "with handler"]);
    for entry in entries.iter().filter(|entry| entry.largest > 100_000) {
        let found = sizes.map(|size| find(small, entry.name, size).or_else(|| find(&results, entry.name, size)));
        let cell = |figure: Option<String>| figure.unwrap_or("–".to_owned());
        let mut row = vec![entry.title.to_owned()];
        row.extend(found.iter().map(|result| cell(result.map(|result| time(result.p50)))));
        row.push(cell(found[3].map(|result| memory(result.peak))));
        row.push(cell(found[3].map(|result| memory(result.with_handler))));
        table.row(row);
    }
    sections.push(Section::new("Larger events, on one processor; memory after those of 6 MB", table).shown());
    results
}

/// HTTP requests, on one processor.
pub fn web(entries: &[Entry], options: &Options, sections: &mut Vec<Section>) {
    let effort = Effort { starts: 5, warm_up: Duration::from_millis(500), time: options.time / 4 };
    let mut table = Table::new(["", "p50", "p99", "requests/s", "CPU/request", "start-up", "with handler"]);
    for result in measure(entries, 0, effort) {
        table.row([
            result.entry.title.to_owned(),
            time(result.p50),
            time(result.p99),
            count(result.events_per_second),
            time(result.cpu),
            time(result.start_up),
            memory(result.with_handler),
        ]);
    }
    sections.push(Section::new("HTTP requests, on one processor", table).shown());
}

/// The fastest ones on all processors.
pub fn processors(entries: &[Entry], options: &Options, sections: &mut Vec<Section>) {
    let entries: Vec<_> =
        entries.iter().filter(|entry| ["floor", "bootstrap", "rust"].contains(&entry.name)).cloned().collect();
    let effort = Effort { starts: 1, warm_up: Duration::from_millis(500), time: options.time / 6 };
    let mut table = Table::new(["", "p50", "p99", "events/s", "CPU/event"]);
    for result in measure(&entries, 100, effort) {
        table.row([
            result.entry.title.to_owned(),
            time(result.p50),
            time(result.p99),
            count(result.events_per_second),
            time(result.cpu),
        ]);
    }
    let number = std::thread::available_parallelism().map_or(1, usize::from);
    sections.push(Section::new(format!("Events of 100 B, on all processors ({number})"), table).shown());
}
