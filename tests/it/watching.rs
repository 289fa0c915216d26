//! `--watch`: a handler that a person edits is started again, between events, and whatever becomes of it `bootstrap`
//! goes on.
//!
//! An event that is typed in behind a change is answered by what the change made of the handler. So a test need not wait
//! to see that a change was passed over: the answer comes from the same process as before.

use crate::harness::fifo::Fifo;
use crate::harness::files::{Folder, bootstrap};
use crate::harness::shell::{Output, Typing};
use crate::harness::{Shell, need};
use nix::sys::signal::Signal;
use std::fs;

/// A handler that answers with this text.
fn says(text: &str) -> String {
    format!("#!/bin/bash\nwhile read -r e; do echo '\"{text}\"'; done\n")
}

/// The same with what is done at the start, and at each event before its answer, which is the process.
fn works(start: &str, event: &str) -> String {
    format!("#!/bin/bash\n{start}\nwhile read -r e; do {event}\necho $$; done\n")
}

fn watching(handler: &str) -> Shell {
    Shell::new(handler).arg("--watch")
}

/// Saves a file as editors do: the old one is there until the new one is complete.
fn save(folder: &Folder, name: &str, content: &str) {
    folder.write(".being-saved", content.as_bytes(), 0o755);
    fs::rename(folder.path().join(".being-saved"), folder.path().join(name)).unwrap();
}

/// Ends it, and tells which files were the reasons to start the handler again.
fn reasons(mut typing: Typing, status: i32) -> (Vec<String>, Output) {
    typing.close_stdin();
    let output = typing.end().expect_status(status);
    let lines = output.stderr.lines().filter_map(|line| line.strip_prefix("[INFO] lambda-stdio: "));
    let reasons = lines.filter_map(|line| line.strip_suffix(" has changed: the handler is started again"));
    (reasons.map(str::to_owned).collect(), output)
}

#[test]
fn an_edit_starts_the_handler_again() {
    let mut typing = watching(&says("one")).start();
    assert_eq!(typing.ask("1"), "\"one\"");
    save(typing.folder(), "handler", &says("two"));
    typing.wait_log("handler has changed: the handler is started again");
    assert_eq!(typing.ask("2"), "\"two\"");
    // An event right behind the change waits for it. This file is written in place.
    typing.folder().write("handler", says("three").as_bytes(), 0o755);
    assert_eq!(typing.ask("3"), "\"three\"");
    assert_eq!(reasons(typing, 0).0, ["handler", "handler"]);
}

#[test]
fn every_way_to_talk_is_followed() {
    // A filter becomes a loop, and a loop a filter.
    let filter = "#!/bin/bash\ntr a-z A-Z\n";
    let mut typing = watching(filter).start();
    assert_eq!(typing.ask("\"x\""), "\"X\"");
    save(typing.folder(), "handler", &says("loop"));
    assert_eq!(typing.ask("\"x\""), "\"loop\"");
    save(typing.folder(), "handler", filter);
    assert_eq!(typing.ask("\"y\""), "\"Y\"");
    reasons(typing, 0);
    // The process that stands by is an old one.
    let mut typing = watching(filter).env("HANDLER_MODE", "oneshot").start();
    assert_eq!(typing.ask("\"x\""), "\"X\"");
    save(typing.folder(), "handler", "#!/bin/bash\ntr a-z 0-9\n");
    assert_eq!(typing.ask("\"b\""), "\"1\"");
    reasons(typing, 0);
}

#[test]
fn a_module_of_a_function_is_watched_too() {
    need("python3");
    let shell = Shell::bare().arg("--watch").arg("main.handler");
    let shell = shell.file("main.py", "import words\ndef handler(event, context): return words.GREETING\n");
    let mut typing = shell.file("words.py", "GREETING = 'hello'\n").start();
    assert_eq!(typing.ask("1"), "\"hello\"");
    save(typing.folder(), "words.py", "GREETING = 'good day'\n");
    assert_eq!(typing.ask("2"), "\"good day\"");
    save(typing.folder(), "words.py", "GREETING = 'good\n");
    typing.wait_log("SyntaxError");
    save(typing.folder(), "words.py", "GREETING = 'good evening'\n");
    assert_eq!(typing.ask("3"), "\"good evening\"");
    assert_eq!(reasons(typing, 0).0, ["words.py"; 3]);
}

#[test]
fn an_event_is_not_interrupted() {
    let shell = watching(&works("", "echo begun > begun; read -r go < go"));
    let (begun, go) = (Fifo::line(shell.folder(), "begun"), Fifo::line(shell.folder(), "go"));
    let mut typing = shell.start();
    typing.type_in("1\n");
    begun.hear();
    save(typing.folder(), "handler", &says("new"));
    go.ring();
    typing.type_in("2\n");
    typing.wait_stdout("\"new\"\n");
    let (reasons, output) = reasons(typing, 0);
    let answers: Vec<_> = output.stdout.lines().collect();
    assert!(answers.len() == 2 && answers[0] != "\"new\"", "{answers:?}");
    assert_eq!(reasons, ["handler"]);
    assert!(!output.stderr.contains("Error"), "{}", output.stderr);
}

