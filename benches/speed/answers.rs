//! How long the Python adapter takes to make JSON of answers, beside AWS's client: benches/python-answers.py measures it.

use super::entry::{peers, there};
use super::figures::ratio;
use super::lineup::beside;
use super::sections::Section;
use super::table::Table;
use std::process::Command;

/// What its rows for answers of 1 MB have in their names.
const MEGABYTE: &str = "1 MB";

/// One answer, with the ratio of the adapter's time to the client's: as Python 3.11 escapes what is not ASCII, and as later ones do not.
pub struct Answer {
    name: String,
    escaped: f64,
    plain: f64,
}

/// All of them; none where awslambdaric is not there.
pub fn measure() -> Vec<Answer> {
    let python = peers().join("python/bin/python3");
    if let Err(missing) = there(&python) {
        eprintln!("{missing}");
        return Vec::new();
    }
    let output = Command::new(&python).arg(beside("python-answers.py")).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut answers: Vec<Answer> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        // | name, how | AWS's time | ours | ratio |
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (Some(words), Some(ratio)) = (cells.first(), cells.last().and_then(|ratio| ratio.parse::<f64>().ok()))
        else {
            continue;
        };
        let Some((name, how)) = words.rsplit_once(", ") else { continue };
        let at = answers.iter().position(|answer| answer.name == name).unwrap_or_else(|| {
            answers.push(Answer { name: name.to_owned(), escaped: f64::NAN, plain: f64::NAN });
            answers.len() - 1
        });
        if how == "escaped" {
            answers[at].escaped = ratio;
        } else {
            answers[at].plain = ratio;
        }
    }
    answers
}

pub fn section(answers: &[Answer]) -> Section {
    let mut table =
        Table::new(["the adapter's time / awslambdaric's", "escaped, as up to 3.11", "as it is, from 3.12 on"]);
    for answer in answers {
        table.row([answer.name.clone(), ratio(answer.escaped), ratio(answer.plain)]);
    }
    Section::new("JSON of a Python function's answers", table)
}

/// The worst ratio of those with answers of 1 MB.
pub fn of_a_megabyte(answers: &[Answer]) -> Option<f64> {
    let of = answers.iter().filter(|answer| answer.name.contains(MEGABYTE));
    of.flat_map(|answer| [answer.escaped, answer.plain]).reduce(f64::max)
}
