//! What the READMEs say is so: every block of commands is run, and prints what stands below it.
//!
//! A block is one of these:
//! - `console`: lines with `$ ` before them are commands for bash, which go on in lines with `> `; the lines below each
//!   are its standard output;
//! - two words, `bash greet.sh`: a file of this name, which the commands find;
//! - `text`: no commands;
//! - `sh` beginning with `# Not run by the tests: `, and why.
//!
//! The section on the emulator needs three terminals, and has a test of its own, beside the other tests of the emulator.

use crate::examples;
use crate::harness::files::{self, Folder, need};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command's longest time, in seconds.
const LIMIT: &str = "60";

/// The heading of the section that `emulator::readme` checks.
pub const EMULATOR: &str = "## Try it on an emulator\n";

#[test]
fn the_readme_is_so() {
    check("README.md");
}

#[test]
fn the_examples_readmes_are_so() {
    for name in examples::names() {
        check(&format!("examples/{name}/README.md"));
    }
}

#[test]
fn the_handlers_documents_are_so() {
    assert!(handlers_documents().map(|document| check(&document)).count() > 0);
}

#[test]
fn the_documents_on_the_web_are_so() {
    check("docs/cgi.md");
    check("docs/mcp.md");
}

#[test]
fn every_link_leads_somewhere() {
    let examples = examples::names().into_iter().map(|name| format!("examples/{name}/README.md"));
    let own = ["README.md", "benches/README.md", "docs/cgi.md", "docs/mcp.md"].map(str::to_owned);
    for document in own.into_iter().chain(handlers_documents()).chain(examples) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&document);
        let text = fs::read_to_string(&path).unwrap();
        let links = text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{document} links to {link}, which is not there");
            if !place.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let found = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == place);
                assert!(found, "{document} links to {link}, but there is no such heading");
            }
        }
    }
}

/// What a heading is called in links.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|&character| character.is_alphanumeric() || character == '-').collect()
}

/// Every file in handlers/, by its path from the root.
fn handlers() -> Vec<String> {
    let mut folders = vec!["handlers".to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).read_dir().unwrap().map(Result::unwrap) {
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Its documents: a README.md in each folder that needs one, and others beside it.
fn handlers_documents() -> impl Iterator<Item = String> {
    handlers().into_iter().filter(|file| Path::new(file).extension().is_some_and(|ending| ending == "md"))
}

/// A folder that looks like a checkout after `./build.sh`.
pub fn checkout() -> Folder {
    let folder = Folder::new();
    for name in examples::names() {
        fs::create_dir_all(folder.path().join("examples").join(&name)).unwrap();
        for file in examples::files(&name) {
            folder.copy(&examples::root().join(&name).join(&file), &format!("examples/{name}/{file}"));
        }
    }
    for file in handlers() {
        fs::create_dir_all(folder.path().join(&file).parent().unwrap()).unwrap();
        folder.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(&file), &file);
    }
    fs::create_dir_all(folder.path().join("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_bootstrap"), folder.path().join("target/release/bootstrap")).unwrap();
    folder
}

pub fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// The section with this heading, to the next heading of its level.
pub fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let Some((_, from)) = text.split_once(heading) else { return "" };
    from.split_once("\n## ").map_or(from, |(section, _)| section)
}

/// Goes through one document, in a checkout.
fn check(document: &str) {
    let folder = checkout();
    let text = read(document);
    let elsewhere = section(&text, EMULATOR);
    let text =
        if elsewhere.is_empty() { text } else { text.replace(elsewhere, &"\n".repeat(elsewhere.lines().count())) };
    let mut commands = 0;
    for block in blocks(&text) {
        let place = format!("{document}:{}", block.line);
        match block.info.split(' ').collect::<Vec<_>>()[..] {
            ["console"] => commands += console(&folder, &block.text, &place),
            [_, file] => folder.write(file, block.text.as_bytes(), 0o644),
            ["text"] => {}
            ["sh"] if block.text.starts_with("# Not run by the tests: ") => {}
            _ => panic!("{place}: what is a block `{}`?", block.info),
        }
    }
    assert!(commands > 0, "{document} shows no command");
}

/// The commands of one block, each with what it prints.
pub fn steps(block: &str, place: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = block.split_inclusive('\n').collect();
    let step = |lines: &[&str]| {
        let Some(command) = lines[0].strip_prefix("$ ") else {
            panic!("{place}: output without a command: {}", lines[0])
        };
        let more: Vec<_> = lines[1..].iter().map_while(|line| line.strip_prefix("> ")).collect();
        (command.to_owned() + &more.concat(), lines[1 + more.len()..].concat())
    };
    lines.chunk_by(|_, next| !next.starts_with("$ ")).map(step).collect()
}

/// Runs the commands of one block; gives their number.
fn console(folder: &Folder, block: &str, place: &str) -> usize {
    let steps = steps(block, place);
    for (command, wanted) in &steps {
        let command = command.trim_end().replace("cargo run --release --", "target/release/bootstrap");
        let output = files::spawn(
            Command::new(need("timeout"))
                .args(["-k1", LIMIT, "bash", "-c", &command])
                .current_dir(folder.path())
                .env_clear()
                .env("PATH", files::search_path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        )
        .wait_with_output()
        .unwrap();
        let (seen, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(seen, *wanted, "{place}: {command}\nwith {} and on stderr:\n{log}", output.status);
    }
    steps.len()
}

/// A fenced block of a document.
pub struct Block {
    line: usize,
    pub info: String,
    pub text: String,
}

pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in document.split_inclusive('\n').enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, None) => {}
            (None, Some(info)) => {
                open = Some(Block { line: number + 1, info: info.trim_end().to_owned(), text: String::new() });
            }
            (Some(block), None) => block.text += line,
            (Some(_), Some(_)) => blocks.extend(open.take()),
        }
    }
    assert!(open.is_none(), "a block does not end");
    blocks
}
