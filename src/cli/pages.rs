//! What is printed in place of serving events: the help, the version, a manual page, completions for a shell.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::bail;

use super::options::{Choice, DOCUMENTS, OPTIONS, SHELLS, VARIABLES};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    Help,
    Version,
    Manual,
    /// For one of `SHELLS`.
    Completions(&'static str),
}

/// Behind the program's name.
const USAGE: &str = "[OPTIONS] HANDLER [EVENT-FILE]... [-- ARGUMENT...]";

const ABOUT: &str = "\
HANDLER is a program or script, or a function as FILE.FUNCTION (app.handler is handler in app.py, app.js, app.rb or app.sh).
A program gets each event on its stdin and answers on its stdout.
Events are JSON values in the files, or on stdin (also as -), one after another.
Answers go to stdout, one a line; logs and a REPORT line per event go to stderr.";

const STATUS: &str = "\
The exit status is 0, or 1 if an event or the start failed, or 2 if the command line was wrong. SIGINT ends it by SIGINT.
On Lambda the same file, named bootstrap, serves the handler that the function's settings name.";

/// Each with what it shows.
const EXAMPLES: [(&str, &str); 6] = [
    ("A script that answers each line of its stdin:", "echo '{\"name\":\"Ada\"}' | {} ./handler.sh"),
    ("A function, and an event on the command line:", "{} app.handler --event '{\"name\":\"Ada\"}'"),
    ("A tool with arguments of its own:", "{} jq monday.json tuesday.json -- -c .name"),
    ("A filter that reads to end-of-file:", "HANDLER_MODE=oneshot {} ./filter.sh monday.json"),
    ("See why a handler does not answer:", "{} --trace --timeout 3 ./handler.py event.json"),
    ("Edit a handler, and see each time what it answers:", "{} --watch ./handler.py event.json"),
];

impl Page {
    /// The completions of this shell.
    pub fn completions(shell: &OsStr) -> anyhow::Result<Self> {
        match SHELLS.iter().find(|known| shell == **known) {
            Some(known) => Ok(Self::Completions(known)),
            None => bail!("--completions {}: say {}", shell.display(), SHELLS.join(", ")),
        }
    }

    /// Prints it, for a program that goes by this name. Whoever has stopped reading it has read enough.
    pub fn print(self, name: &str) -> io::Result<()> {
        let text = match self {
            Self::Help => help(name),
            Self::Version => format!("lambda-stdio {}\n", env!("CARGO_PKG_VERSION")),
            Self::Manual => manual(name),
            Self::Completions("bash") => bash(name),
            Self::Completions("zsh") => zsh(name),
            Self::Completions(_) => fish(name),
        };
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

fn help(name: &str) -> String {
    let mut text = format!(
        "lambda-stdio: any program as a Lambda function, here on your shell\n\nUsage: {name} {USAGE}\n\n{ABOUT}\n\nOptions:\n"
    );
    for option in &OPTIONS {
        let short = option.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let _ = writeln!(text, "  {short}--{:18} {}", written(option), option.help);
    }
    text.push_str("\nExamples:\n");
    for (what, line) in EXAMPLES {
        let _ = writeln!(text, "  {what}\n    {}", line.replace("{}", name));
    }
    text.push_str("\nVariables (each with more to it in handlers/README.md):\n");
    for (variable, takes) in VARIABLES {
        let _ = writeln!(text, "  {variable:26}  {takes}");
    }
    text.push_str("\nDocuments:\n");
    for (document, about) in DOCUMENTS {
        let _ = writeln!(text, "  {document:26}  {about}");
    }
    let _ = writeln!(text, "\n{STATUS}");
    text
}

/// An option as it is written, with what it takes.
fn written(option: &Choice) -> String {
    option.value.map_or(option.long.to_owned(), |value| format!("{} {value}", option.long))
}

/// In the language of man(7).
fn manual(name: &str) -> String {
    // A hyphen that is typed is a minus sign there; a point or quote at the start of a line would be a request.
    let escaped = |text: &str| {
        let text = text.replace('\\', "\\e").replace('-', "\\-");
        if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
    };
    let lines = |text: &str| text.lines().map(|line| escaped(line) + "\n").collect::<String>();
    let mut page = format!(
        ".TH {} 1 \"\" \"lambda-stdio {}\"\n.SH NAME\n{} \\- any program as a Lambda function\n.SH SYNOPSIS\n.B {}\n{}\n.SH DESCRIPTION\n{}",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION"),
        escaped(name),
        escaped(name),
        escaped(USAGE),
        lines(ABOUT),
    );
    page.push_str(".SH OPTIONS\n");
    for option in &OPTIONS {
        let short = option.short.map_or(String::new(), |short| format!("\\-{short}, "));
        let _ = writeln!(page, ".TP\n.B {short}\\-\\-{}\n{}", escaped(&written(option)), escaped(option.help));
    }
    page.push_str(".SH EXAMPLES\n");
    for (what, line) in EXAMPLES {
        let _ = writeln!(page, ".TP\n{}\n.B {}", escaped(what), escaped(&line.replace("{}", name)));
    }
    page.push_str(".SH ENVIRONMENT\n");
    for (variable, takes) in VARIABLES {
        let _ = writeln!(page, ".TP\n.B {variable}\n{}", escaped(takes));
    }
    let _ = write!(page, ".SH EXIT STATUS\n{}.SH SEE ALSO\n", lines(STATUS));
    for (document, about) in DOCUMENTS {
        let _ = writeln!(page, ".TP\n{}\n{}", escaped(document), escaped(about));
    }
    page
}

fn bash(name: &str) -> String {
    let long: Vec<_> = OPTIONS.iter().map(|option| format!("--{}", option.long)).collect();
    format!(
        "_lambda_stdio() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    case $before in
        --completions) mapfile -t COMPREPLY < <(compgen -W '{shells}' -- \"$word\"); return ;;
        --event | --timeout) return ;;
    esac
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W '{long}' -- \"$word\") ;;
        *) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;
    esac
}}
complete -F _lambda_stdio {name}
",
        shells = SHELLS.join(" "),
        long = long.join(" "),
    )
}

fn zsh(name: &str) -> String {
    let mut text = format!("#compdef {name}\n_lambda_stdio() {{\n    _arguments -S \\\n");
    for option in &OPTIONS {
        // A colon divides what _arguments reads, and a bracket ends the help.
        let help = option.help.replace(':', "\\:");
        let takes = match (option.long, option.value) {
            ("completions", _) => format!(":shell:({})", SHELLS.join(" ")),
            (_, Some(value)) => format!(":{value}: "),
            (_, None) => String::new(),
        };
        let _ = writeln!(text, "        '--{}[{help}]{takes}' \\", option.long);
    }
    text.push_str("        '1:handler:_files' '*:event file:_files'\n}\n");
    let _ = writeln!(
        text,
        "if [ \"$funcstack[1]\" = _{name} ]; then _lambda_stdio \"$@\"; else compdef _lambda_stdio {name}; fi"
    );
    text
}

fn fish(name: &str) -> String {
    let mut text = String::new();
    for option in &OPTIONS {
        let short = option.short.map_or(String::new(), |short| format!(" -s {short}"));
        let takes = match (option.long, option.value) {
            ("completions", _) => format!(" -x -a '{}'", SHELLS.join(" ")),
            (_, Some(_)) => " -x".to_owned(),
            (_, None) => String::new(),
        };
        let _ = writeln!(text, "complete -c {name}{short} -l {}{takes} -d '{}'", option.long, option.help);
    }
    text
}
