//! The targets, and whether they are met.

use super::figures::{megabytes, ratio};
use super::rounds::Result;
use super::sections::{Section, find};
use super::table::Table;
use std::time::Duration;

const SMALL: usize = 100;
const LARGE: usize = 6_000_000;

pub fn section(events: &[Result], growth: &[Result]) -> Section {
    let mut table = Table::new(["target", "at most", "measured", "met"]);
    let mut add = |what: &str, limit: f64, unit: &str, measured: Option<f64>| {
        // What was left out in this run has no row.
        let Some(measured) = measured else { return };
        let met = if measured <= limit { "yes" } else { "**no**" };
        table.row([what.to_owned(), format!("{limit}{unit}"), ratio(measured) + unit, met.to_owned()]);
    };
    let p50 = |one, other| over(events, SMALL, one, other, |result| result.p50);
    let start_up = |one, other| over(events, SMALL, one, other, |result| result.start_up);
    let memory = |results, size, kib: fn(&Result) -> u64| find(results, "bootstrap", size).map(kib).map(megabytes);
    add("p50 of `bootstrap` / of the floor", 1.15, "", p50("bootstrap", "floor"));
    add("start-up of `bootstrap` / of the in-process Rust runtime", 2.0, "", start_up("bootstrap", "rust"));
    add("resident", 2.5, " MB", memory(events, SMALL, |result| result.resident));
    add(
        "p50 of 6 MB / of the in-process Rust runtime",
        1.0,
        "",
        over(growth, LARGE, "bootstrap", "rust", |one| one.p50),
    );
    add("peak after events of 6 MB", 16.0, " MB", memory(growth, LARGE, |result| result.peak));
    add("p50 of a Python function / with awslambdaric", 0.9, "", p50("python", "awslambdaric"));
    add("start-up of a Python function / with awslambdaric", 0.9, "", start_up("python", "awslambdaric"));
    add("p50 of a Node.js function / with aws-lambda-ric", 0.8, "", p50("node", "aws-lambda-ric"));
    add("start-up of a Node.js function / with aws-lambda-ric", 0.8, "", start_up("node", "aws-lambda-ric"));
    add("p50 of a process per event, with standby / without", 0.5, "", p50("oneshot", "oneshot-cold"));
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_bootstrap")).ok();
    add("the binary", 2.0, " MB", binary.map(|file| megabytes(file.len() / 1024)));
    Section::new("Targets", table)
}

fn over(results: &[Result], size: usize, one: &str, other: &str, of: fn(&Result) -> Duration) -> Option<f64> {
    let (one, other) = (find(results, one, size)?, find(results, other, size)?);
    Some(of(one).as_secs_f64() / of(other).as_secs_f64())
}
