//! The interpreters that take part: each the program itself, and no script of a version manager in its place, which would double a
//! start-up; with its path and its version.

use super::entry::peers;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Each with what a script in its place is asked to find out which program it starts, if it can tell.
const ALL: [(&str, &[&str]); 5] = [
    ("python3", &["-c", "import sys; print(sys.executable)"]),
    ("bash", &["-c", "echo $BASH"]),
    ("sbcl", &["--noinform", "--no-userinit", "--eval", "(progn (princ sb-ext:*runtime-pathname*) (exit))"]),
    ("php-cgi", &[]),
    ("curl", &[]),
];

/// The program of this name that all runtimes find on their PATH.
pub fn find(name: &str) -> Result<PathBuf, String> {
    let found = env::split_paths(search_path()).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| format!("{name} is not on the PATH; benches/run.sh installs it"))
}

/// The Python that has awslambdaric, then the folders of the interpreters, then the PATH of this program: so both sides have the same
/// interpreters.
pub fn search_path() -> &'static OsStr {
    static PATH: OnceLock<OsString> = OnceLock::new();
    PATH.get_or_init(|| {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![peers().join("python/bin")];
        for (name, question) in ALL {
            let folder = real(name, question, &path).and_then(|file| Some(file.parent()?.to_owned()));
            folders.extend(folder.filter(|folder| !folders.contains(folder)));
        }
        folders.extend(env::split_paths(&path));
        env::join_paths(folders).expect("a PATH")
    })
}

/// The first one on the PATH that is no script; or that which the script starts.
fn real(name: &str, question: &[&str], path: &OsStr) -> Option<PathBuf> {
    let files: Vec<_> = env::split_paths(path).map(|folder| folder.join(name)).filter(|file| file.is_file()).collect();
    if let Some(program) = files.iter().find(|file| !is_script(file)) {
        return Some(program.clone());
    }
    let output = Command::new(files.first().filter(|_| !question.is_empty())?).args(question).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim())).filter(|file| file.is_file())
}

fn is_script(file: &Path) -> bool {
    let mut start = [0; 2];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

/// The program that a name or a link leads to in the end, as documents may show it: where it lies in a folder of the system. A person's
/// own folders are nobody else's business.
pub fn shown(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    let of_system = ["/usr", "/bin", "/opt", "/lib"].iter().any(|folder| file.starts_with(folder));
    of_system.then(|| file.display().to_string())
}

/// The number in what a program says of its version: the first word with a dot and a digit, so `5.2.15(1)-release` is 5.2.15.
pub fn version(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let digits = |word: &str| word.trim_matches(|character: char| !character.is_ascii_digit()).to_owned();
    let number = text.split_whitespace().find(|word| word.contains('.') && digits(word).len() > 2).map(digits)?;
    Some(number.split(['(', '-']).next().unwrap_or_default().to_owned())
}
