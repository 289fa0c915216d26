//! What the READMEs and the pages in docs/ say is so: every block of commands is run, and prints what stands below it.
//!
//! A block is one of these:
//! - `console`: lines with `$ ` before them are commands for bash, which go on in lines with `> `; the lines below each
//!   are its standard output;
//! - two words, `bash greet.sh`: a file of this name, which the commands find;
//! - `text`: no commands;
//! - `sh` beginning with `# Not run by the tests`, and why; or with `# The tests run this`, and how: a test of its own does it;
//! - another language's name, on a page: an excerpt of a file.
//!
//! The page on the emulator needs three terminals, and has a test of its own, beside the other tests of the emulator; the page on
//! deploying shows files for many tools, and has one, too.

use crate::examples;
use crate::harness::files::{self, Folder, need};
use crate::harness::tools::{Background, free_port};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command's longest time, in seconds.
const LIMIT: &str = "60";

/// The page that `emulator::readme` checks.
pub const EMULATOR: &str = "docs/emulator.md";

/// The pages that other tests check.
const ELSEWHERE: [&str; 2] = [EMULATOR, "docs/deploying.md"];

/// How many words a reader in a hurry reads.
const LONGEST_README: usize = 2500;

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
fn the_pages_are_so() {
    let pages: Vec<_> = pages().into_iter().filter(|page| !ELSEWHERE.contains(&page.as_str())).collect();
    assert!(pages.iter().map(|page| run(page)).sum::<usize>() > 5, "{pages:?}");
}

#[test]
fn a_reader_in_a_hurry_finds_each_section_and_each_page() {
    let readme = read("README.md");
    let words = readme.split_whitespace().count();
    assert!(words < LONGEST_README, "the README has {words} words");
    let (contents, rest) = readme.split_once("\n## ").unwrap();
    for heading in format!("\n## {rest}").lines().filter_map(|line| line.strip_prefix("## ")) {
        let link = format!("({})", String::from("#") + &anchor(heading));
        assert!(heading == "License" || contents.contains(&link), "the contents lack {heading}");
    }
    for index in ["docs/README.md", "docs/SUMMARY.md"] {
        let text = read(index);
        for page in pages().iter().filter_map(|page| page.strip_prefix("docs/")) {
            let is_index = ["README.md", "SUMMARY.md"].contains(&page);
            assert!(is_index || text.contains(&format!("({page})")), "{index} lacks {page}");
        }
    }
}

#[test]
fn the_release_is_installed_as_the_readme_says() {
    let text = read("README.md");
    let block = blocks(&text).into_iter().find(|block| block.text.starts_with("# The tests run this")).unwrap();
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let release = Folder::new();
    release.copy(files::bootstrap(), "bootstrap");
    let mut zip = Command::new(need("zip"));
    zip.args(["-q1", &format!("lambda-stdio-{arch}.zip"), "bootstrap"]).current_dir(release.path());
    assert!(files::spawn(&mut zip).wait().unwrap().success());
    let port = free_port();
    let address = format!("http://127.0.0.1:{port}");
    let arguments = ["-u", "-m", "http.server", "--bind", "127.0.0.1", &port.to_string()];
    let server = Background::start(&need("python3"), &arguments, &[], release);
    server.wait_line("Serving HTTP");

    let place = "https://github.com/OWNER/lambda-stdio/releases/latest/download";
    assert!(block.text.contains(place), "{}", block.text);
    let commands = block.text.replace(place, &address);
    let home = Folder::new();
    need("curl");
    need("unzip");
    let output = files::spawn(
        Command::new(need("timeout"))
            .args(["-k1", LIMIT, "sh", "-ec", &format!("{commands}\ncommand -v lambda-stdio; lambda-stdio --version")])
            .current_dir(home.path())
            .env_clear()
            .envs([("HOME", home.path().as_os_str()), ("PATH", files::search_path().as_ref())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )
    .wait_with_output()
    .unwrap();
    let wanted =
        format!("{}/.local/bin/lambda-stdio\nlambda-stdio {}\n", home.path().display(), env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_link_leads_somewhere() {
    let examples = examples::names().into_iter().map(|name| format!("examples/{name}/README.md"));
    let own =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md", "examples/README.md"];
    let own = own.map(str::to_owned).into_iter().chain(pages());
    for document in own.chain(handlers_documents()).chain(examples) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&document);
        let text = fs::read_to_string(&path).unwrap();
        let links = text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap());
        // What is on the forge beside the files is not here.
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with("../../actions/")) {
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

/// The pages in docs/, by their paths from the root.
fn pages() -> Vec<String> {
    let entries = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").read_dir().unwrap().map(Result::unwrap);
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let name = |path: PathBuf| format!("docs/{}", path.file_name().unwrap().to_str().unwrap());
    let mut pages: Vec<_> = paths.map(name).collect();
    pages.sort();
    pages
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

/// Where `lambda-stdio` is on the `PATH` of a checkout.
const INSTALLED: &str = "target/path";

/// A folder that looks like a checkout after `./build.sh`, with the program installed.
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
    fs::create_dir_all(folder.path().join(INSTALLED)).unwrap();
    for place in ["target/release/bootstrap", "target/path/lambda-stdio"] {
        symlink(files::bootstrap(), folder.path().join(place)).unwrap();
    }
    folder
}

pub fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// Goes through one document, in a checkout.
fn check(document: &str) {
    assert!(run(document) > 0, "{document} shows no command");
}

/// Runs what a document shows; gives the number of its commands.
fn run(document: &str) -> usize {
    let folder = checkout();
    let mut commands = 0;
    for block in blocks(&read(document)) {
        let place = format!("{document}:{}", block.line);
        match block.info.split(' ').collect::<Vec<_>>()[..] {
            ["console"] => commands += console(&folder, &block.text, &place),
            [_, file] => folder.write(file, block.text.as_bytes(), 0o644),
            ["text"] => {}
            ["sh"]
                if ["# Not run by the tests", "# The tests run this"].iter().any(|why| block.text.starts_with(why)) => {
            }
            [language] if document.starts_with("docs/") && !["", "sh"].contains(&language) => {}
            _ => panic!("{place}: what is a block `{}`?", block.info),
        }
    }
    commands
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
                .env("PATH", format!("{}:{}", folder.path().join(INSTALLED).display(), files::search_path()))
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
