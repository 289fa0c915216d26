//! A user who is not root makes the sandbox in a namespace of users, where it is another one and may mount: by `unshare`, and
//! by a shell that then becomes `bootstrap`.

use super::super::files::{self, Folder, need, search_path};
use super::root::{Root, Step};
use super::{LIMIT, Start};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Who it is in there.
pub const USER: u32 = 993;

/// An empty folder, over which each mounts the root of its own.
static PLACE: LazyLock<Folder> = LazyLock::new(Folder::new);

fn unshare() -> Command {
    let mut command = Command::new(need("unshare"));
    command.args(["--user", &format!("--map-user={USER}"), &format!("--map-group={USER}")]);
    // With its capabilities it may mount; the last program before `bootstrap` lays them down.
    command.args(["--mount", "--propagation=private", "--keep-caps"]);
    command
}

/// Can it be had at all?
pub fn check() {
    let status = files::spawn(unshare().arg("true").stderr(Stdio::null())).wait().unwrap();
    assert!(
        status.success(),
        "the tests need root, or a kernel that lets users have namespaces (sysctl kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0)"
    );
}

/// What starts it in this root.
pub fn command(root: &Root, start: &Start) -> Command {
    let place = PLACE.path();
    let mut script = format!("ulimit -n {LIMIT}; ulimit -u {LIMIT}\n");
    for step in root.steps() {
        script += &line(&step, place);
    }
    let mut command = unshare();
    command.arg(need("bash")).args(["-ec", &format!("{script}exec \"$@\""), "bash"]);
    // The shell has variables of its own, which are not Lambda's.
    command.arg(need("env")).arg("-i");
    command.args(start.environment.iter().map(|(name, value)| {
        let mut setting = std::ffi::OsString::from(name);
        setting.push("=");
        setting.push(value);
        setting
    }));
    command.arg(need("chroot")).arg(place);
    // Where there is nothing but the function, nothing can take its capabilities, which are for its own namespace alone.
    if !root.bare {
        command.arg(need("setpriv")).args(["--inh-caps=-all", "--ambient-caps=-all"]);
        command.arg(need("env")).arg("-C").arg(&start.folder);
    }
    command.args(&start.words);
    command.env_clear().env("PATH", search_path()).current_dir("/");
    command
}

fn line(step: &Step, place: &Path) -> String {
    let quoted = |at: &str| quote(&place.join(at));
    let mut line = String::new();
    let _ = match step {
        Step::Folder { at } => writeln!(line, "mkdir -p {}", quoted(at)),
        Step::File { at, size } => writeln!(line, "head -c {size} /dev/zero > {}", quoted(at)),
        Step::Link { to, at } => writeln!(line, "ln -s {} {}", quote(to), quoted(at)),
        Step::Bind { from, at, writable } => {
            let _ = writeln!(line, "mount --rbind {} {}", quote(from), quoted(at));
            if *writable { Ok(()) } else { writeln!(line, "mount -o {},bind {}", read_only(from), quoted(at)) }
        }
        Step::Tmpfs { at, options } => {
            writeln!(line, "mount -t tmpfs -o {} none {}", quote(options.as_ref()), quoted(at))
        }
        // Only root can hide others in it.
        Step::HiddenProc { at } => writeln!(line, "mount --rbind /proc {}", quoted(at)),
        Step::ReadOnly { at } => writeln!(line, "mount -o remount,ro,bind {}", quoted(at)),
    };
    line
}

/// What is forbidden there outside remains forbidden, and has to be said again.
fn read_only(from: &Path) -> String {
    use nix::sys::statvfs::{FsFlags, statvfs};
    let has = statvfs(from).unwrap().flags();
    let mut options = "remount,ro".to_owned();
    for (flag, name) in [(FsFlags::ST_NOSUID, "nosuid"), (FsFlags::ST_NODEV, "nodev"), (FsFlags::ST_NOEXEC, "noexec")] {
        if has.contains(flag) {
            options += ",";
            options += name;
        }
    }
    options
}

fn quote(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', r"'\''"))
}