#[test]
fn a_handler_that_does_not_start_waits_for_the_next_change() {
    let mut typing = watching("#!/bin/bash\nexit 99\n").start();
    typing.wait_log("could not be started: Runtime.ExitError");
    typing.type_in("1\n");
    typing.wait_log("Error Type: Runtime.ExitError");
    save(typing.folder(), "handler", &says("well"));
    assert_eq!(typing.ask("2"), "\"well\"");
    // More often than bootstrap would put up with on Lambda.
    for status in 101..=107 {
        save(typing.folder(), "handler", &format!("#!/bin/bash\nexit {status}\n"));
        typing.wait_log(&format!("exit status {status} before it was ready for an event; it is started again when"));
    }
    save(typing.folder(), "handler", &says("well again"));
    assert_eq!(typing.ask("3"), "\"well again\"");
    assert_eq!(reasons(typing, 1).0, ["handler"; 9]);
}

#[test]
fn a_handler_that_is_not_there_is_waited_for() {
    let mut typing = Shell::bare().arg("--watch").arg("handler").start();
    typing.wait_log("could not be started: Runtime.HandlerNotFound");
    save(typing.folder(), "handler", &says("here"));
    assert_eq!(typing.ask("1"), "\"here\"");
    fs::remove_file(typing.folder().path().join("handler")).unwrap();
    typing.type_in("2\n");
    typing.wait_log("Error Type: Runtime.HandlerNotFound");
    reasons(typing, 1);
}

#[test]
fn new_folders_are_watched() {
    let mut typing =
        watching("#!/bin/bash\n. lib/words/greeting.sh || exit\nwhile read -r e; do echo $x; done\n").start();
    typing.wait_log("could not be started");
    typing.folder().write("lib/words/greeting.sh", b"x=1", 0o644);
    assert_eq!(typing.ask("0"), "1");
    save(typing.folder(), "lib/words/greeting.sh", "x=2");
    assert_eq!(typing.ask("0"), "2");
    // Moved away, and back again.
    let root = typing.folder().path().to_owned();
    let place = |name: &str| root.join(name);
    fs::rename(place("lib/words"), place("words")).unwrap();
    typing.type_in("0\n");
    typing.wait_log("Error Type: Runtime.ExitError");
    fs::rename(place("words"), place("lib/words")).unwrap();
    assert_eq!(typing.ask("0"), "2");
    save(typing.folder(), "lib/words/greeting.sh", "x=3");
    assert_eq!(typing.ask("0"), "3");
    reasons(typing, 1);
}

#[test]
fn what_is_no_part_of_the_handler_is_passed_over() {
    let folders = [".git", "target", "node_modules", "lib/__pycache__"];
    let shell = folders.iter().fold(watching(&works("", "")), |shell, name| shell.file(&format!("{name}/old"), ""));
    let mut typing = shell.start();
    let process = typing.ask("1");
    for name in folders {
        typing.folder().write(&format!("{name}/old"), b"changed", 0o644);
        typing.folder().write(&format!("{name}/new"), b"", 0o644);
        typing.folder().write(&format!("lib/{name}/new"), b"", 0o644);
    }
    for name in [".handler.swp", "handler~", "lib/.#handler", "4913"] {
        typing.folder().write(name, b"", 0o644);
    }
    assert_eq!(typing.ask("2"), process);
    assert_eq!(reasons(typing, 0).0, [""; 0]);
}

#[test]
fn what_the_handler_makes_does_not_start_it_again() {
    let start = "echo >> log; echo > start-$$; mkdir -p made; echo > made/start-$$";
    let event = "echo >> log; echo > event-$e; mkdir -p made/$e; echo > made/$e/file; rm -f start-$$";
    let mut typing = watching(&works(start, event)).start();
    let process = typing.ask("1");
    for event in 2..=10 {
        assert_eq!(typing.ask(&event.to_string()), process);
    }
    // And yet an edit does.
    save(typing.folder(), "handler", &works(start, event));
    let process = std::mem::replace(&mut typing.ask("11"), process);
    assert_eq!(typing.ask("12"), process);
    assert_eq!(reasons(typing, 0).0, ["handler"]);
}

