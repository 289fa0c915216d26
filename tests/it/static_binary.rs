//! The static binary: alone in an empty folder with a static handler, without a library, a shell, `/proc` or `/tmp`.

use crate::harness::files::bootstrap;
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
        let name = |what: &str| folder.join(format!("static-handler-{}{what}", std::process::id()));
        let (source, made, program) = (name(".rs"), name(""), folder.join("static-handler"));
        std::fs::write(&source, HANDLER).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
        let mut command = Command::new(rustc);
        command.args(["--edition=2024", "-C", "target-feature=+crt-static", "-o"]).arg(&made).arg(&source);
        let status = crate::harness::files::spawn(&mut command).wait().unwrap();
        assert!(status.success(), "{command:?}");
        // Another run of the tests may be at the same point.
        std::fs::remove_file(source).unwrap();
        std::fs::rename(made, &program).unwrap();
        program
    })
}

#[test]
fn it_serves_a_runtime_api_from_an_empty_folder() {
    let function = Function::empty().copy(bootstrap(), "bootstrap").copy(handler(), "handler").handler("handler");
    let function = function.alone_at("/bootstrap").env("LAMBDA_TASK_ROOT", "/").start();
    for number in 1..=3 {
        assert_eq!(function.call(number.to_string()).response_text(), format!("{{\"echo\":{number}}}"));
    }
}

#[test]
fn it_works_on_a_shell_from_an_empty_folder() {
    let shell = Shell::bare().copy(bootstrap(), "bootstrap").copy(handler(), "handler").arg("handler");
    let (chroot, folder) = (need("chroot"), shell.folder().to_owned());
    let program = [chroot.as_os_str(), folder.as_os_str(), OsStr::new("/bootstrap")];
    shell.through(&program).stdin("1 2").run().expect_stdout("{\"echo\":1}\n{\"echo\":2}\n").expect_status(0);
}
