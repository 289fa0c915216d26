//! The command line, and what is printed about it.

use super::echo;
use crate::harness::files::bootstrap;
use crate::harness::{Shell, need};

#[test]
fn quiet_leaves_reports_out() {
    for option in ["--quiet", "-q"] {
        let output = echo().arg(option).stdin("1").run().expect_stdout("1\n").expect_status(0);
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn what_stands_behind_two_dashes_is_the_handlers() {
    let script = "while read -r e; do printf '[\"%s\",\"%s\",%s]\\n' \"$1\" \"$2\" \"$e\"; done";
    let shell = Shell::bash(script).file("one.json", "1").arg("one.json").arg("--").arg("--trace").arg("a b");
    let output = shell.run().expect_stdout("[\"--trace\",\"a b\",1]\n").expect_status(0);
    assert!(!output.stderr.contains("> 1"), "{}", output.stderr);
    // Options stand anywhere before.
    let shell = Shell::bash(script).file("one.json", "1").arg("--quiet").arg("one.json").arg("--timeout").arg("60");
    shell.arg("--").arg("x").run().expect_stdout("[\"x\",\"\",1]\n").expect_status(0);
    let shell = Shell::bash(script).env("HANDLER_ARGS", "'a  b' c\\ d").stdin("1");
    shell.run().expect_stdout("[\"a  b\",\"c d\",1]\n").expect_status(0);
    let output = Shell::bash(script).env("HANDLER_ARGS", "a").arg("--").arg("b").stdin("1").run().expect_stdout("");
    output.expect_status(1).expect_stderr("HANDLER_ARGS");
}

#[test]
fn nothing_at_all_tells_what_to_type() {
    let output = Shell::bare().run().expect_stdout("").expect_status(2);
    assert!(output.stderr.contains("bootstrap ") && output.stderr.contains("--help"), "{}", output.stderr);
}

#[test]
fn help_teaches_with_examples() {
    let output = Shell::bare().arg("--help").run().expect_status(0);
    let examples = output.stdout.lines().filter(|line| line.starts_with(' ') && line.contains("bootstrap ")).count();
    assert!(examples >= 3, "{}", output.stdout);
    for word in [
        "--timeout",
        "--trace",
        "--watch",
        "--version",
        "--event",
        "--quiet",
        "HANDLER_MODE",
        "HANDLER_ARGS",
        "FILE.FUNCTION",
        "handlers/README.md",
        "docs/shell.md",
    ] {
        assert!(output.stdout.contains(word), "{word} is missing:\n{}", output.stdout);
    }
}

#[test]
fn help_knows_every_variable_and_only_documents_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let help = Shell::bare().arg("--help").run().expect_status(0).stdout;
    let source = std::fs::read_to_string(root.join("src/config.rs")).unwrap();
    let variables = source.split('"').filter(|word| word.starts_with("HANDLER_") && !word.contains(' '));
    let mut count = 0;
    for variable in variables {
        assert!(help.contains(variable), "{variable}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
    let (_, documents) = help.split_once("Documents:\n").unwrap();
    let documents = documents.lines().take_while(|line| line.starts_with("  "));
    let named: Vec<_> = documents.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(named.len() >= 3 && named.iter().all(|name| root.join(name).is_file()), "{named:?}");
}

#[test]
fn help_that_nobody_can_read_is_no_panic() {
    let bash = need("bash");
    for (redirection, status) in [("> /dev/full", "1"), ("| true", "0")] {
        // The reader has gone by then.
        let script = format!(
            "{{ sleep 0.2; \"{}\" --help; echo \"$?\" > status; }} {redirection}; cat status",
            bootstrap().display()
        );
        let output = Shell::bare().through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).run();
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
        assert_eq!(output.stdout.trim(), status, "{}", output.stderr);
    }
}

#[test]
fn it_goes_by_the_name_that_it_was_started_by() {
    let shell = Shell::bare();
    let named = shell.folder().join("lambda-stdio");
    std::os::unix::fs::symlink(bootstrap(), &named).unwrap();
    let output = shell.through(&[named.as_os_str()]).arg("--help").run().expect_status(0);
    assert!(
        output.stdout.contains("Usage: lambda-stdio ") && !output.stdout.contains("bootstrap ./"),
        "{}",
        output.stdout
    );
}

#[test]
fn completions_and_manual_know_every_option() {
    let page = |arguments: &[&str]| {
        let shell = arguments.iter().fold(Shell::bare(), |shell, argument| shell.arg(argument));
        shell.run().expect_status(0).stdout
    };
    let help = page(&["--help"]);
    let options: Vec<_> = help.split_whitespace().filter_map(|word| word.strip_prefix("--")).collect();
    let options: Vec<_> = options.into_iter().filter(|word| word.starts_with(char::is_alphabetic)).collect();
    assert!(options.contains(&"event") && options.contains(&"completions"), "{options:?}");
    let bash = page(&["--completions", "bash"]);
    let (zsh, fish, man) = (page(&["--completions", "zsh"]), page(&["--completions", "fish"]), page(&["--man"]));
    for option in options {
        assert!(bash.contains(&format!("--{option}")) && zsh.contains(&format!("--{option}[")), "{option}");
        assert!(fish.contains(&format!("-l {option}")) && man.contains(&format!("\\-\\-{option}")), "{option}");
    }
    // bash takes them, and they work.
    let script =
        format!("{bash}\nCOMP_WORDS=(bootstrap --ev); COMP_CWORD=1; _lambda_stdio; echo \"${{COMPREPLY[@]}}\"");
    let shell = Shell::bare().through(&[need("bash").as_os_str(), "-c".as_ref(), script.as_ref()]);
    shell.run().expect_stdout("--event\n").expect_status(0);
    Shell::bare().arg("--completions").arg("tcsh").run().expect_status(2).expect_stderr("bash, zsh, fish");
}

#[test]
fn version_is_told() {
    let output = Shell::bare().arg("--version").run().expect_status(0);
    assert!(output.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", output.stdout);
    assert_eq!(output.stdout.lines().count(), 1);
}

#[test]
fn wrong_usage_is_2() {
    for arguments in
        [&["--no-such"][..], &["--timeout"], &["--timeout", "soon", "handler"], &["--timeout=-3s", "handler"]]
    {
        let shell = arguments
            .iter()
            .fold(Shell::bare().program("handler", "#!/bin/cat"), |shell, argument| shell.arg(argument));
        let output = shell.run().expect_stdout("").expect_status(2);
        assert!(output.stderr.contains(arguments[0].split('=').next().unwrap()), "{}", output.stderr);
    }
}

#[test]
fn the_time_out_is_an_option() {
    let script = "#!/bin/bash\nwhile read -r e; do [ $e = 1 ] && sleep 1000; echo $e; done";
    for arguments in [&["--timeout", "1s"][..], &["--timeout=1s"], &["--timeout=1000ms"], &["--timeout", "1"]] {
        let shell =
            arguments.iter().fold(Shell::bare().program("handler", script), |shell, argument| shell.arg(argument));
        let output = shell.arg("handler").stdin("0 1 2").run().expect_stdout("0\n2\n").expect_status(1);
        output.expect_stderr("Runtime.InvokeTimeout");
    }
}

#[test]
fn trace_is_an_option() {
    let output = echo().arg("--trace").stdin("{\"a\":1}").run().expect_stdout("{\"a\":1}\n").expect_status(0);
    output.expect_stderr("> {\"a\":1}\n").expect_stderr("< {\"a\":1}\n");
}
