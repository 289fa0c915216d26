//! In which files a function may be: modules are found as AWS's own runtime for their language finds them, first in the task
//! root, then where that language's layers are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::adapters::{ALL, Adapter};
use super::sought::Sought;

/// A file that would have the function, if it is there.
#[derive(Debug)]
pub struct Module<'a> {
    pub adapter: &'static Adapter,
    pub file: PathBuf,
    pub function: &'a OsStr,
}

/// All files that `<file>.<name>` may mean: any dot of the last part of the path may be the one, the last one first; and then,
/// in Python, each dot a folder (`pkg.mod.f` is the function `f` in `pkg/mod.py`).
pub fn candidates(sought: &Sought) -> Vec<Module<'_>> {
    let adapters: Vec<_> =
        ALL.into_iter().filter(|adapter| sought.language.is_none_or(|it| it == adapter.language)).collect();
    let in_task_root: Vec<_> = adapters.iter().map(|adapter| (*adapter, vec![sought.task_root.clone()])).collect();
    let in_layers: Vec<_> = adapters.iter().map(|adapter| (*adapter, further_roots(adapter, sought))).collect();
    let mut modules = Vec::new();
    for (places, is_further) in [(in_task_root, false), (in_layers, true)] {
        let mut add = |stem: &Path, function, adapter: &'static Adapter, roots: &[PathBuf]| {
            // What is named by its whole path, or from here, is nowhere else.
            if is_further && (stem.is_absolute() || stem.starts_with(".") || stem.starts_with("..")) {
                return;
            }
            for (root, ending) in
                roots.iter().flat_map(|root| endings(adapter, sought).map(move |ending| (root, ending)))
            {
                if adapter.language != "Node.js" && begins_with_ending(function, &ending) {
                    continue;
                }
                let mut file = root.join(stem).into_os_string();
                file.push(ending);
                modules.push(Module { adapter, file: file.into(), function });
            }
        };
        for (stem, function) in stems(&sought.name) {
            for (adapter, roots) in &places {
                add(Path::new(stem), function, adapter, roots);
            }
        }
        if let Some((stem, function)) = dotted(&sought.name) {
            for (adapter, roots) in places.iter().filter(|(adapter, _)| adapter.language == "Python") {
                add(&stem, function, adapter, roots);
            }
        }
    }
    modules
}

/// Each way to divide a name into a file without its ending, and a function.
pub fn stems(name: &OsStr) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    let bytes = name.as_bytes();
    let last_part = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let dots = (last_part + 1..bytes.len()).rev().filter(move |&at| bytes[at] == b'.' && at + 1 < bytes.len());
    let divided = dots.map(move |dot| (OsStr::from_bytes(&bytes[..dot]), OsStr::from_bytes(&bytes[dot + 1..])));
    // No function has a space in its name, but a command line has.
    divided.filter(|(_, function)| !function.as_bytes().contains(&b' '))
}

/// `app.py.handler` means app.handler: no language but JavaScript has `py.handler` in app.py, and there it can be an object's.
fn begins_with_ending(function: &OsStr, ending: &str) -> bool {
    let ending = ending.strip_prefix('.').filter(|ending| !ending.is_empty());
    let rest = ending.and_then(|ending| function.as_bytes().strip_prefix(ending.as_bytes()));
    rest.is_some_and(|rest| rest.starts_with(b"."))
}

/// `pkg/mod` and `f` of `pkg.mod.f`.
fn dotted(name: &OsStr) -> Option<(PathBuf, &OsStr)> {
    let mut words: Vec<_> = name.as_bytes().split(|&byte| byte == b'.').map(OsStr::from_bytes).collect();
    let function = words.pop()?;
    let is_word = |word: &&OsStr| !word.is_empty() && !word.as_bytes().contains(&b'/');
    (words.len() > 1 && words.iter().all(is_word)).then(|| (words.iter().collect(), function))
}

/// Where else a language's modules are: its layers' folders, and what was installed beside the task root's own files.
pub fn further_roots(adapter: &Adapter, sought: &Sought) -> Vec<PathBuf> {
    let layers = &sought.layers;
    // The folder of each version of the language that there is.
    let versions = |folder: &str, inner: &str| {
        let mut found: Vec<_> = fs::read_dir(layers.join(folder)).into_iter().flatten().flatten().collect();
        found.sort_unstable_by_key(fs::DirEntry::file_name);
        found.into_iter().map(|version| version.path().join(inner)).filter(|folder| folder.is_dir()).collect::<Vec<_>>()
    };
    match adapter.language {
        "Python" => [vec![layers.join("python")], versions("python/lib", "site-packages")].concat(),
        "Node.js" => [
            vec![sought.task_root.join("node_modules"), layers.join("nodejs/node_modules")],
            versions("nodejs", "node_modules"),
        ]
        .concat(),
        "Ruby" => vec![layers.join("ruby/lib")],
        "bash" => vec![layers.join("bash")],
        _ => vec![layers.join("lisp")],
    }
}

/// What stands behind a module's name, in the order in which the language itself would take them.
fn endings(adapter: &'static Adapter, sought: &Sought) -> impl Iterator<Item = String> {
    let (before, behind): (&[&str], &[&str]) = match adapter.language {
        "Python" => (&["/__init__.py", "/__init__.pyc"], &[".pyc"]),
        // A file without an ending could be anything: which language it is must have been said.
        "Node.js" if sought.language.is_some() => (&[""], &["/index.js"]),
        "Node.js" => (&[], &["/index.js"]),
        _ => (&[], &[]),
    };
    let own = adapter.endings.iter().map(|ending| format!(".{ending}"));
    let whole = |words: &'static [&str]| words.iter().map(|&word| word.to_owned());
    whole(before).chain(own).chain(whole(behind))
}
