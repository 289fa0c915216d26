//! languages.txt: a paragraph of fields for each language. Its first lines say what they mean.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How a handler ends in auto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Loop,
    Oneshot,
}

/// A language, and the commands that run its handlers.
pub struct Language {
    pub name: String,
    /// Of its handlers' sources.
    pub folder: PathBuf,
    /// The programs that it needs.
    pub programs: Vec<String>,
    pub large: bool,
    pub build: Option<String>,
    pub naive: String,
    pub mode: Mode,
    pub filter: Option<String>,
    /// Why nobody can see that its filter waits for end-of-file: it gets that when its time is nearly up.
    pub late: Option<String>,
    /// The one line that makes a loop of it, and the handler that has it.
    pub cure: Option<(String, String)>,
    pub locale: Option<String>,
    /// What an event has, if it needs more than others.
    pub seconds: Option<u64>,
    /// Why not all is right.
    pub exception: Option<String>,
}

const FIELDS: &[&str] = &[
    "Language",
    "Folder",
    "Needs",
    "Large",
    "Build",
    "Loop",
    "Mode",
    "Filter",
    "Late",
    "Cure",
    "Cured",
    "Locale",
    "Seconds",
    "Exception",
];

/// Where the table and the handlers are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/languages")
}

/// All of them, in the order of the file.
pub fn read() -> Vec<Language> {
    let text = std::fs::read_to_string(folder().join("languages.txt")).unwrap();
    text.split("\n\n").map(fields).filter(|fields| !fields.is_empty()).map(language).collect()
}

fn fields(paragraph: &str) -> HashMap<String, String> {
    let lines = paragraph.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut fields = HashMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("languages.txt: not a field: {line}"));
        assert!(FIELDS.contains(&name), "languages.txt: there is no field {name}");
        let before = fields.insert(name.to_owned(), value.trim().to_owned());
        assert!(before.is_none(), "languages.txt: the field {name} is there twice: {line}");
    }
    fields
}

fn language(mut fields: HashMap<String, String>) -> Language {
    let name = fields.remove("Language").expect("languages.txt: a paragraph without a Language");
    let mut must = |field: &str| fields.remove(field).unwrap_or_else(|| panic!("languages.txt: {name} has no {field}"));
    let (directory, needs, naive, mode) = (must("Folder"), must("Needs"), must("Loop"), must("Mode"));
    let mode = match mode.as_str() {
        "loop" => Mode::Loop,
        "oneshot" => Mode::Oneshot,
        other => panic!("languages.txt: {name}: there is no mode {other}"),
    };
    let cure = match (fields.remove("Cure"), fields.remove("Cured")) {
        (Some(cure), Some(cured)) => Some((cure, cured)),
        (None, None) => None,
        _ => panic!("languages.txt: {name} has one of Cure and Cured"),
    };
    Language {
        folder: folder().join("handlers").join(directory),
        // A package behind the colon is for ./build.sh test.
        programs: needs.split_whitespace().map(|word| word.split(':').next().unwrap().to_owned()).collect(),
        large: fields.remove("Large").is_some(),
        build: fields.remove("Build"),
        naive,
        mode,
        filter: fields.remove("Filter"),
        late: fields.remove("Late"),
        cure,
        locale: fields.remove("Locale"),
        seconds: fields.remove("Seconds").map(|text| text.parse().expect("languages.txt: Seconds is a number")),
        exception: fields.remove("Exception"),
        name,
    }
}
