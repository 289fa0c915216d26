//! What to say of a name that nothing has: what it may have been meant to be, and every place that was looked in.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::adapters::{ALL, Adapter};
use super::entrypoint::{encoding, first_line, interpreter, is_program};
use super::modules::{self, Module};
use super::sought::Sought;
use crate::fault::Fault;

/// So much of a source file is looked at for its functions.
const LOOKED_AT: u64 = 256 * 1024;

/// More names than this are not compared.
const MOST_NAMES: usize = 1000;

/// The fault for a name that is no handler. `path` is the file that it would be.
pub fn nothing_found(path: &Path, candidates: &[Module<'_>], sought: &Sought) -> Fault {
    if path.is_file() && sought.language.is_none() {
        return no_program(path, sought);
    }
    let mut lines = vec![format!(
        "There is no handler {}. _HANDLER (the function's handler setting, or the first argument) names a program, or FILE.FUNCTION",
        sought.name.display()
    )];
    if path.is_dir() {
        lines.push(format!("{} is a folder: name a program in it", path.display()));
    }
    if let Some(advice) = with_arguments(sought) {
        lines.push(advice);
    } else if let Some(meant) = meant(path, sought) {
        lines.push(format!("Did you mean {meant}?"));
    }
    lines.push("Looked for:".to_owned());
    lines.extend(places(path, candidates, sought));
    Fault::handler_not_found(lines.join("\n"))
}

/// A file that is there, and cannot be run.
fn no_program(path: &Path, sought: &Sought) -> Fault {
    let but = encoding(path).map_or_else(String::new, |encoding| format!(", but with {encoding}"));
    let mut lines = vec![format!(
        "{} cannot be run: it is not executable (chmod +x it), and it does not begin with #! and an interpreter{but}",
        path.display()
    )];
    lines.extend(has_function(path, &sought.name.to_string_lossy()));
    Fault::invalid_entrypoint(lines.join("\n"))
}

/// A line for the program, for each language, and for `$PATH`.
fn places(path: &Path, candidates: &[Module<'_>], sought: &Sought) -> Vec<String> {
    let mut lines = vec![format!("  {}", path.display())];
    for adapter in ALL {
        let of_it = || candidates.iter().filter(|module| module.adapter.language == adapter.language);
        let in_task_root = of_it().filter_map(|module| module.file.strip_prefix(&sought.task_root).ok());
        let own = in_task_root.filter(|file| !file.starts_with("node_modules"));
        let own: Vec<_> = own.map(|file| file.display().to_string()).collect();
        if own.is_empty() {
            // What has a whole path of its own is in no root.
            let files: Vec<_> = of_it().map(|module| module.file.display().to_string()).collect();
            lines.extend((!files.is_empty()).then(|| format!("  {}: {}", adapter.language, files.join(", "))));
            continue;
        }
        let roots = std::iter::once(sought.task_root.clone()).chain(modules::further_roots(adapter, sought));
        let roots: Vec<_> = roots.map(|root| root.display().to_string()).collect();
        lines.push(format!("  {}: {} in {}", adapter.language, own.join(", "), roots.join(", ")));
    }
    if sought.language.is_none() && !sought.name.as_bytes().contains(&b'/') {
        lines.push(format!("  {} on the PATH ({})", sought.name.display(), sought.search_path.display()));
    }
    lines
}

/// A name that is a command line.
fn with_arguments(sought: &Sought) -> Option<String> {
    let name = sought.name.to_str()?;
    let (first, rest) = name.split_once(' ')?;
    let rest = rest.trim();
    let program = OsStr::new(first);
    let exists =
        sought.task_root.join(program).is_file() || sought.on_path(program).iter().any(|path| is_program(path));
    exists.then(|| {
        let quoted = rest.replace('\'', "'\\''");
        format!(
            "The name has arguments in it: say {first}, and HANDLER_ARGS='{quoted}' (on a shell: {first} -- {rest})"
        )
    })
}

/// What is there under a name like this one.
fn meant(path: &Path, sought: &Sought) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let given = sought.name.to_str()?;
    let before = given.strip_suffix(name).unwrap_or("");
    let mut best: Option<(usize, String)> = None;
    let mut offer = |distance: usize, meant: String| {
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, meant));
        }
    };
    for file in names_in(path.parent()?) {
        let there = path.with_file_name(&file);
        // To open a pipe may take for ever.
        if !there.is_file() {
            continue;
        }
        let runs = is_program(&there) || first_line(&there).as_deref().and_then(interpreter).is_some();
        if runs && let Some(distance) = likeness(name, &file) {
            offer(distance, format!("{before}{file}"));
        }
        let Some((adapter, stem)) = source(&file) else { continue };
        let functions = functions(&there, adapter);
        // The function may be right and the file not, or the other way round, or both be one word.
        for function in &functions {
            let full = format!("{stem}.{function}");
            if let Some(distance) = likeness(name, &full) {
                offer(distance, format!("{before}{full}"));
            }
        }
        if (name == stem || name.strip_suffix(&format!(".{}", file.rsplit('.').next()?)) == Some(stem))
            && let Some(function) = main_function(&functions)
        {
            offer(0, format!("{before}{stem}.{function}"));
        }
        let divided = name.rsplit_once('.').and_then(|(file_given, function)| {
            (file_given == file || likeness(file_given, stem).is_some()).then_some(function)
        });
        if let Some(function) = divided.filter(|function| functions.iter().any(|known| known == function)) {
            offer(1, format!("{before}{stem}.{function}"));
        }
    }
    if best.is_none() && !given.contains('/') && given.len() > 2 {
        let folders = std::env::split_paths(&sought.search_path);
        let programs = folders.flat_map(|folder| names_in(&folder));
        return programs.into_iter().find(|program| likeness(given, program) == Some(1));
    }
    best.map(|(_, meant)| meant)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_NAMES);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// How far a name is from what was given, if it is near: the same without its ending, in other case, or mistyped.
