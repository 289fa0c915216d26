//! The sandbox: `bootstrap` is started as Lambda starts it, and sees what it sees there.
//!
//! It is a user of its own without groups, in a root that is read-only but for `/tmp`: the function in `/var/task`, `bootstrap` in
//! `/opt` as a layer brings it, this machine's programs. 1,024 descriptors and 1,024 processes are all it may have. Root makes
//! such a root by a few system calls in the thread that starts the process, in some milliseconds; another user by a namespace
//! of users and a shell.

mod as_root;
mod as_user;
mod root;

pub use root::{Proc, Root, Tmp};

use super::files;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::geteuid;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where `bootstrap` is, the function, and all that may be written to.
pub const BOOTSTRAP: &str = "/opt/bootstrap";
pub const TASK_ROOT: &str = "/var/task";
pub const TMP: &str = "/tmp";

/// How many descriptors, and how many processes and threads.
const LIMIT: u64 = 1024;

/// Lambda's variables, as its documentation has them, but for those that are about one function or one test.
pub const VARIABLES: [(&str, &str); 18] = [
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]9a6cd0d54ff942bfab6e1fd1a1bb1ce3"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_SECRET_ACCESS_KEY", "example"),
    ("AWS_SESSION_TOKEN", "example"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("LAMBDA_TASK_ROOT", TASK_ROOT),
    ("LANG", "en_US.UTF-8"),
    ("LD_LIBRARY_PATH", "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
    ("TZ", ":UTC"),
];

/// Lambda's `PATH`, and where the languages' interpreters are on this machine if they are elsewhere.
pub fn path() -> String {
    let usual = PathBuf::from("/usr/local/bin:/usr/bin/:/bin:/opt/bin");
    // Another version of an interpreter goes before all.
    let (first, last) = if std::env::var_os("LAMBDA_STDIO_FIRST").is_some() {
        (&root::ELSEWHERE[..], &[][..])
    } else {
        (&[][..], &root::ELSEWHERE[..])
    };
    let all: Vec<_> = first.iter().chain([&usual]).chain(last).map(|folder| folder.display().to_string()).collect();
    all.join(":")
}

/// What these tests can have of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    AsRoot,
    AsUser,
}

static WAY: LazyLock<Way> = LazyLock::new(|| {
    let (way, user) = if geteuid().is_root() {
        // Root itself is not bound by the second, and who is started inherits both.
        setrlimit(Resource::RLIMIT_NOFILE, LIMIT, LIMIT).unwrap();
        setrlimit(Resource::RLIMIT_NPROC, LIMIT, LIMIT).unwrap();
        (Way::AsRoot, format!("{FIRST_USER} and up"))
    } else {
        as_user::check();
        (Way::AsUser, format!("{} as {}", geteuid(), as_user::USER))
    };
    let (arch, library, binary) = (std::env::consts::ARCH, c_library(), files::bootstrap().display());
    // As it is no macro's, the line is not kept back with a test's own.
    let _ = writeln!(std::io::stderr(), "sandbox: user {user}, root read-only, {arch}, {library}, binary {binary}");
    way
});

/// Where an instrumented `bootstrap` writes what it has run through, if coverage is to be measured: this variable names a folder
/// that all may write to, which is then in the sandbox, too.
static PROFILES: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let folder = std::env::var_os("LAMBDA_STDIO_PROFILES").filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).canonicalize().unwrap())
});

/// Its variable. The file is mapped into memory (`%c`): a process that is killed has written all the same.
fn profile(folder: &Path) -> (String, OsString) {
    ("LLVM_PROFILE_FILE".to_owned(), folder.join("%p-%m%c.profraw").into())
}

/// The same for a `bootstrap` that is in no sandbox.
pub fn profile_outside() -> Option<(String, OsString)> {
    PROFILES.as_deref().map(profile)
}

/// The C library that is in the binary under test. That of GNU has the names of its settings in it.
pub fn c_library() -> &'static str {
    let binary = std::fs::read(files::bootstrap()).unwrap();
    if memchr::memmem::find(&binary, b"glibc.malloc").is_some() { "GNU libc" } else { "musl" }
}

const FIRST_USER: u32 = 20_000;

/// A user who has nothing else running: the limit of processes counts all that are one user's.
fn next_user() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Other runs of the tests begin elsewhere, as far as there is room.
    FIRST_USER + (std::process::id().wrapping_mul(512) + NEXT.fetch_add(1, Ordering::Relaxed)) % 40_000
}

/// What is to be started: the words of a command line, whose paths are the sandbox's, with these variables in this folder.
pub struct Start {
    pub words: Vec<OsString>,
    pub environment: HashMap<String, OsString>,
    pub folder: PathBuf,
}

impl Start {
    /// The command, for `spawn`.
    pub fn command(&mut self, root: &Root) -> Command {
        if PROFILES.is_some() {
            self.environment.extend([profile(Path::new(root::PROFILES))]);
        }
        match *WAY {
            Way::AsRoot => {
                let mut command = Command::new(&self.words[0]);
                command.args(&self.words[1..]).env_clear().envs(&self.environment).current_dir(&self.folder);
                command
            }
            Way::AsUser => as_user::command(root, self),
        }
    }
}

/// Starts such a command.
#[track_caller]
pub fn spawn(root: &Root, command: &mut Command) -> Child {
    match *WAY {
        Way::AsRoot => as_root::spawn(root, command, next_user()),
        Way::AsUser => files::spawn(command),
    }
}

/// Whether others can be hidden in `/proc`: it takes root.
pub fn hides_processes() -> bool {
    *WAY == Way::AsRoot
}

/// A folder that all may write to, as `/tmp` is.
pub fn make_writable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).unwrap();
}
