//! Programs as Linux starts them: the `#!` line, and in plain words why a file could not be run.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::fault::Fault;
use crate::log;
use crate::words::encoding_mark;

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
    /// The handler's own file: a program, a script, or a function's source.
    pub file: Option<PathBuf>,
    /// Variables that it is started with, unless they are set.
    pub variables: &'static [(&'static str, &'static str)],
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Why the operating system did not start `program`, in words that say what to do.
pub fn cannot_run(program: &Program, error: &std::io::Error) -> Fault {
    let path = program.path.display();
    if let Some(advice) = error.raw_os_error().and_then(|number| shortage(Errno::from_raw(number))) {
        return Fault::system(
            &format!("{path} cannot be started"),
            &std::io::Error::other(format!("{error}; {advice}")),
        );
    }
    let first_line = first_line(&program.path);
    let interpreter = first_line.as_deref().and_then(interpreter).map(|(interpreter, _)| interpreter);
    let advice = match (error.raw_os_error().map(Errno::from_raw), interpreter) {
        (Some(Errno::ENOENT), _) if first_line.as_ref().is_some_and(|line| line.ends_with(b"\r")) => {
            format!("its first line ends in a carriage return, {WINDOWS}")
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
        (Some(Errno::ENOEXEC), _) => match encoding(&program.path) {
            Some(encoding) => format!("a script must begin with #!, and this one begins with {encoding}"),
            None => {
                "it is no program, and a script must begin with #! and its interpreter, such as #!/bin/sh".to_owned()
            }
        },
        (Some(Errno::EACCES), None) => "it must be executable, in folders that may be entered".to_owned(),
        _ => "see execve(2)".to_owned(),
    };
    Fault::invalid_entrypoint(format!("{path} cannot be run: {error}; {advice}"))
}

/// Where it is the sandbox that lacks something, what that is.
fn shortage(error: Errno) -> Option<&'static str> {
    match error {
        Errno::EAGAIN => Some("there are as many processes and threads as there may be: end those that are not needed"),
        Errno::EMFILE | Errno::ENFILE => Some("there are as many open files, pipes and connections as there may be"),
        Errno::ENOMEM => Some("there is no memory left for a process: give the function more"),
        _ => None,
    }
}

/// What to do about lines that end in CR LF.
const WINDOWS: &str = "as Windows writes it: remove those (sed -i 's/\\r$//' FILE)";

/// So much of a script is looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// They take a carriage return for a part of the word before it.
const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"dash", b"ksh", b"zsh"];

/// A script whose first line ends in a carriage return: env(1) takes it for a part of the interpreter's name, and so does Linux
/// itself, which would say so.
pub fn check_line_ends(script: &Path, is_run_by_linux: bool) -> Result<(), Fault> {
    let Some(line) = first_line(script).filter(|line| line.starts_with(b"#!")) else { return Ok(()) };
    let Some((program, words)) = interpreter(&line) else { return Ok(()) };
    let is_env = program.file_name() == Some(OsStr::new("env"));
    if line.ends_with(b"\r") && (is_env || !is_run_by_linux) {
        return Err(Fault::invalid_entrypoint(format!(
            "{} cannot be run: its first line ends in a carriage return, {WINDOWS}",
            script.display()
        )));
    }
    let named =
        if is_env { words.first().map_or(&[][..], |words| words.as_bytes()) } else { program.as_os_str().as_bytes() };
    let named = named.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if SHELLS.contains(&named.split(u8::is_ascii_whitespace).next().unwrap_or_default()) {
        warn_of_line_ends(script);
    }
    Ok(())
}

/// Says that the lines of a shell's script end in CR LF, or that it begins with a mark.
pub fn warn_of_line_ends(script: &Path) {
    let mut start = Vec::new();
    let read = fs::File::open(script).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
    if read.is_ok() && memchr::memmem::find(&start, b"\r\n").is_some() {
        log::warn(format_args!("lines of {} end in a carriage return, {WINDOWS}", script.display()));
    }
    if let Some(encoding) = encoding_mark(&start) {
        log::warn(format_args!("{} begins with {encoding}", script.display()));
    }
}

/// How a file begins that is not what a program reads: with words that say what to do.
pub fn encoding(path: &Path) -> Option<&'static str> {
    let mut start = [0; 3];
    fs::File::open(path).ok()?.read_exact(&mut start).ok()?;
    encoding_mark(&start)
}

/// The beginning of a file's first line, without its line feed.
pub fn first_line(path: &Path) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    // Linux itself reads no more of a `#!` line (BINPRM_BUF_SIZE).
    fs::File::open(path).ok()?.take(256).read_to_end(&mut start).ok()?;
    let end = memchr::memchr(b'\n', &start).unwrap_or(start.len());
    start.truncate(end);
    Some(start)
}

/// The interpreter of a `#!` line and its one argument, read as Linux reads it (execve(2)).
pub fn interpreter(first_line: &[u8]) -> Option<(PathBuf, Vec<OsString>)> {
    let line = first_line.strip_prefix(b"#!")?.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (path, argument) = line.split_at(end);
    let argument = argument.trim_ascii_start();
    let arguments = if argument.is_empty() { vec![] } else { vec![OsStr::from_bytes(argument).to_owned()] };
    (!path.is_empty()).then(|| (OsStr::from_bytes(path).into(), arguments))
}

/// A file that may be run, as far as its mode says.
pub fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_is_read_as_linux_reads_it() {
        let read = |line: &str| interpreter(line.as_bytes());
        assert_eq!(read("#! /usr/bin/env  python3 -u "), Some(("/usr/bin/env".into(), vec!["python3 -u".into()])));
        assert_eq!(read("#!/bin/sh"), Some(("/bin/sh".into(), vec![])));
        assert_eq!(read("#!"), None);
        assert_eq!(read("/bin/sh"), None);
    }

    #[test]
    fn advice_fits_the_reason() {
        let folder = std::env::temp_dir();
        let advice = |name: &str, content: &str, error: Errno| {
            let path = folder.join(format!("lambda-stdio-advice-{name}-{}", std::process::id()));
            fs::write(&path, content).expect("a file");
            let program = Program {
                path,
                arguments: vec![],
                folder: folder.clone(),
                speaks_messages: false,
                variables: &[],
                file: None,
            };
            let message = cannot_run(&program, &error.into()).message;
            let _ = fs::remove_file(&program.path);
            message
        };
        assert!(advice("crlf", "#!/bin/sh\r\n", Errno::ENOENT).contains("carriage return"));
        assert!(advice("none", "#!/no/such\n", Errno::ENOENT).contains("/no/such"));
        assert!(advice("elf", "\x7fELF", Errno::ENOEXEC).contains("another machine"));
        assert!(advice("text", "hello", Errno::ENOEXEC).contains("#!/bin/sh"));
        assert!(advice("mark", "\u{feff}#!/bin/sh\n", Errno::ENOEXEC).contains("byte order mark"));
        assert!(advice("full", "#!/bin/sh\n", Errno::EAGAIN).contains("processes and threads"));
    }
}
