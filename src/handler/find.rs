//! What `$_HANDLER` means: from a name to a program that can be started, or a fault that says where was looked.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::fault::Fault;
use crate::log;

/// What is started, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    /// Behind the program's own name.
    pub arguments: Vec<OsString>,
    /// The working folder.
    pub folder: PathBuf,
    /// It is an adapter: it says itself when it is ready, and speaks messages.
    pub speaks_messages: bool,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

/// The endings of files that a `<file>.<name>` handler may stand for.
const ADAPTED: [&str; 9] = ["py", "mjs", "cjs", "js", "sh", "bash", "lisp", "fasl", "rb"];

/// Finds the program that `name` stands for. Relative names are looked for in `task_root`, then on `search_path`
/// (`$PATH`).
pub fn find(name: &OsStr, task_root: &Path, search_path: &OsStr) -> Result<Program, Fault> {
    check_name(name)?;
    if name.as_bytes()[0] == b'\'' || name.as_bytes().contains(&b'(') {
        return Err(no_adapter(&format!("{} is a Lisp form", name.display()), "SBCL"));
    }
    let path = task_root.join(name);
    let program = |path: PathBuf, arguments| {
        Ok(Program { path, arguments, folder: task_root.to_owned(), speaks_messages: false })
    };
    let exists = path.is_file();
    if exists && path.extension() == Some(OsStr::new("ros")) {
        return Err(no_adapter(&format!("{} is a Roswell script", path.display()), "SBCL"));
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
    let sources = source_files(name, task_root);
    if let Some(source) = sources.iter().find(|source| source.is_file() && **source != path) {
        let language = source.extension().unwrap_or_default().display().to_string();
        return Err(no_adapter(&format!("{} names a function in {}", name.display(), source.display()), &language));
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
    let looked: Vec<_> = [path].iter().chain(&sources).chain(&on_path).map(|path| path.display().to_string()).collect();
    Err(Fault::handler_not_found(format!(
        "There is no handler {}. _HANDLER (the function's handler setting, or the first argument) names a program. Looked for: {}",
        name.display(),
        looked.join(", ")
    )))
}

/// Why the operating system did not start `program`, in words that say what to do.
pub fn cannot_run(program: &Program, error: &std::io::Error) -> Fault {
    let path = program.path.display();
    let first_line = first_line(&program.path);
    let interpreter = first_line.as_deref().and_then(interpreter).map(|(interpreter, _)| interpreter);
    let advice = match (error.raw_os_error().map(Errno::from_raw), interpreter) {
        (Some(Errno::ENOENT), _) if first_line.as_ref().is_some_and(|line| line.ends_with(b"\r")) => {
            "its first line ends in a carriage return, as Windows writes it: remove those (sed -i 's/\\r$//' FILE)"
                .to_owned()
        }
        (Some(Errno::ENOENT), _) if !program.folder.is_dir() => {
            format!("the folder {} (LAMBDA_TASK_ROOT) is not there", program.folder.display())
        }
        (Some(Errno::ENOENT | Errno::EACCES), Some(interpreter)) => {
            format!("its first line names {}, which is not there or cannot be run", interpreter.display())
        }
        (Some(Errno::ENOENT), None) if program.path.is_file() => {
            "the loader it was linked for is not there: build it for this system, or link it statically".to_owned()
        }
        (Some(Errno::ENOEXEC), _) if first_line.as_ref().is_some_and(|line| line.starts_with(b"\x7fELF")) => {
            format!("it was built for another machine than this {} one", std::env::consts::ARCH)
        }
        (Some(Errno::ENOEXEC), _) => {
            "it is no program, and a script must begin with #! and its interpreter, such as #!/bin/sh".to_owned()
        }
        (Some(Errno::EACCES), None) => "it must be executable, in folders that may be entered".to_owned(),
        _ => "see execve(2)".to_owned(),
    };
    Fault::invalid_entrypoint(format!("{path} cannot be run: {error}; {advice}"))
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

fn no_adapter(what: &str, language: &str) -> Fault {
    Fault::handler_not_found(format!(
        "{what}, and no adapter for {language} was found in this bootstrap. A program that answers on its stdout what comes on its stdin needs none"
    ))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

/// The files that `<file>.<name>` may mean: any dot of the last part of the path may be the one, the last one first.
fn source_files(name: &OsStr, task_root: &Path) -> Vec<PathBuf> {
    let bytes = name.as_bytes();
    let last_part = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let dots = (last_part + 1..bytes.len()).rev().filter(|&at| bytes[at] == b'.' && at + 1 < bytes.len());
    dots.flat_map(|dot| {
        ADAPTED.iter().map(move |ending| {
            let mut file = bytes[..=dot].to_vec();
            file.extend_from_slice(ending.as_bytes());
            task_root.join(OsString::from_vec(file))
        })
    })
    .collect()
}

fn on_path(name: &OsStr, search_path: &OsStr) -> Vec<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Vec::new();
    }
    std::env::split_paths(search_path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).collect()
}

/// The beginning of a file's first line, without its line feed.
fn first_line(path: &Path) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    // Linux itself reads no more of a `#!` line (BINPRM_BUF_SIZE).
    fs::File::open(path).ok()?.take(256).read_to_end(&mut start).ok()?;
    let end = memchr::memchr(b'\n', &start).unwrap_or(start.len());
    start.truncate(end);
    Some(start)
}

/// The interpreter of a `#!` line and its one argument, read as Linux reads it (execve(2)).
fn interpreter(first_line: &[u8]) -> Option<(PathBuf, Vec<OsString>)> {
    let line = first_line.strip_prefix(b"#!")?.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (path, argument) = line.split_at(end);
    let argument = argument.trim_ascii_start();
    let arguments = if argument.is_empty() { vec![] } else { vec![OsStr::from_bytes(argument).to_owned()] };
    (!path.is_empty()).then(|| (OsStr::from_bytes(path).into(), arguments))
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
        let (kind, message) = folder.fault("main.handler");
        assert_eq!(kind, "Runtime.HandlerNotFound");
        assert!(message.contains("main.py") && message.contains("no adapter"), "{message}");
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
    fn lisp_forms_and_roswell_scripts_are_told_apart() {
        let folder = Folder::new("lisp");
        folder.file("hello.ros", "#!/bin/sh\n", 0o755);
        for name in ["'f", "(load\"main.lisp\")'cl-user::f", "hello.ros"] {
            let (kind, message) = folder.fault(name);
            assert_eq!(kind, "Runtime.HandlerNotFound");
            assert!(message.contains("SBCL"), "{message}");
        }
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
        assert!(folder.fault("nowhere").1.contains("bin/nowhere"));
        // A folder is no handler.
        assert_eq!(folder.fault("bin").0, "Runtime.HandlerNotFound");
    }

    #[test]
    fn advice_fits_the_reason() {
        let folder = Folder::new("advice");
        let advice = |name: &str, content: &str, error: Errno| {
            let path = folder.file(name, content, 0o755);
            let program = Program { path, arguments: vec![], folder: folder.0.clone(), speaks_messages: false };
            cannot_run(&program, &error.into()).message
        };
        assert!(advice("crlf", "#!/bin/sh\r\n", Errno::ENOENT).contains("carriage return"));
        assert!(advice("none", "#!/no/such\n", Errno::ENOENT).contains("/no/such"));
        assert!(advice("elf", "\x7fELF", Errno::ENOEXEC).contains("another machine"));
        assert!(advice("text", "hello", Errno::ENOEXEC).contains("#!/bin/sh"));
    }
}
