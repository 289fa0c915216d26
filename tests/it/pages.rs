//! The pages say all that there is: each variable that `bootstrap` reads, each error type that it reports, and nothing on them is
//! left from a time when there was less.

use crate::readme::read;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The product's sources.
fn sources() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap().map(Result::unwrap) {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("tests.rs") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(texts.len() > 50);
    texts
}

/// The words behind a quotation mark or backquote that begin like this and go on with such letters.
fn words(text: &str, beginning: &str, goes_on: fn(char) -> bool) -> BTreeSet<String> {
    let marks = ['"', '`', '\''];
    let after = |(at, _): (usize, &str)| text[..at].ends_with(marks).then(|| &text[at..]);
    let whole = |rest: &str| rest.split(|c: char| !goes_on(c)).next().unwrap().to_owned();
    text.match_indices(beginning).filter_map(after).map(whole).collect()
}

#[test]
fn each_variable_is_on_its_page() {
    let page = read("docs/variables.md");
    let upper = |c: char| c.is_ascii_uppercase() || c == '_';
    let mut found = BTreeSet::new();
    for text in sources() {
        for beginning in ["HANDLER_", "AWS_LAMBDA_"] {
            found.extend(words(&text, beginning, upper));
        }
    }
    assert!(found.len() > 12, "{found:?}");
    for name in found {
        assert!(page.contains(&format!("`{name}`")), "docs/variables.md lacks {name}");
    }
}

#[test]
fn each_error_type_is_on_its_page() {
    let page = read("docs/faults.md");
    let name = |c: char| c.is_ascii_alphabetic() || c == '.';
    let mut found = BTreeSet::new();
    for text in sources() {
        for beginning in ["Runtime.", "Function."] {
            found.extend(words(&text, beginning, name));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    for name in found {
        assert!(page.contains(&format!("`{name}`")), "docs/faults.md lacks {name}");
    }
}
