//! The figures as they stand in the documents: tables between two comments each, and the picture.

use super::picture;
use super::rounds::Result;
use super::sections::Section;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- Written by benches/run.sh --write -->\n";
/// In the short table: what it is, p50, × floor, start-up, memory with the handler.
const SHORT: [usize; 5] = [0, 1, 2, 6, 9];
const END: &str = "<!-- Up to here -->\n";

/// The first table goes into docs/speed.md, with what most readers look for; all of them go into benches/README.md.
pub fn all(machine: &str, sections: &[Section], events: &[Result]) {
    let measured = wrap(&format!("Measured on {machine}."));
    let tables = sections.iter().map(|section| ["\n### ", &section.title, "\n\n", &section.table.markdown()].concat());
    let tables: String = tables.collect();
    write("docs/speed.md", &format!("{measured}\n{}", sections[0].table.short(&SHORT).markdown()));
    write("benches/README.md", &format!("{measured}{tables}"));
    replace("benches/speed.svg", &picture::draw(events));
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
