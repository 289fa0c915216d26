//! The static binary: alone in an empty folder with a static handler, without a library, a shell, `/proc` or `/tmp`.

use crate::harness::{Function, Shell, need};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const HANDLER: &str = r#"
fn main() {
    for line in std::io::stdin().lines() {
        println!("{{\"echo\":{}}}", line.unwrap());
    }
}
"#;

/// A handler that needs nothing but the kernel, compiled once.
fn handler() -> &'static Path {
    static HANDLER_PATH: OnceLock<PathBuf> = OnceLock::new();
    HANDLER_PATH.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (source, program) = (folder.join("static-handler.rs"), folder.join("static-handler"));
        std::fs::write(&source, HANDLER).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
        let mut command = Command::new(rustc);
        command.args(["--edition=2024", "-C", "target-feature=+crt-static", "-o"]).arg(&program).arg(&source);
        let status = crate::harness::files::spawn(&mut command).wait().unwrap();
        assert!(status.success(), "{command:?}");
        program
    })
}

/// The release `bootstrap`, where it was built and is not older than the one under test; else that one.
fn bootstrap() -> PathBuf {
    let tested = PathBuf::from(env!("CARGO_BIN_EXE_bootstrap"));
    let release = tested.parent().unwrap().with_file_name("release").join("bootstrap");
    let age = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if age(&release) >= age(&tested) { release } else { tested }
}

#[test]
fn it_serves_a_runtime_api_from_an_empty_folder() {
    let function = Function::empty().copy(&bootstrap(), "bootstrap").copy(handler(), "handler").handler("handler");
    let mut command = Command::new(need("chroot"));
    command.arg(function.folder()).arg("/bootstrap");
    let function = function.env("LAMBDA_TASK_ROOT", "/").start_as(command);
    for number in 1..=3 {
        assert_eq!(function.call(number.to_string()).response_text(), format!("{{\"echo\":{number}}}"));
    }
}

#[test]
fn it_works_on_a_shell_from_an_empty_folder() {
    let shell = Shell::bare().copy(&bootstrap(), "bootstrap").copy(handler(), "handler").arg("handler");
    let (chroot, folder) = (need("chroot"), shell.folder().to_owned());
    let program = [chroot.as_os_str(), folder.as_os_str(), OsStr::new("/bootstrap")];
    shell.through(&program).stdin("1 2").run().expect_stdout("{\"echo\":1}\n{\"echo\":2}\n").expect_status(0);
}
