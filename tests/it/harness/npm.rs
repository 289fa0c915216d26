//! Packages from npm, and other versions of Node.js, for tests that stand behind `LAMBDA_STDIO_LARGE=1`: what they install
//! is too much for every run.

use super::files::{need, search_path};
use super::function::Function;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Whether the tests that install much are to run. They say so where they are not.
pub fn is_large() -> bool {
    let large = std::env::var_os("LAMBDA_STDIO_LARGE").is_some_and(|value| value == "1");
    if !large {
        eprintln!("this test installs much: LAMBDA_STDIO_LARGE=1 runs it");
    }
    large
}

/// A folder with these packages (`name@version`) in its `node_modules`, installed by the first who needs it.
#[track_caller]
pub fn packages(folder: &str, packages: &[&str]) -> PathBuf {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("npm").join(folder);
    let (list, installed) = (packages.join("\n"), path.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|text| text == list) {
        return path;
    }
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("package.json"), "{\"private\":true}").unwrap();
    let mut npm = Command::new(need("npm"));
    // Some build a native part, which npm asks for permission in newer versions.
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--dangerously-allow-all-scripts"]).args(packages);
    let output = npm.current_dir(&path).env("PATH", search_path()).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "npm install {packages:?} failed: {}", String::from_utf8_lossy(&told));
    fs::write(installed, list).unwrap();
    path
}

/// The folder of the program `node` of this major version.
#[track_caller]
pub fn node(major: u32) -> PathBuf {
    let version = format!("node@{major}");
    packages(&version, &[&version]).join("node_modules/node/bin")
}

impl Function {
    /// The program `node` of this major version is there, and comes first.
    #[track_caller]
    pub fn with_node(self, major: u32) -> Self {
        let folder = node(major);
        let path = format!("{}:{}", folder.display(), search_path());
        self.with_folder_in_place(folder.parent().unwrap()).env("PATH", path)
    }

    /// These packages are installed, in a folder of this name: its `node_modules` is given, too.
    #[track_caller]
    pub fn with_packages(self, folder: &str, names: &[&str]) -> (Self, PathBuf) {
        let modules = packages(folder, names).join("node_modules");
        (self.with_folder_in_place(&modules), modules)
    }
}