fn likeness(given: &str, name: &str) -> Option<usize> {
    let (given, name) = (given.to_ascii_lowercase(), name.to_ascii_lowercase());
    if given == name || name.rsplit_once('.').is_some_and(|(stem, _)| stem == given) {
        return Some(1);
    }
    let most = if given.chars().count() < 6 { 1 } else { 2 };
    let distance = distance(&given, &name);
    (distance <= most && given.chars().count() > 2).then_some(distance)
}

/// How many characters must be put in, taken out, replaced, or changed with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 || one.len() > 200 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
    for at in 1..=one.len() {
        let mut row = vec![at];
        for to in 1..=other.len() {
            let replaced = rows[at - 1][to - 1] + usize::from(one[at - 1] != other[to - 1]);
            let mut least = replaced.min(rows[at - 1][to] + 1).min(row[to - 1] + 1);
            if at > 1 && to > 1 && one[at - 1] == other[to - 2] && one[at - 2] == other[to - 1] {
                least = least.min(rows[at - 2][to - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// The language of a source file, and its name without the ending.
fn source(file: &str) -> Option<(&'static Adapter, &str)> {
    let (stem, ending) = file.rsplit_once('.')?;
    ALL.into_iter().find(|adapter| adapter.endings.contains(&ending)).map(|adapter| (adapter, stem))
}

/// What to say where a source file was named, and a function in it is meant.
fn has_function(path: &Path, name: &str) -> Option<String> {
    let (adapter, _) = source(path.file_name()?.to_str()?)?;
    let functions = functions(path, adapter);
    let function = main_function(&functions)?;
    let (stem, _) = name.rsplit_once('.')?;
    Some(format!("{name} has a function {function}: say {stem}.{function}"))
}

fn main_function(functions: &[String]) -> Option<&String> {
    let usual = ["handler", "lambda_handler", "main"];
    usual.iter().find_map(|usual| functions.iter().find(|name| name == usual)).or(functions.first())
}

/// The functions that a source file has at its top, as far as a look at each line tells.
fn functions(path: &Path, adapter: &Adapter) -> Vec<String> {
    let mut text = Vec::new();
    if File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut text)).is_err() {
        return Vec::new();
    }
    let before: &[&str] = match adapter.language {
        "Python" => &["def ", "async def "],
        "Ruby" => &["def "],
        "Node.js" => &["exports.", "module.exports.", "export const ", "export function ", "export async function "],
        "bash" => &["function ", ""],
        _ => &["(defun "],
    };
    let text = String::from_utf8_lossy(&text);
    let name = |line: &str| {
        let rest = before.iter().find_map(|before| line.strip_prefix(before))?;
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || !c.is_ascii() || matches!(c, '_' | '-' | '$')))
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let is_it = adapter.language != "bash" || line.starts_with("function ") || rest.trim_start().starts_with("()");
        (is_it && !name.is_empty()).then(|| name.to_owned())
    };
    text.trim_start_matches('\u{feff}').lines().filter_map(name).collect()
}
