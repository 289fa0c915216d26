//! The targets, and whether they are met. A target that is missed stays what it is, and the table says by how much.

use super::answers::{self, Answer};
use super::figures::{megabytes, ratio};
use super::lineup::NODES;
use super::rounds::Result;
use super::sections::{Section, find};
use super::shipped;
use super::table::Table;
use std::time::Duration;

const SMALL: usize = 100;
const MEGABYTE: usize = 1_000_000;
const LARGE: usize = 6_000_000;

struct Targets(Table);

impl Targets {
    /// What was left out in this run has no row.
    fn add(&mut self, what: &str, limit: f64, unit: &str, measured: Option<f64>) {
        let Some(measured) = measured else { return };
        let met = if measured <= limit {
            "yes".to_owned()
        } else {
            format!("**no**, {:.0} % above", ((measured / limit - 1.0) * 100.0).max(1.0))
        };
        self.0.row([what.to_owned(), format!("{limit}{unit}"), ratio(measured) + unit, met]);
    }
}

pub fn section(events: &[Result], sizes: &[Result], answers: &[Answer]) -> Section {
    let mut targets = Targets(Table::new(["target", "at most", "measured", "met"]));
    let p50 = |one, other| over(events, SMALL, one, other, |result| result.p50);
    let start_up = |one, other| over(events, SMALL, one, other, |result| result.start_up);
    let millis = |name, of: fn(&Result) -> Duration| Some(of(find(events, name, SMALL)?).as_secs_f64() * 1e3);
    let micros = |name| Some(millis(name, |result| result.p50)? * 1e3);
    let memory = |results, size, kib: fn(&Result) -> u64| find(results, "bootstrap", size).map(kib).map(megabytes);
    targets.add("p50 of an event / of the floor", 1.15, "", p50("bootstrap", "floor"));
    targets.add("start-up / of the floor", 1.4, "", start_up("bootstrap", "floor"));
    targets.add("start-up of a Python function / with awslambdaric", 0.7, "", start_up("python", "awslambdaric"));
    targets.add("p50 of a Python function / with awslambdaric", 0.6, "", p50("python", "awslambdaric"));
    let encoding = "JSON of a Python function's answers of 1 MB / by awslambdaric";
    targets.add(encoding, 1.0, "", answers::of_a_megabyte(answers));
    for (here, theirs) in NODES {
        let release = here.trim_start_matches("node");
        let with = format!("of a Node.js {release} function / with aws-lambda-ric");
        targets.add(&format!("start-up {with}"), 0.85, "", start_up(here, theirs));
        targets.add(&format!("p50 {with}"), 0.6, "", p50(here, theirs));
    }
    targets.add("p50 of a bash function", 0.4, " ms", millis("bash", |result| result.p50));
    targets.add("p50 of a Lisp function on the layer", 70.0, " µs", micros("lisp"));
    targets.add("start-up of a Lisp function on the layer", 8.0, " ms", millis("lisp", |result| result.start_up));
    targets.add("p50 of a process per event, with standby", 200.0, " µs", micros("oneshot"));
    let large = over(sizes, LARGE, "bootstrap", "rust", |result| result.p50);
    targets.add("p50 of 6 MB / of the in-process Rust runtime", 0.8, "", large);
    targets.add("resident after the start", 1.5, " MB", memory(events, SMALL, |result| result.fresh));
    targets.add("resident after events of 1 MB", 4.5, " MB", memory(sizes, MEGABYTE, |result| result.resident));
    let bytes = |bytes: u64| megabytes(1) * f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1024.0;
    targets.add("the binary", 1.3, " MB", Some(bytes(shipped::size())));
    targets.add("the zip", 0.65, " MB", shipped::zip().map(bytes));
    Section::new("Targets", targets.0)
}

fn over(results: &[Result], size: usize, one: &str, other: &str, of: fn(&Result) -> Duration) -> Option<f64> {
    let (one, other) = (find(results, one, size)?, find(results, other, size)?);
    Some(of(one).as_secs_f64() / of(other).as_secs_f64())
}
