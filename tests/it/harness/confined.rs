//! `bootstrap` in want of something: of descriptors, processes or memory, of `/proc`, of a `/tmp` with room in it.
//!
//! Limits are set by a shell that then becomes `bootstrap`, so that the process under watch stays the same one. Folders are
//! taken away in a mount namespace of its own, in a root like a sandbox's: read-only but for `/tmp`, the function in
//! `/var/task`.

use super::files::{need, spawn};
use super::function::Function;
use super::procfs;
use super::running::Running;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What `root` may be given: the `/proc` of the tests.
pub const PROC: &str = "mkdir \"$root/proc\"; mount --rbind /proc \"$root/proc\";";

/// Another: a `/tmp` of 1 MB.
pub const TMP: &str = "mkdir \"$root/tmp\"; mount -t tmpfs -o size=1m,mode=1777 none \"$root/tmp\";";

const ROOT: &str = r#"
mkdir "$folder/root"
root=$folder/root
mount -t tmpfs -o mode=755 none "$root"
for entry in /bin /sbin /lib* /usr /etc /opt; do
  if [ -L "$entry" ]; then
    cp -P "$entry" "$root$entry"
  elif [ -d "$entry" ]; then
    mkdir "$root$entry"
    mount --rbind "$entry" "$root$entry"
  fi
done
mkdir -p "$root/dev" "$root/var/task"
for device in null zero full urandom random; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
: > "$root/bootstrap"
mount --bind "$bootstrap" "$root/bootstrap"
mount --bind "$folder" "$root/var/task"
"#;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_bootstrap");

impl Function {
    /// Starts the function behind these lines of shell, which may lower limits (`ulimit -n 32`).
    #[track_caller]
    pub fn start_behind(self, lines: &str) -> Running {
        let mut command = Command::new(need("sh"));
        command.args(["-c", &format!("set -e; {lines}; exec \"$@\""), "sh", BOOTSTRAP]);
        self.start_as(command)
    }

    /// Starts the function as a user who has nothing else running, and may have so many processes and threads. (The limit
    /// counts all of a user's, and does not bind root.)
    #[track_caller]
    pub fn start_with_processes(self, processes: u32) -> Running {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Other runs of the tests have other numbers, as far as there are any.
        let user = 20_000 + (std::process::id() * 16 + NEXT.fetch_add(1, Ordering::Relaxed)) % 40_000;
        let bootstrap = self.folder().join("bootstrap");
        // Where cargo puts it, another user may have no way.
        let function = self.copy(Path::new(BOOTSTRAP), "bootstrap");
        let mut command = Command::new(need("setpriv"));
        command.args(["--clear-groups", &format!("--reuid={user}"), &format!("--regid={user}")]);
        command.arg(need("prlimit")).arg(format!("--nproc={processes}")).arg("--").arg(bootstrap);
        function.start_as(command)
    }

    /// Starts the function in a root of its own, which has what these lines of shell put into `$root`.
    #[track_caller]
    pub fn start_in_root(self, lines: &str) -> Running {
        let script = format!(
            "set -e; folder=$1 bootstrap=$2; shift 2; {ROOT} {lines} mount -o remount,ro \"$root\"; exec chroot \"$root\" /bootstrap \"$@\""
        );
        let mut command = Command::new(need("unshare"));
        command.args(["--mount", "--propagation=private"]).arg(need("sh")).args(["-c", &script, "sh"]);
        command.arg(self.folder()).arg(BOOTSTRAP);
        let mark = self.folder().to_owned();
        self.env("LAMBDA_TASK_ROOT", "/var/task").without_env("TMPDIR").env("TEST_FOLDER", mark).start_as(command)
    }
}

impl Running {
    /// Sets a limit of `bootstrap` itself while it runs, and not those of what it has started (`nproc=1`: no more children).
    #[track_caller]
    pub fn limit(&self, limit: &str) {
        let user = procfs::user(self.pid());
        let mut command = Command::new(need("setpriv"));
        command.args(["--clear-groups", &format!("--reuid={user}"), &format!("--regid={user}")]);
        // Without the colon it could not be raised again.
        command.arg(need("prlimit")).args([format!("--pid={}", self.pid()), format!("--{limit}:")]);
        assert!(spawn(&mut command).wait().unwrap().success(), "{command:?}");
    }

    /// Leaves `bootstrap` so much memory beside what it has.
    #[track_caller]
    pub fn limit_memory(&self, megabytes: u64) {
        self.limit(&format!("as={}", procfs::memory(self.pid()) + (megabytes << 20)));
    }
}
