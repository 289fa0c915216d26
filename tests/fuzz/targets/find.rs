//! `$_HANDLER`: any name is a program or a fault that says why not, by the table of what a name means.

use crate::handler::program::{Program, find};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The files of a task root, each with its mode and what it holds.
const FILES: [(&str, u32, &str); 16] = [
    ("app.py", 0o644, "def handler(event, context): return event\n"),
    ("app.js", 0o644, ""),
    ("pkg/mod.py", 0o644, ""),
    ("sub/app.sh", 0o644, "#!/bin/sh\n"),
    ("main.lisp", 0o644, ""),
    ("hello.ros", 0o644, "#!/bin/sh\n"),
    ("f.rb", 0o755, ""),
    ("run", 0o755, "#!/bin/sh\n"),
    ("lost", 0o644, "#!/bin/sh -e\n"),
    ("empty", 0o644, ""),
    ("data", 0o644, "\0\n"),
    ("bin/python3", 0o755, ""),
    ("bin/node", 0o755, ""),
    ("bin/sbcl", 0o755, ""),
    ("bin/bash", 0o644, ""),
    ("bin/tool", 0o755, ""),
];

fn task_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = std::env::temp_dir().join("lambda-stdio-fuzz-find");
        for (name, mode, content) in FILES {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // The content is always the same: others may do this at the same time.
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        root
    })
}

pub fn check(data: &[u8]) {
    let root = task_root();
    let found = find(OsStr::from_bytes(data), root, root.join("bin").as_os_str());
    let of = |wanted: &str| match &found {
        Ok(program) => panic!("{wanted}: {program:?}"),
        Err(fault) => assert_eq!(fault.error_type, wanted, "{}", fault.message),
    };
    if data.is_empty() || data.iter().any(u8::is_ascii_control) {
        return of("Runtime.MalformedHandlerName");
    }
    match &found {
        Ok(Program { path, arguments, folder, speaks_messages, .. }) => {
            let no_nul = |text: &OsStr| !text.as_bytes().contains(&0);
            assert!(no_nul(path.as_os_str()) && arguments.iter().all(|word| no_nul(word)));
            assert_eq!(folder, root);
            let is_lisp = data[0] == b'\'' || data.contains(&b'(');
            if is_lisp {
                assert_eq!(*path, root.join("bin/sbcl"));
                assert_eq!(
                    arguments[arguments.len() - 3..],
                    [OsStr::new("form"), OsStr::new(""), OsStr::from_bytes(data)]
                );
            }
            assert_eq!(*speaks_messages, is_lisp || arguments.len() > 2, "{} {arguments:?}", path.display());
            // A program is one that is there, or the interpreter that a file names.
            assert!(path.is_file() || arguments.len() == 1 || arguments.len() == 2, "{}", path.display());
        }
        Err(fault) => {
            assert!(matches!(fault.error_type.as_str(), "Runtime.HandlerNotFound" | "Runtime.InvalidEntrypoint"));
            assert!(!fault.message.is_empty());
        }
    }
}
