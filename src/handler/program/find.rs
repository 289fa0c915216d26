//! What `$_HANDLER` means: from a name to a program that can be started, or a fault that says where was looked.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::adapters::{self, Adapter, Entry};
use super::entrypoint::{Program, first_line, interpreter};
use crate::config;
use crate::fault::Fault;
use crate::log;

/// Finds the program that `name` stands for. Relative names are looked for in `task_root`, then on `search_path`
/// (`$PATH`).
pub fn find(name: &OsStr, task_root: &Path, search_path: &OsStr) -> Result<Program, Fault> {
    check_name(name)?;
    let adapted = |entry: &Entry<'_>| adapted(entry, task_root, search_path);
    // 'f and #'f are forms as much as (load"main")'f is.
    if [&b"'"[..], b"#'"].iter().any(|quote| name.as_bytes().starts_with(quote)) || name.as_bytes().contains(&b'(') {
        return adapted(&Entry::LispForm { form: name });
    }
    let path = task_root.join(name);
    let program = |path: PathBuf, arguments| {
        Ok(Program { path, arguments, folder: task_root.to_owned(), speaks_messages: false, variables: &[] })
    };
    let exists = path.is_file();
    if exists && path.extension() == Some(OsStr::new("ros")) {
        return adapted(&Entry::RoswellScript { file: &path });
    }
    if exists && is_executable(&path) {
        return program(path, Vec::new());
    }
    if exists && let Some((interpreter, mut arguments)) = first_line(&path).as_deref().and_then(interpreter) {
        log::warn(format_args!(
            "{} is not executable, so its first line's {} is run on it; chmod +x it to end this warning",
            path.display(),
            interpreter.display()
        ));
        arguments.push(path.into());
        return program(interpreter, arguments);
    }
    let sources: Vec<_> = source_files(name, task_root).collect();
    // `main.py` is no function `py` of itself.
    let source = sources.iter().find(|(_, source, _)| source.is_file() && *source != path);
    if let Some((adapter, file, name)) = source {
        return adapted(&Entry::Function { adapter, file, name });
    }
    let on_path = on_path(name, search_path);
    if let Some(path) = on_path.iter().find(|path| path.is_file() && is_executable(path)) {
        return program(path.clone(), Vec::new());
    }
    if exists {
        return Err(Fault::invalid_entrypoint(format!(
            "{} cannot be run: it is not executable (chmod +x it), and it does not begin with #! and an interpreter",
            path.display()
        )));
    }
    let sources = sources.iter().map(|(_, source, _)| source);
    let looked = std::iter::once(&path).chain(sources).chain(&on_path).map(|path| path.display().to_string());
    let looked: Vec<_> = looked.collect();
    Err(Fault::handler_not_found(format!(
        "There is no handler {}. _HANDLER (the function's handler setting, or the first argument) names a program, or FILE.FUNCTION. Looked for: {}",
        name.display(),
        looked.join(", ")
    )))
}

fn check_name(name: &OsStr) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::malformed_handler_name(
            "The handler's name is empty: set _HANDLER (the function's handler setting, or the first argument) to a program in the task root",
        ));
    }
    if name.as_bytes().iter().any(u8::is_ascii_control) {
        return Err(Fault::malformed_handler_name(format!(
            "The handler's name {:?} has control characters: set _HANDLER to a program in the task root",
            name.to_string_lossy()
        )));
    }
    Ok(())
}

/// The adapter's interpreter, set to run `entry`.
fn adapted(entry: &Entry<'_>, task_root: &Path, search_path: &OsStr) -> Result<Program, Fault> {
    let (adapter, arguments) = adapters::command(entry, config::function_memory());
    let on_path = on_path(OsStr::new(adapter.interpreter), search_path);
    let interpreter = on_path.iter().find(|path| path.is_file() && is_executable(path)).ok_or_else(|| {
        Fault::invalid_entrypoint(format!(
            "A handler in {} needs {}, which is not on the PATH ({}): bring it in the image or in a layer",
            adapter.language,
            adapter.interpreter,
            search_path.display()
        ))
    })?;
    Ok(Program {
        path: interpreter.clone(),
        arguments,
        folder: task_root.to_owned(),
        speaks_messages: true,
        variables: adapter.variables,
    })
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

/// The source files that `<file>.<name>` may mean, each with its adapter and the name in it: any dot of the last part
/// of the path may be the one, the last one first.
fn source_files<'a>(
    name: &'a OsStr,
    task_root: &'a Path,
) -> impl Iterator<Item = (&'static Adapter, PathBuf, &'a OsStr)> {
    let bytes = name.as_bytes();
    let last_part = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let dots = (last_part + 1..bytes.len()).rev().filter(|&at| bytes[at] == b'.' && at + 1 < bytes.len());
    let files = dots.flat_map(move |dot| {
        let (stem, name) = (OsStr::from_bytes(&bytes[..dot]), OsStr::from_bytes(&bytes[dot + 1..]));
        adapters::sources(&task_root.join(stem)).map(move |(adapter, file)| (adapter, file, name)).collect::<Vec<_>>()
    });
    files.chain(adapters::module(name, task_root))
}

