//! The tables in SECURITY.md: what is stated, each row with the tests that check it, and what was measured, which this writes.

use crate::harness::files::bootstrap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The switch that writes.
const WRITE: &str = "LAMBDA_STDIO_WRITE";

/// What stands around that which is written.
const BEGIN: &str = "<!-- measured by tests/it/bounds -->\n";
const END: &str = "<!-- up to here -->\n";

const HEAD: &str = "\
| way to talk | memory at the start | peak after larger events | processor time per MB, in and out | descriptors | threads | processes | log, plain: a second / per MB | log, JSON | end after SIGTERM | the same, of a deaf handler |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

/// A row of a table: its cells.
pub struct Row(pub Vec<String>);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

fn is_written() -> bool {
    std::env::var_os(WRITE).is_some_and(|value| value == "1")
}

/// Whether what is under test was made to ship: the debug build's processor time says nothing.
pub fn is_optimised() -> bool {
    bootstrap() != Path::new(env!("CARGO_BIN_EXE_bootstrap"))
}

/// What was measured, as it stands in the document.
pub fn table(rows: &[Row], more: &[Row]) -> String {
    let size = f64::from(u32::try_from(bootstrap().metadata().unwrap().len()).unwrap()) / f64::from(1 << 20);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (arch, library) = (std::env::consts::ARCH, crate::harness::sandbox::c_library());
    let lines = |rows: &[Row]| {
        rows.iter().fold(String::new(), |mut text, row| {
            let _ = writeln!(text, "| {} |", row.0.join(" | "));
            text
        })
    };
    format!(
        "The binary: {arch}, {library}, {size:.2} MB. The machine: {processors} processors.\n\n{HEAD}{}\n| | |\n|---|---|\n{}",
        lines(rows),
        lines(more)
    )
}

/// The first cells of a text's rows.
fn names(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    rows.filter_map(|row| row.trim_start_matches("| ").split(" | ").next()).collect()
}

/// Writes the table, or looks whether the document has the same rows: their figures are another machine's.
pub fn check(table: &str) {
    let document = document();
    let (before, rest) = document.split_once(BEGIN).expect("SECURITY.md has no place for what is measured");
    let (old, after) = rest.split_once(END).expect("SECURITY.md does not say where the table ends");
    if is_written() {
        assert!(is_optimised(), "{WRITE}=1 writes the figures of what ships: LAMBDA_STDIO_BOOTSTRAP names it");
        fs::write(root().join("SECURITY.md"), format!("{before}{BEGIN}\n{table}\n{END}{after}")).unwrap();
        return;
    }
    assert_eq!(names(old), names(table), "SECURITY.md has other rows: {WRITE}=1 writes them");
}

/// The rows of what is stated: the last cell of each names what checks it.
#[test]
fn each_bound_that_is_stated_names_tests_that_are_there() {
    let document = document();
    let (_, stated) = document.split_once("checked by |\n").expect("the table of bounds");
    let rows: Vec<_> = stated.lines().skip(1).take_while(|line| line.starts_with("| ")).collect();
    assert!(rows.len() >= 12, "{rows:?}");
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "nothing checks it: {row}");
        for test in named {
            let (module, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("{test} is no test: {row}"));
            let path = module.replace("::", "/");
            let files = ["tests/it", "src"].map(|folder| root().join(folder).join(format!("{path}.rs")));
            let source = files.iter().find_map(|file| fs::read_to_string(file).ok());
            let source = source.unwrap_or_else(|| panic!("there is no module {module}: {row}"));
            let is_test = source.contains(&format!("#[test]\nfn {name}()"))
                || source.contains(&format!("#[test]\n    fn {name}()"));
            assert!(is_test, "there is no test {test}: {row}");
        }
    }
}
