//! How it ends: told to by a signal, or because nobody reads its answers any more.

use super::ECHO;
use crate::harness::files::bootstrap;
use crate::harness::watch::Exit;
use crate::harness::{Shell, need};
use nix::sys::signal::Signal;

#[test]
fn a_signal_ends_it_and_takes_the_handler_along() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let script = "trap 'touch told; exit 0' INT TERM; while read -r e; do echo $e; done";
        let mut typing = Shell::bash(script).start();
        typing.type_in("1\n");
        typing.wait_stdout("1\n");
        typing.signal(signal);
        let told = typing.folder().path().join("told");
        let output = typing.end_with(|| assert!(told.exists(), "the handler was not told of {signal}"));
        // A script stops at an interrupt only if what it has started was ended by it.
        let wanted = if signal == Signal::SIGINT { Exit::Signal(Signal::SIGINT as i32) } else { Exit::Status(0) };
        assert_eq!(output.exit, wanted);
    }
}

#[test]
fn an_interrupt_ends_a_loop_around_it() {
    let script = format!(
        "for n in 1 2 3; do echo \"round $n\" >&2; \"{}\" ./handler && echo deployed; done; echo 'after the loop'",
        bootstrap().display()
    );
    let bash = need("bash");
    // A terminal tells all of its foreground: here it is its own group.
    let setsid = need("setsid");
    let shell =
        Shell::bare().program("handler", "#!/bin/bash\necho \"pid $PPID\" >&2; while read -r e; do echo $e; done");
    let shell = shell.through(&[setsid.as_os_str(), bash.as_os_str(), "-ic".as_ref(), script.as_ref()]);
    let mut typing = shell.start();
    typing.type_in("1\n");
    typing.wait_stdout("1\n");
    typing.signal_group(Signal::SIGINT);
    let output = typing.end();
    assert_eq!(output.stdout, "1\n", "{}", output.stderr);
    assert_eq!(output.stderr.matches("round").count(), 1, "{}", output.stderr);
}

#[test]
fn a_stream_that_nobody_reads_ends_quietly() {
    let script =
        format!("\"{}\" handler --event 1 2> log | head -1; echo \"${{PIPESTATUS[0]}}\"", bootstrap().display());
    let bash = need("bash");
    let shell = Shell::bare().program("handler", "#!/bin/bash\nwhile echo line; do :; done");
    let shell = shell.env("HANDLER_MODE", "oneshot").env("HANDLER_RESPONSE", "streaming");
    let typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).stdin("").start();
    let log = typing.folder().path().join("log");
    let output = typing.end_with(move || {
        let log = std::fs::read_to_string(log).unwrap();
        assert!(!log.contains("ERROR") && !log.contains("FATAL") && !log.contains("panicked"), "{log}");
    });
    assert_eq!(output.stdout, "line\n0\n");
}

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    // As `bootstrap handler | head -1` does. Who reads no more wants no complaint.
    let script =
        format!("\"{}\" handler < events 2> log | head -1; echo \"${{PIPESTATUS[0]}}\"", bootstrap().display());
    let shell =
        Shell::bare().program("handler", &format!("#!/bin/bash\n{ECHO}")).file("events", &"\"x\"\n".repeat(20_000));
    let bash = need("bash");
    let typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).stdin("").start();
    let log = typing.folder().path().join("log");
    let output = typing.end_with(move || assert!(!std::fs::read_to_string(log).unwrap().contains("panicked")));
    assert!(output.stdout.starts_with("\"x\"\n"), "{}", output.stdout);
}