fn on_path(name: &OsStr, search_path: &OsStr) -> Vec<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Vec::new();
    }
    std::env::split_paths(search_path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lambda-stdio-find-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("bin")).expect("a folder");
            Self(path)
        }

        fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
            path
        }

        fn find(&self, name: &str) -> Result<Program, Fault> {
            find(OsStr::new(name), &self.0, self.0.join("bin").as_os_str())
        }

        fn fault(&self, name: &str) -> (String, String) {
            let fault = self.find(name).expect_err("a fault");
            (fault.error_type, fault.message)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_name_must_be_one() {
        let folder = Folder::new("name");
        assert_eq!(folder.fault("").0, "Runtime.MalformedHandlerName");
        assert_eq!(folder.fault("a\nb").0, "Runtime.MalformedHandlerName");
        assert_eq!(folder.fault("a\u{7f}").0, "Runtime.MalformedHandlerName");
    }

    #[test]
    fn an_executable_file_comes_before_a_source_file_and_that_before_the_path() {
        let folder = Folder::new("order");
        let on_path = folder.file("bin/main.handler", "", 0o755);
        assert_eq!(folder.find("main.handler").expect("a program").path, on_path);
        folder.file("main.py", "", 0o644);
        folder.file("bin/python3", "", 0o755);
        let program = folder.find("main.handler").expect("an adapter");
        assert_eq!(program.path, folder.0.join("bin/python3"));
        assert_eq!(program.arguments[2..], [folder.0.join("main.py").as_os_str(), OsStr::new("handler")]);
        assert!(program.speaks_messages);
        let file = folder.file("main.handler", "", 0o755);
        let program = folder.find("main.handler").expect("a program");
        assert_eq!((program.path, program.arguments.len(), program.folder), (file, 0, folder.0.clone()));
    }

    #[test]
    fn a_script_that_lost_its_bit_is_run_by_its_interpreter() {
        let folder = Folder::new("bit");
        let script = folder.file("run", "#! /usr/bin/env  python3 -u \nprint()\n", 0o644);
        let program = folder.find("run").expect("a program");
        assert_eq!(program.path, Path::new("/usr/bin/env"));
        assert_eq!(program.arguments, [OsStr::new("python3 -u"), script.as_os_str()]);
        folder.file("data.py", "print()\n", 0o644);
        let (kind, message) = folder.fault("data.py");
        assert_eq!(kind, "Runtime.InvalidEntrypoint");
        assert!(message.contains("chmod +x"), "{message}");
    }

    #[test]
    fn lisp_forms_and_roswell_scripts_are_for_sbcl() {
        let folder = Folder::new("lisp");
        let script = folder.file("hello.ros", "#!/bin/sh\n", 0o755);
        let (kind, message) = folder.fault("'f");
        assert_eq!(kind, "Runtime.InvalidEntrypoint");
        assert!(message.contains("needs sbcl"), "{message}");
        folder.file("bin/sbcl", "", 0o755);
        let words = |name: &str| {
            let arguments = folder.find(name).expect("an adapter").arguments;
            arguments[arguments.len() - 3..].to_vec()
        };
        for form in ["'f", "#'f", "(load\"main.lisp\")'cl-user::f"] {
            assert_eq!(words(form), ["form", "", form]);
        }
        assert_eq!(words("hello.ros"), [OsStr::new("script"), script.as_os_str(), OsStr::new("")]);
    }

    #[test]
    fn the_last_dot_with_a_file_before_it_divides_file_and_name() {
        let folder = Folder::new("dots");
        folder.file("bin/node", "", 0o755);
        let file = folder.file("app.js", "", 0o644);
        let arguments = folder.find("app.a.b.handler").expect("an adapter").arguments;
        assert_eq!(arguments[arguments.len() - 2..], [file.as_os_str(), OsStr::new("a.b.handler")]);
    }

    #[test]
    fn nothing_found_names_every_place() {
        let folder = Folder::new("nothing");
        let (kind, message) = folder.fault("sub.mod/app.v2.run");
        assert_eq!(kind, "Runtime.HandlerNotFound");
        for place in ["sub.mod/app.v2.run", "sub.mod/app.v2.py", "sub.mod/app.v2.lisp", "sub.mod/app.rb"] {
            assert!(message.contains(&format!("{}/{place}", folder.0.display())), "{place} in {message}");
        }
        assert!(!message.contains("sub.py"), "only dots of the last part: {message}");
        assert!(folder.fault("sub.mod.run").1.contains("/sub/mod.py"), "a module of a package");
        assert!(folder.fault("nowhere").1.contains("bin/nowhere"));
        // A folder is no handler.
        assert_eq!(folder.fault("bin").0, "Runtime.HandlerNotFound");
    }
}
