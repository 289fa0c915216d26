//! Folders for functions, and the interpreters that handlers are written for.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// A program's file that is open for writing in one thread is inherited by a child that another thread is just starting,
/// and for as long as that child has not called exec, running the program fails with "Text file busy". So files are written
/// and processes are started one at a time.
fn writing_or_spawning() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a process; every test does it here.
pub fn spawn(command: &mut Command) -> Child {
    let _lock = writing_or_spawning();
    command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// A new folder, deleted when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // No name may be the beginning of another: processes are found by it.
        let name = format!("lambda-stdio-it-{}-{}-", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().canonicalize().unwrap().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file with this mode, and the folders above it.
    pub fn write(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _lock = writing_or_spawning();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path).unwrap();
        file.write_all(content).unwrap();
    }

    /// Copies a file, mode and all.
    pub fn copy(&self, from: &Path, name: &str) {
        let _lock = writing_or_spawning();
        fs::copy(from, self.0.join(name)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The `bootstrap` under test: the one that this variable names, or the one that Cargo has built beside the tests.
pub fn bootstrap() -> &'static Path {
    static BOOTSTRAP: LazyLock<PathBuf> = LazyLock::new(|| {
        let named = std::env::var_os("LAMBDA_STDIO_BOOTSTRAP").filter(|path| !path.is_empty());
        let path = named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_bootstrap")), PathBuf::from);
        path.canonicalize().unwrap_or_else(|e| panic!("LAMBDA_STDIO_BOOTSTRAP={}: {e}", path.display()))
    });
    &BOOTSTRAP
}

/// Where programs are looked for: the system's own first, so that a version manager's wrapper scripts do not come first. A
/// folder in `LAMBDA_STDIO_FIRST` goes before all, for tests that are to run with another version of an interpreter.
pub fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let first = std::env::var("LAMBDA_STDIO_FIRST").map(|folder| format!("{folder}:")).unwrap_or_default();
    format!("{first}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{own}")
}

/// The path of an interpreter. A test that needs one that is missing fails, and says what to install.
#[track_caller]
pub fn need(program: &str) -> PathBuf {
    let found = search_path().split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        let package = match program {
            "awk" => "mawk",
            "musl-gcc" => "musl-tools",
            "node" => "nodejs",
            "objdump" => "binutils",
            "tclsh" => "tcl",
            other => other,
        };
        panic!("this test needs {program}: apt-get install {package}")
    })
}
