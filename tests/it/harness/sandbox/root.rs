//! What a sandbox's root is made of, step by step, before anybody makes it.

use super::super::files::search_path;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One step on the way to a root. Paths `at` begin in it.
pub enum Step {
    Folder {
        at: String,
    },
    /// An empty file, or one of so many bytes.
    File {
        at: String,
        size: usize,
    },
    Link {
        to: PathBuf,
        at: String,
    },
    /// Something of this machine's, with all that is mounted in it.
    Bind {
        from: PathBuf,
        at: String,
        writable: bool,
    },
    Tmpfs {
        at: String,
        options: String,
    },
    /// `/proc` in which one sees only one's own processes.
    HiddenProc {
        at: String,
    },
    ReadOnly {
        at: String,
    },
}

/// `/proc`, or what there is in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proc {
    #[default]
    All,
    /// Others' processes are hidden.
    Hidden,
    Absent,
}

/// `/tmp`, or what there is in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tmp {
    #[default]
    Folder,
    /// A file system in memory, with these options.
    InMemory(String),
    Absent,
}

/// The root that a function wants.
#[derive(Clone, Debug, Default)]
pub struct Root {
    /// Folders of the test's that are `/var/task` and `/tmp`.
    pub task: PathBuf,
    pub tmp: PathBuf,
    /// `bootstrap`, and what else is in `/opt`, by its name there.
    pub binary: PathBuf,
    pub more: Vec<(PathBuf, String)>,
    /// Folders of this machine that are where they are here.
    pub in_place: Vec<PathBuf>,
    /// A folder that is all of `/opt`, with `bootstrap` in it, as a layer is unpacked there.
    pub layer: Option<PathBuf>,
    pub proc: Proc,
    /// What `/tmp` is, if it is not the folder.
    pub tmpfs: Tmp,
    /// A `/dev/shm`, which Lambda has not.
    pub shm: Option<String>,
    /// Files there of so many bytes.
    pub filled: Vec<(String, usize)>,
    /// The task root is all that there is: it is the root.
    pub bare: bool,
}

/// Where profiles of coverage are written in a sandbox.
pub const PROFILES: &str = "/profiles";

/// Folders with interpreters that are not where Lambda's `PATH` leads. An interpreter is not alone in its folder, and needs what is
/// beside that.
pub static ELSEWHERE: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let programs = ["awk", "bash", "jq", "node", "perl", "python3", "ruby", "sbcl", "sh"];
    let is_usual = |folder: &str| ["/usr/local/bin", "/usr/bin", "/bin"].contains(&folder.trim_end_matches('/'));
    let path = search_path();
    let mut elsewhere: Vec<PathBuf> = Vec::new();
    for program in programs {
        let first = path.split(':').find(|folder| Path::new(folder).join(program).is_file());
        let folder = first.filter(|folder| !is_usual(folder)).and_then(|folder| Path::new(folder).canonicalize().ok());
        elsewhere.extend(folder.filter(|folder| !elsewhere.contains(folder)));
    }
    elsewhere
});

fn bind(from: impl Into<PathBuf>, at: &str) -> Step {
    Step::Bind { from: from.into(), at: at.to_owned(), writable: false }
}

fn folder(at: &str) -> Step {
    Step::Folder { at: at.to_owned() }
}

fn file(at: &str) -> Step {
    Step::File { at: at.to_owned(), size: 0 }
}

impl Root {
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.bare {
            steps.push(bind(&self.task, ""));
        } else {
            steps.push(Step::Tmpfs { at: String::new(), options: "mode=755".to_owned() });
            machine(&mut steps);
            steps.extend([folder("var"), folder("var/task"), bind(&self.task, "var/task")]);
            self.opt(&mut steps);
            if let Some(profiles) = &*super::PROFILES {
                let at = PROFILES.trim_start_matches('/').to_owned();
                steps.extend([folder(&at), Step::Bind { from: profiles.clone(), at, writable: true }]);
            }
            match self.proc {
                Proc::All => steps
                    .extend([folder("proc"), Step::Bind { from: "/proc".into(), at: "proc".into(), writable: true }]),
                Proc::Hidden => steps.extend([folder("proc"), Step::HiddenProc { at: "proc".into() }]),
                Proc::Absent => {}
            }
        }
        match &self.tmpfs {
            // Where the root is the task root, it may have no such folder.
            Tmp::Folder if self.bare && !self.task.join("tmp").is_dir() => {}
            Tmp::Folder => {
                if !self.bare {
                    steps.push(folder("tmp"));
                }
                steps.push(Step::Bind { from: self.tmp.clone(), at: "tmp".into(), writable: true });
            }
            Tmp::InMemory(options) => {
                steps.extend([folder("tmp"), Step::Tmpfs { at: "tmp".into(), options: options.clone() }]);
            }
            Tmp::Absent => {}
        }
        if !self.bare {
            // What lies in this machine's own `/tmp` would be behind that of the function.
            let elsewhere = ELSEWHERE.iter().filter_map(|folder| folder.parent()).map(Path::to_owned);
            for place in elsewhere.chain(self.in_place.iter().cloned()) {
                in_place(&mut steps, &place);
            }
        }
        if let Some(options) = &self.shm {
            steps.extend([folder("dev/shm"), Step::Tmpfs { at: "dev/shm".into(), options: options.clone() }]);
        }
        steps.extend(self.filled.iter().map(|(at, size)| Step::File { at: at.clone(), size: *size }));
        if !self.bare {
            steps.push(Step::ReadOnly { at: String::new() });
        }
        steps
    }

    fn opt(&self, steps: &mut Vec<Step>) {
        steps.push(folder("opt"));
        if let Some(layer) = &self.layer {
            steps.push(bind(layer, "opt"));
            return;
        }
        for (from, name) in &self.more {
            let at = format!("opt/{name}");
            steps.push(if from.is_dir() { folder(&at) } else { file(&at) });
            steps.push(bind(from, &at));
        }
        steps.extend([file("opt/bootstrap"), bind(&self.binary, "opt/bootstrap")]);
    }
}

/// A folder of this machine where it is here.
fn in_place(steps: &mut Vec<Step>, place: &Path) {
    let mut above: Vec<_> = place.ancestors().filter_map(|path| path.strip_prefix("/").ok()?.to_str()).collect();
    above.retain(|path| !path.is_empty());
    steps.extend(above.into_iter().rev().map(folder));
    steps.push(bind(place, place.strip_prefix("/").unwrap().to_str().unwrap()));
}

/// The programs of this machine, and the devices.
fn machine(steps: &mut Vec<Step>) {
    for entry in fs::read_dir("/").unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if !(["bin", "sbin", "usr", "etc"].contains(&name.as_str()) || name.starts_with("lib")) {
            continue;
        }
        if let Ok(to) = fs::read_link(&path) {
            steps.push(Step::Link { to, at: name });
        } else if path.is_dir() {
            steps.extend([folder(&name), bind(path, &name)]);
        }
    }
    steps.push(folder("dev"));
    for device in ["null", "zero", "full", "urandom", "random"] {
        let at = format!("dev/{device}");
        steps.extend([file(&at), Step::Bind { from: format!("/{at}").into(), at, writable: true }]);
    }
    for (name, to) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        steps.push(Step::Link { to: format!("/proc/self/fd{to}").into(), at: format!("dev/{name}") });
    }
}
