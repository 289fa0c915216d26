//! The figures as they stand in the documents: tables between two comments each, and the picture.

use super::figures::{memory, time};
use super::picture::{self, lines::Chart};
use super::rounds::Result;
use super::sections::{Section, find};
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- Written by benches/run.sh --write -->\n";
/// In the short table: what it is, p50, × floor, start-up, memory with the handler.
const SHORT: [usize; 5] = [0, 1, 2, 6, 9];
const GROWTH: &str = "Time and memory over the size of the event, the number of workers, and the handler's processes";
const END: &str = "<!-- Up to here -->\n";

/// The first table goes into docs/speed.md, with what most readers look for; all of them go into benches/README.md, and two sentences
/// into README.md.
pub fn all(machine: &str, sections: &[Section], events: &[Result], charts: &[Chart]) {
    let measured = wrap(&format!("Measured on {machine}."));
    let tables = sections.iter().map(|section| ["\n### ", &section.title, "\n\n", &section.table.markdown()].concat());
    let tables: String = tables.collect();
    write("docs/speed.md", &format!("{measured}\n{}", sections[0].table.short(&SHORT).markdown()));
    write("benches/README.md", &format!("{measured}\n![{GROWTH}](growth.svg)\n{tables}"));
    if let Some(text) = sentences(events) {
        write("README.md", &wrap(&text));
    }
    replace("benches/speed.svg", &picture::bars::draw(events));
    replace("benches/growth.svg", &picture::lines::draw(charts));
}

/// What README.md says of speed.
fn sentences(events: &[Result]) -> Option<String> {
    let [ours, here, theirs] = ["bootstrap", "python", "awslambdaric"].map(|name| find(events, name, 100));
    let (ours, here, theirs) = (ours?, here?, theirs?);
    Some(format!(
        "An event costs about {} beside your program's own time, and `bootstrap` has {} of memory. A Python function is answered in {}, \
         where AWS's own runtime takes {}. [Speed](docs/speed.md) has the table.",
        time(ours.p50),
        memory(ours.resident),
        time(here.p50),
        time(theirs.p50),
    ))
}

/// Lines of at most 120 characters.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < 120 => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Puts the text between the two comments of a document.
fn write(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let old = fs::read_to_string(path).expect(document);
    let parts = old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.unwrap_or_else(|| panic!("{document} has no place for figures: {BEGIN}{END}"));
    replace(document, &format!("{before}{BEGIN}\n{text}\n{END}{after}"));
}

/// Writes a file whole or not at all.
fn replace(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).expect(file);
    println!("written: {file}");
}