#[test]
fn what_the_handler_changes_starts_it_again_a_few_times_only() {
    for (start, event) in [("echo >> state", ""), ("", "echo >> state")] {
        let mut typing = watching(&works(start, event)).file("state", "").start();
        for event in 1..=3 {
            typing.ask(&event.to_string());
        }
        typing.ask("4");
        typing.wait_log("state changes whenever the handler works");
        let process = typing.ask("5");
        assert_eq!(typing.ask("6"), process);
        save(typing.folder(), "handler", &says("edited"));
        assert_eq!(typing.ask("7"), "\"edited\"");
        let (reasons, output) = reasons(typing, 0);
        assert_eq!(reasons, ["state", "state", "state", "handler"]);
        let told = output.stderr.matches("state changes whenever the handler works").count();
        assert_eq!(told, 1, "{}", output.stderr);
    }
}

#[test]
fn a_burst_is_one_change() {
    let mut typing = watching(&works("", "")).start();
    let process = typing.ask("1");
    for _ in 0..100 {
        save(typing.folder(), "handler", &works("", ""));
    }
    assert_ne!(typing.ask("2"), process);
    // One, unless the machine was busy elsewhere for a tenth of a second.
    let count = reasons(typing, 0).0.len();
    assert!((1..20).contains(&count), "started again {count} times");
}

#[test]
fn a_signal_ends_it_whatever_the_handler_does() {
    let starting = says("waits").replace("while", "echo up >&2; sleep 1000; while");
    for (handler, log) in
        [(says("well"), "has changed"), ("#!/bin/bash\nexit 3\n".into(), "exit status 3"), (starting, "up")]
    {
        let mut typing = watching(&says("old")).start();
        assert_eq!(typing.ask("1"), "\"old\"");
        save(typing.folder(), "handler", &handler);
        typing.wait_log(log);
        typing.signal(Signal::SIGTERM);
        typing.end().expect_status(0);
    }
}

#[test]
fn a_handler_is_followed_wherever_it_lies() {
    for name in ["../elsewhere/handler", "link"] {
        let script = format!("cd here && exec \"$0\" --watch {name}");
        let shell =
            Shell::bare().program("elsewhere/handler", &says("one")).file("elsewhere/lib/words", "").file("here/x", "");
        std::os::unix::fs::symlink("../elsewhere/handler", shell.folder().join("here/link")).unwrap();
        std::os::unix::fs::symlink(".", shell.folder().join("here/circle")).unwrap();
        let bash = need("bash");
        let bootstrap = bootstrap().as_os_str();
        let mut typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref(), bootstrap]).start();
        assert_eq!(typing.ask("1"), "\"one\"");
        save(typing.folder(), "elsewhere/handler", &says("two"));
        assert_eq!(typing.ask("2"), "\"two\"", "{name}");
        typing.folder().write("elsewhere/lib/words", b"x", 0o644);
        typing.wait_log("words has changed");
        reasons(typing, 0);
    }
}

#[test]
fn a_linked_folder_is_watched_too() {
    let handler = "#!/bin/bash\n. lib/greeting.sh\nwhile read -r e; do echo $x; done\n";
    let shell = Shell::bare().program("here/handler", handler).file("shared/greeting.sh", "x=1");
    std::os::unix::fs::symlink("../shared", shell.folder().join("here/lib")).unwrap();
    let (bash, bootstrap) = (need("bash"), bootstrap().as_os_str());
    let script = "cd here && exec \"$0\" --watch ./handler";
    let mut typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref(), bootstrap]).start();
    assert_eq!(typing.ask("0"), "1");
    save(typing.folder(), "shared/greeting.sh", "x=2");
    assert_eq!(typing.ask("0"), "2");
    reasons(typing, 0);
}

#[test]
fn event_files_are_run_again() {
    let shell = watching(&says("one")).file("event.json", "1").file("other.json", "2 3");
    let typing = shell.arg("event.json").arg("other.json").start();
    typing.wait_stdout("\"one\"\n\"one\"\n\"one\"\n");
    save(typing.folder(), "handler", &says("two"));
    typing.wait_stdout("\"two\"\n\"two\"\n\"two\"\n");
    // An event is edited as often as a handler.
    save(typing.folder(), "handler", "#!/bin/bash\nwhile read -r e; do echo \"$e\"; done\n");
    typing.wait_stdout("1\n2\n3\n");
    save(typing.folder(), "event.json", "4");
    typing.wait_stdout("4\n2\n3\n");
    typing.signal(Signal::SIGINT);
    typing.end();
}

#[test]
fn on_lambda_nothing_is_an_option() {
    let function = crate::harness::Function::empty().arg("--watch").arg("handler");
    function.expect_init_error("Runtime.HandlerNotFound", "--watch").run();
}

#[test]
fn without_it_nothing_is_watched() {
    let mut typing = Shell::new(&works("", "")).start();
    let process = typing.ask("1");
    save(typing.folder(), "handler", &says("new"));
    assert_eq!(typing.ask("2"), process);
    reasons(typing, 0);
}
