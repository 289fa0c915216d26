//! docs/languages.md: the table in it is made of languages.txt by the run that has just tried each language, or is compared with
//! what is there. What stands around the table is written by hand.

use crate::Outcome;
use crate::table::{Language, Mode};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The switch that writes the table.
const WRITE: &str = "LAMBDA_STDIO_WRITE";

/// Its head.
const HEAD: &str = "| language | the naive loop | a filter | cure |\n|---|---|---|---|\n";

/// What a language's row says; the trial is what makes it true.
pub fn row(language: &Language) -> String {
    let naive = match (language.mode, &language.exception) {
        (_, Some(reason)) => format!("**{reason}**"),
        (Mode::Loop, None) => "loop".to_owned(),
        (Mode::Oneshot, None) => "oneshot".to_owned(),
    };
    let filter = match (&language.filter, &language.late) {
        (Some(_), Some(reason)) => format!("**late**: {reason}"),
        (Some(_), None) => "oneshot".to_owned(),
        (None, _) => String::new(),
    };
    let cure = language.cure.as_ref().map(|(cure, _)| format!("`{}`", cure.replace('|', "\\|"))).unwrap_or_default();
    let mark = if language.locale.is_some() { " †" } else { "" };
    format!("| {}{mark} | {naive} | {filter} | {cure} |", language.name)
}

/// Compares the page's table with what was tried, or writes it. A row of a language that was not tried, or not with success,
/// is left as it is.
pub fn check(all: &[Language], outcomes: &[Outcome]) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/languages.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (before, rest) = page.split_once(HEAD).ok_or("its table is not there")?;
    let end = rest.lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum();
    let (rows, after) = rest.split_at(end);
    let old: HashMap<&str, &str> = rows.lines().map(|row| (name(row), row)).collect();
    let tried = |language: &&Language| outcomes.iter().find(|outcome| outcome.name == language.name);
    let mut table = String::from(HEAD);
    for language in all {
        let row = match tried(&language) {
            Some(outcome) if outcome.wrong.is_empty() => Some(outcome.row.as_str()),
            _ => old.get(language.name.as_str()).copied(),
        };
        if let Some(row) = row {
            let _ = writeln!(table, "{row}");
        }
    }
    let wanted = format!("{before}{table}{after}");
    if std::env::var_os(WRITE).is_some_and(|value| value == "1") {
        return fs::write(&path, wanted).map_err(|error| error.to_string());
    }
    let differs = || {
        let new: Vec<_> = wanted.lines().filter(|line| !page.lines().any(|old| old == *line)).collect();
        format!("its table is not what was tried ({WRITE}=1 writes it):\n{}", new.join("\n"))
    };
    if wanted == page { Ok(()) } else { Err(differs()) }
}

/// The language of a row.
fn name(row: &str) -> &str {
    row.trim_start_matches("| ").split(" |").next().unwrap_or_default().trim_end_matches(" †")
}
