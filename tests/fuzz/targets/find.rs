//! `$_HANDLER`: any name is a program or a fault that says why not, by the table of what a name means.

use crate::handler::program::{Program, Sought, find};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The files of a task root, each with its mode and what it holds.
const FILES: [(&str, u32, &str); 17] = [
    ("my(1).sh", 0o755, "#!/bin/sh\n"),
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
    let named = Sought::named(OsStr::from_bytes(data).to_owned(), root.to_owned(), root.join("bin").into());
    let found = find(&Sought { layers: root.join("opt"), ..named });
    let of = |wanted: &str| match &found {
        Ok(program) => panic!("{wanted}: {program:?}"),
        Err(fault) => assert_eq!(fault.error_type, wanted, "{}", fault.message),
    };
    if data.is_empty() || data.iter().any(u8::is_ascii_control) {
        return of("Runtime.MalformedHandlerName");
    }
    match &found {
        Ok(Program { path, arguments, folder, speaks_messages, file, .. }) => {
            let no_nul = |text: &OsStr| !text.as_bytes().contains(&0);
            assert!(no_nul(path.as_os_str()) && arguments.iter().all(|word| no_nul(word)));
            assert_eq!(folder, root);
            let is_file = root.join(OsStr::from_bytes(data)).is_file();
            let is_lisp = !is_file && (data[0] == b'\'' || data.starts_with(b"#'") || data.contains(&b'('));
            assert_eq!(file.as_ref().is_some_and(|file| file.is_file()), !is_lisp);
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
