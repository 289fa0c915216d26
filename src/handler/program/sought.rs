//! What a handler is looked for by.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Where layers are unpacked.
const LAYERS: &str = "/opt";

/// A name, and what was said beside it.
#[derive(Clone, Debug)]
pub struct Sought {
    /// `$_HANDLER`, or the word that stood in its place.
    pub name: OsString,
    /// For the program that it names.
    pub arguments: Vec<OsString>,
    /// It is a function in this language, whatever files there are.
    pub language: Option<&'static str>,
    /// It is started in the handler's place.
    pub wrapper: Option<OsString>,
    pub task_root: PathBuf,
    /// `$PATH`.
    pub search_path: OsString,
    /// Where layers are.
    pub layers: PathBuf,
}

impl Sought {
    /// By a name alone.
    pub fn named(name: OsString, task_root: PathBuf, search_path: OsString) -> Self {
        let layers = LAYERS.into();
        Self { name, arguments: Vec::new(), language: None, wrapper: None, task_root, search_path, layers }
    }

    /// Where this file may be on `$PATH`.
    pub fn on_path(&self, name: &OsStr) -> Vec<PathBuf> {
        if name.as_bytes().contains(&b'/') {
            return Vec::new();
        }
        let folders = std::env::split_paths(&self.search_path);
        folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).collect()
    }
}
