//! `./build.sh`, run as users run it, and roots that have only what is in its zips and what Lambda has beside them.

use super::files::{Folder, bootstrap, need, search_path, spawn};
use super::function::Function;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long `build.sh` may take, in seconds: it may have to build the release binary on a slow machine.
const LIMIT: &str = "900";

/// A command line for `build.sh`, which is to write into `out/` in a folder of the test's.
pub struct Build {
    pub command: Command,
    pub folder: Folder,
}

/// What became of it.
pub struct Built {
    pub folder: Folder,
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Build {
    /// With these words behind `./build.sh`. Relative paths among them begin in the test's folder.
    pub fn new(words: &str) -> Self {
        Self::of(Path::new(env!("CARGO_MANIFEST_DIR")), words)
    }

    /// The same from another checkout.
    pub fn of(checkout: &Path, words: &str) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(need("timeout"));
        command.args(["-k1", LIMIT]).arg(checkout.join("build.sh")).args(words.split_whitespace());
        command.current_dir(folder.path()).env_clear().env("PATH", search_path());
        // Cargo's: where this test's own binary is, and what a user's settings would be.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        command.env("CARGO_TARGET_DIR", target);
        for variable in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            command.envs(std::env::var_os(variable).map(|value| (variable, value)));
        }
        Self { command, folder }
    }

    /// Packs the `bootstrap` under test, instead of building the release one.
    pub fn packing_the_tested(mut self) -> Self {
        self.command.arg("--bootstrap").arg(bootstrap());
        self
    }

    /// Another word, which may have blanks in it.
    pub fn word(mut self, word: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(word);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// A file in the test's folder.
    pub fn file(self, name: &str, content: &str, mode: u32) -> Self {
        self.folder.write(name, content.as_bytes(), mode);
        self
    }

    /// All programs are on the `PATH`, but for these.
    pub fn without(self, programs: &[&str]) -> Self {
        let path = self.folder.path().join("programs");
        fs::create_dir(&path).unwrap();
        for folder in search_path().split(':').filter(|folder| !folder.is_empty()) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if !programs.iter().any(|program| entry.file_name() == *program) {
                    // The first of a name counts.
                    let _ = symlink(entry.path(), path.join(entry.file_name()));
                }
            }
        }
        self.env("PATH", path)
    }

    #[track_caller]
    pub fn run(mut self) -> Built {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = spawn(&mut self.command).wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Built {
            folder: self.folder,
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// It must do what it was told.
    #[track_caller]
    pub fn succeed(self) -> Built {
        let built = self.run();
        assert_eq!(built.status, Some(0), "{}\n{}", built.stdout, built.stderr);
        built
    }

    /// It must fail with this in its last words, and leave nothing behind.
    #[track_caller]
    pub fn fail(self, message: &str) -> Built {
        let built = self.run();
        let said = format!("{}\n{}", built.stdout, built.stderr);
        assert_eq!(built.status, Some(1), "{said}");
        assert!(built.stderr.contains(&format!("build.sh: {message}")), "{message:?} is not said: {said}");
        assert!(!built.folder.path().join("out").exists(), "something was left behind: {said}");
        built
    }
}

impl Built {
    pub fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// The names in its `out/`.
    pub fn made(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("out")).unwrap().map(Result::unwrap);
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What it says to set on the function: `handler to`, or each `variable`.
    pub fn told(&self, what: &str) -> Vec<&str> {
        let beginning = format!("build.sh: set the {what} ");
        self.stdout.lines().filter_map(|line| line.strip_prefix(&beginning)).collect()
    }
}

/// Unpacks a zip into a folder, as its files' names and modes say.
#[track_caller]
pub fn unzip(zip: &Path, folder: &Path) {
    let mut command = Command::new(need("unzip"));
    command.args(["-q", "-o"]).arg(zip).arg("-d").arg(folder).env("LC_ALL", "C.UTF-8");
    let status = spawn(command.stdout(Stdio::null())).wait().unwrap();
    assert!(status.success(), "{command:?}");
}

/// A zip's entries, in order: `-rwxr-xr-x` and the name.
#[track_caller]
pub fn entries(zip: &Path) -> Vec<String> {
    let mut command = Command::new(need("unzip"));
    command.args(["-Z", "-s", "-T"]).arg(zip).env("LC_ALL", "C.UTF-8").stdout(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.contains(" unx "));
    lines
        .map(|line| {
            assert!(line.contains(" 19800101.000000 "), "its time is not zip's first: {line}");
            let name = line.split_once(" 19800101.000000 ").unwrap().1;
            format!("{} {name}", line.split(' ').next().unwrap())
        })
        .collect()
}

/// A function in a root of its own: Lambda's folders, the zips' files, and of the machine only glibc's loader, libc and libm,
/// and these programs with what they need.
#[track_caller]
pub fn on_lambda(function_zip: &Path, layer: Option<&Path>, programs: &[&str]) -> Function {
    let function = Function::empty();
    let root = function.folder().to_owned();
    for folder in ["tmp", "dev", "var/task", "opt"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    // As good as the device for who reads it.
    fs::write(root.join("dev/null"), "").unwrap();
    unzip(function_zip, &root.join("var/task"));
    if let Some(layer) = layer {
        unzip(layer, &root.join("opt"));
    }
    let libc = libraries(&need("bash")).into_iter().find(|path| path.ends_with("libc.so.6")).expect("a libc");
    let loader = libraries(&need("bash")).into_iter().find(|path| path.to_str().unwrap().contains("/ld-linux"));
    for file in [&libc, &libc.with_file_name("libm.so.6"), &loader.expect("a loader")] {
        bring(&root, file);
    }
    for program in programs {
        let path = need(program);
        bring(&root, &path);
        for library in libraries(&path) {
            bring(&root, &library);
        }
    }
    let place = ["/var/task/bootstrap", "/opt/bootstrap"].into_iter().find(|place| root.join(&place[1..]).exists());
    function.alone_at(place.expect("a zip with bootstrap in it"))
}

/// Copies a file into the root, to the path that it has here.
fn bring(root: &Path, file: &Path) {
    let place = root.join(file.strip_prefix("/").unwrap());
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(file, place).unwrap();
}

/// The shared libraries that a program of this machine's has, and its loader.
#[track_caller]
pub fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = spawn(Command::new(need("ldd")).arg(program).stdout(Stdio::piped())).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// A copy of what `build.sh` needs of this checkout, less the sources of `bootstrap`.
pub fn checkout() -> Folder {
    let copy = Folder::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["build.sh", ".build", "handlers", "examples"] {
        let mut command = Command::new(need("cp"));
        let status = spawn(command.arg("-R").arg(here.join(part)).arg(copy.path())).wait().unwrap();
        assert!(status.success(), "{command:?}");
    }
    copy
}
