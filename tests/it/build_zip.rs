//! `./build.sh` and `./build.sh function`: what is in the zips, that they run, that they are the same each time, and what is
//! said when something is missing.

use crate::examples;
use crate::harness::building::{Build, checkout, entries, on_lambda, unzip};
use crate::harness::fifo::Fifo;
use crate::harness::files::bootstrap;
use crate::harness::files::{Folder, spawn};
use crate::harness::{Function, need};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const LOOP: &str = "#!/usr/bin/env bash\nwhile read -r event; do echo \"[$event]\"; done\n";

/// `./build.sh function hello`, for a folder with one handler in it.
fn hello() -> Build {
    Build::new("function -o out hello").packing_the_tested().file("hello/handler.sh", LOOP, 0o755)
}

#[test]
fn the_binary_is_built_and_is_a_layer() {
    let built = Build::new("-o out").succeed();
    assert_eq!(built.made(), ["bootstrap", "lambda-stdio.zip"]);
    assert_eq!(entries(&built.out("lambda-stdio.zip")), ["-rwxr-xr-x bootstrap"]);
    let place = built.stdout.lines().find_map(|line| line.strip_prefix("build.sh: built ")).unwrap();
    let binary = fs::read(place).unwrap();
    assert!(fs::read(built.out("bootstrap")).unwrap() == binary, "out/bootstrap is not {place}");
    assert_eq!(built.out("bootstrap").metadata().unwrap().permissions().mode() & 0o777, 0o755);

    // With the layer, a function is its handler alone.
    let layer = built.out("lambda-stdio.zip");
    let handler = built.folder.path().join("handler.zip");
    let script = built.folder.path().join("echo.sh");
    fs::write(&script, LOOP).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(spawn(Command::new(need("zip")).args(["-qj"]).args([&handler, &script])).wait().unwrap().success());
    let function = on_lambda(&handler, Some(&layer), &["env", "bash"]);
    let running = function.handler("echo.sh").start();
    assert_eq!(running.call("1").response_text(), "[1]");
}

#[test]
fn a_function_is_unpacked_into_an_empty_root_and_serves_events() {
    let built = hello().succeed();
    assert_eq!(built.made(), ["hello.zip"]);
    assert_eq!(entries(&built.out("hello.zip")), ["-rwxr-xr-x bootstrap", "-rwxr-xr-x handler.sh"]);
    assert_eq!(built.told("handler to"), ["handler.sh"]);
    let function = on_lambda(&built.out("hello.zip"), None, &["env", "bash"]);
    let running = function.handler("handler.sh").start();
    for number in 1..=3 {
        assert_eq!(running.call(number.to_string()).response_text(), format!("[{number}]"));
    }
}

#[test]
fn every_example_is_packed_and_does_with_what_it_is_told_to_set() {
    // What those with requirements run is installed, in a container image.
    let is_packed = |name: &String| !examples::root().join(name).join("requirements.txt").exists();
    for name in examples::names().into_iter().filter(is_packed) {
        let packing = Build::new("function -o out").word(examples::root().join(&name)).packing_the_tested();
        let built = packing.succeed();
        let names: Vec<_> = entries(&built.out(&format!("{name}.zip")));
        for left_out in ["README.md", "event.json", "response.json", "env", "build.sh"] {
            assert!(!names.iter().any(|entry| entry.ends_with(left_out)), "{name}: {names:?}");
        }
        let [handler] = built.told("handler to")[..] else { panic!("{name}: {}", built.stdout) };
        let mut function = Function::empty().handler(handler);
        for setting in built.told("variable") {
            let (variable, value) = setting.split_once('=').unwrap();
            function = function.env(variable, value);
        }
        unzip(&built.out(&format!("{name}.zip")), function.folder());
        let running = function.by("/var/task/bootstrap").start();
        let text = |file: &str| fs::read_to_string(examples::root().join(&name).join(file)).unwrap();
        let answer: Value = serde_json::from_slice(running.call(text("event.json")).response()).unwrap();
        assert_eq!(answer, serde_json::from_str::<Value>(&text("response.json")).unwrap(), "{name}");
    }
}

#[test]
fn what_belongs_to_a_function_is_in_the_zip() {
    let packing = hello()
        .file("hello/app/[id].js", "exports.f = 1", 0o600)
        .file("hello/app/é.txt", "é", 0o640)
        .file("hello/app/.hidden", "needed by a library", 0o644)
        .file("hello/app/README.md", "a library's", 0o644)
        .file("hello/-run me", "#!/bin/sh", 0o711)
        .file("hello/.env", "SECRET=1", 0o644)
        .file("hello/.git/HEAD", "", 0o644)
        .file("hello/README.md", "", 0o644)
        .file("hello/event.json", "", 0o644)
        .file("hello/app/__pycache__/a.pyc", "", 0o644)
        .file("hello/old.fasl", "", 0o644)
        .file("hello/new.lisp", "", 0o644)
        .file("hello/env", "HANDLER_MODE=loop\n_HANDLER=-run me\nGREETING=hello, \"you\"\n", 0o644);
    symlink("é.txt", packing.folder.path().join("hello/app/link")).unwrap();
    // A fasl that is older than its source would not be loaded here, and is not to be there.
    let touch = |name: &str, age: u64| {
        let file = fs::File::options().append(true).create(true).open(packing.folder.path().join(name)).unwrap();
        let now = std::time::SystemTime::now();
        file.set_modified(now - std::time::Duration::from_secs(age)).unwrap();
    };
    touch("hello/old.fasl", 60);
    touch("hello/old.lisp", 0);
    touch("hello/new.lisp", 60);
    touch("hello/new.fasl", 0);
    let built = packing.succeed();
    assert_eq!(
        entries(&built.out("hello.zip")),
        [
            "-rwxr-xr-x -run me",
            "-rw-r--r-- app/.hidden",
            "-rw-r--r-- app/README.md",
            "-rw-r--r-- app/[id].js",
            "lrwxrwxrwx app/link",
            "-rw-r--r-- app/é.txt",
            "-rwxr-xr-x bootstrap",
            "-rwxr-xr-x handler.sh",
            "-rw-r--r-- new.fasl",
            "-rw-r--r-- new.lisp",
            "-rw-r--r-- old.lisp",
        ]
    );
    assert_eq!(built.told("handler to"), ["-run me"]);
    assert_eq!(built.told("variable"), ["HANDLER_MODE=loop", "GREETING=hello, \"you\""]);
    let folder = Folder::new();
    unzip(&built.out("hello.zip"), folder.path());
    assert_eq!(folder.read("app/link"), "é");
}

#[test]
fn the_handler_is_told_where_it_can_be() {
    let told = |files: &[(&str, u32)]| {
        let mut packing = Build::new("function -o out f").packing_the_tested();
        for (name, mode) in files {
            packing = packing.file(&format!("f/{name}"), "", *mode);
        }
        packing.succeed().told("handler to").join(" and ")
    };
    assert_eq!(told(&[("run", 0o755)]), "run");
    assert_eq!(told(&[("app.py", 0o644), ("lib/b.py", 0o644)]), "app.FUNCTION");
    assert_eq!(told(&[("handler", 0o755), ("other", 0o755)]), "handler");
    assert_eq!(told(&[("main.lisp", 0o644), ("main.fasl", 0o644)]), "main.FUNCTION");
    assert_eq!(told(&[("hello.ros", 0o644)]), "hello.ros");
    assert_eq!(told(&[("a.py", 0o644), ("b", 0o755)]), "what bootstrap is to run, such as a.FUNCTION");
    assert_eq!(told(&[("lib/b.py", 0o644)]), "what bootstrap is to run, such as lib/b.FUNCTION");
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let files = [("b.py", 0o644), ("a/x", 0o600), ("A", 0o755), ("é", 0o644)];
    let pack = |order: &[usize], umask: &str, time: &str, zone: &str, locale: &str| {
        let copy = checkout();
        let mut packing = Build::of(copy.path(), "function -o out f").packing_the_tested();
        for at in order {
            packing = packing.file(&format!("f/{}", files[*at].0), files[*at].0, files[*at].1);
        }
        for (name, mode) in files {
            let path = packing.folder.path().join("f").join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(spawn(Command::new(need("touch")).args(["-d", time]).arg(path)).wait().unwrap().success());
        }
        packing = packing.env("TZ", zone).env("LC_ALL", locale).env("ZIPOPT", "-0");
        let mask = u32::from_str_radix(umask, 8).unwrap();
        let mut through = Command::new(need("bash"));
        through.args(["-c", &format!("umask {mask:o}; exec \"$0\" \"$@\"")]).arg(packing.command.get_program());
        through.args(packing.command.get_args()).current_dir(packing.folder.path()).env_clear();
        through.envs(packing.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        packing.command = through;
        fs::read(packing.succeed().out("f.zip")).unwrap()
    };
    let first = pack(&[0, 1, 2, 3], "022", "2020-01-01T00:00:00Z", "UTC", "C");
    let second = pack(&[3, 2, 0, 1], "077", "2031-07-01T12:34:57Z", "Pacific/Auckland", "C.UTF-8");
    assert!(first == second, "two zips of the same files are {} and {} bytes", first.len(), second.len());
}

#[test]
fn a_build_sh_is_run_in_a_copy() {
    let script = "#!/bin/sh\ncat </dev/null; printf '#!/bin/sh\\n' >made; chmod +x made; rm raw\n";
    let packing = Build::new("function -o out f").packing_the_tested();
    let built = packing.file("f/build.sh", script, 0o755).file("f/raw", "", 0o644).succeed();
    assert_eq!(entries(&built.out("f.zip")), ["-rwxr-xr-x bootstrap", "-rwxr-xr-x made"]);
    assert!(built.folder.path().join("f/raw").exists() && !built.folder.path().join("f/made").exists());

    let packing = Build::new("function -o out f").packing_the_tested();
    let built = packing.file("f/build.sh", "#!/bin/sh\necho no compiler >&2; exit 7", 0o755);
    assert!(built.fail("f/build.sh failed, with status 7").stderr.contains("no compiler"));
}

#[test]
fn what_is_there_is_replaced_at_the_end_and_kept_until_then() {
    let built = hello().file("out/hello.zip", "old", 0o644).file("out/other", "", 0o644).succeed();
    assert_eq!(built.made(), ["hello.zip", "other"]);
    assert_eq!(entries(&built.out("hello.zip")).len(), 2);
    let built = hello().file("out/hello.zip", "old", 0o644).file("hello/build.sh", "#!/bin/sh\nexit 1", 0o755).run();
    assert_eq!(built.status, Some(1));
    assert_eq!(built.made(), ["hello.zip"]);
    assert_eq!(fs::read_to_string(built.out("hello.zip")).unwrap(), "old");
}

#[test]
fn a_signal_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let packing =
            hello().file("hello/build.sh", "#!/bin/sh\necho started >../../../started\nexec sleep 60\n", 0o755);
        let started = Fifo::line(packing.folder.path(), "started");
        let Build { mut command, folder } = packing;
        // timeout(1) would take the signal for its own.
        command = {
            let words: Vec<_> = command.get_args().skip(2).map(ToOwned::to_owned).collect();
            // Whoever runs the tests may ignore SIGHUP, which a shell cannot undo.
            let mut plain = Command::new("env");
            plain.arg("--default-signal").args(&words).current_dir(folder.path());
            plain.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            plain
        };
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = spawn(&mut command);
        started.hear();
        killpg(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success(), "{signal}: {status}");
        assert!(!folder.path().join("out").exists(), "{signal}: something was left behind");
    }
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let pack = |words: &str| Build::new(&format!("function -o out {words}")).packing_the_tested();
    pack("").fail("which function? Type: ./build.sh function DIR");
    pack("nowhere").fail("there is no folder nowhere");
    pack("handler.sh").file("handler.sh", LOOP, 0o755).fail("handler.sh is no folder");
    pack("a b").fail("function takes one folder: a or b?");
    let packing = pack("empty");
    fs::create_dir(packing.folder.path().join("empty")).unwrap();
    packing.fail("empty has no handler");
    pack("f").file("f/data.txt", "", 0o644).file("f/.hidden.py", "", 0o644).fail("f has no handler");
    pack("f").file("f/bootstrap", LOOP, 0o755).fail("f/bootstrap is where lambda-stdio's own is to be");
    pack("lambda-stdio").file("lambda-stdio/a.py", "", 0o644).fail("lambda-stdio would become lambda-stdio.zip");
    Build::new("function").packing_the_tested().word(env!("CARGO_MANIFEST_DIR")).fail(env!("CARGO_MANIFEST_DIR"));
    let packing = Build::new("function f -o f/out").packing_the_tested().file("f/a.py", "", 0o644);
    let built = packing.fail("the zip cannot be in the folder that is packed");
    assert!(!built.folder.path().join("f/out").exists());

    for (target, message) in [
        ("/etc/passwd", "f/link is a link that leads out of the folder"),
        ("../secret", "f/link is a link that leads out of the folder"),
        ("nowhere", "f/link is a link that leads nowhere"),
    ] {
        let packing = pack("f").file("f/a.py", "", 0o644).file("secret", "", 0o644);
        symlink(target, packing.folder.path().join("f/link")).unwrap();
        packing.fail(message);
    }
    let packing = pack("f").file("f/a.py", "", 0o644);
    drop(Fifo::line(&packing.folder.path().join("f"), "pipe"));
    packing.fail("neither a file nor a folder");
}

#[test]
fn what_is_wrong_with_a_command_line_is_said() {
    for (words, message) in [
        ("bild", "there is no command bild. See ./build.sh help"),
        ("--fast", "bootstrap has no option --fast. See ./build.sh help"),
        ("function f --with yason", "function has no option --with. See ./build.sh help"),
        ("bootstrap -o", "-o wants a value. See ./build.sh help"),
        ("bootstrap somewhere", "bootstrap takes no somewhere. See ./build.sh help"),
        ("bootstrap --arch=i386", "there is no architecture i386 on Lambda: --arch x86_64 or --arch arm64"),
        ("bootstrap -o out --bootstrap nowhere", "there is no file "),
        ("bootstrap -o out --bootstrap /bin/sh --arch", "--arch wants a value"),
    ] {
        Build::new(words).fail(message);
    }
    let packing = Build::new("bootstrap -o out --bootstrap script").file("script", LOOP, 0o755);
    let script = packing.folder.path().join("script");
    packing.fail(&format!("{} is no program for Linux on x86_64 or arm64", script.display()));
    Build::new("bootstrap -o out --bootstrap /bin/sh").fail("/bin/sh is linked dynamically: it needs /lib");
    Build::new("test now").fail("test takes no now. See ./build.sh help");
    let help = Build::new("help").succeed().stdout;
    for word in ["bootstrap", "function DIR", "sbcl", "test", "-o DIR", "--arch", "--with", "--bootstrap FILE"] {
        assert!(help.contains(word), "{word} is not in the help");
    }
    // Wherever it stands, and before anything is done: `test` would install programs.
    for words in ["--help", "test --help", "function f -h", "--arch arm64 --help"] {
        assert_eq!(Build::new(words).succeed().stdout, help, "{words}");
    }
}

#[test]
fn options_may_come_before_the_command() {
    let bootstrap = env!("CARGO_BIN_EXE_bootstrap");
    let packing = Build::new(&format!("--bootstrap={bootstrap} -o out function hello"));
    assert_eq!(packing.file("hello/handler.sh", LOOP, 0o755).succeed().made(), ["hello.zip"]);
    assert_eq!(
        Build::new(&format!("-o out --bootstrap {bootstrap}")).succeed().made(),
        ["bootstrap", "lambda-stdio.zip"]
    );
}

#[test]
fn settings_are_read_whoever_wrote_them() {
    let env = "\u{feff}# a note\r\n\r\nexport _HANDLER=b.sh\r\n  export GREETING=a \"b\" # c\r\nEMPTY=\r\n";
    let built = hello().file("hello/b.sh", LOOP, 0o755).file("hello/env", env, 0o644).succeed();
    assert_eq!(built.told("handler to"), ["b.sh"]);
    assert_eq!(built.told("variable"), ["GREETING=a \"b\" # c", "EMPTY="]);
    for (env, message) in [
        ("A=1\nno setting\n", "hello/env: line 2 is not NAME=VALUE: no setting"),
        ("A B=1\n", "hello/env: line 1 is not NAME=VALUE: A B=1"),
        ("A=1\n\nA=2\n", "hello/env: line 3 sets A once more: it is set in line 1"),
    ] {
        let built = hello().file("hello/env", env, 0o644).run();
        assert_eq!(built.status, Some(1));
        assert!(built.stderr.contains(message), "{message:?} is not in {}", built.stderr);
        assert!(!built.folder.path().join("out").exists());
    }
}

#[test]
fn it_ends_cleanly_where_nobody_reads_on() {
    let unread = |mut packing: Build| {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        packing.command.stdin(Stdio::null()).stdout(write).stderr(Stdio::piped());
        let output = spawn(&mut packing.command).wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        packing.folder
    };
    // It is made by then, and what it was made of is gone.
    let folder = unread(hello());
    let left: Vec<_> = folder.path().join("out").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["hello.zip"]);
    let folder = unread(hello().file("hello/build.sh", "#!/bin/sh\n", 0o755));
    assert!(!folder.path().join("out").exists(), "something was left behind");
}

#[test]
fn a_build_behind_one_that_was_cut_short_is_a_build() {
    let mut packing =
        hello().file("hello/build.sh", "#!/bin/sh\nseq 10000 >&2\n", 0o755).file("hello/env", "A=1\nB=2\n", 0o644);
    let words: Vec<_> = packing.command.get_args().map(|word| format!("'{}'", word.display())).collect();
    let line = format!("'{}' {}", packing.command.get_program().display(), words.join(" "));
    for end in ["2>&1 | head -1", "| head -1"] {
        let mut cut = Command::new(need("sh"));
        cut.args(["-c", &format!("{line} {end}")]).current_dir(packing.folder.path()).env_clear();
        cut.envs(packing.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = spawn(cut.stdout(Stdio::piped()).stderr(Stdio::null())).wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1, "{end}");
        let out = packing.folder.path().join("out");
        let left: Vec<_> = out.read_dir().into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty() || left == ["hello.zip"], "{end}: {left:?}");
        let again = spawn(packing.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()));
        let again = again.wait_with_output().unwrap();
        assert!(again.status.success(), "{end}: {}", String::from_utf8_lossy(&again.stderr));
    }
}

#[test]
fn an_interpreter_that_lambda_has_not_is_told_of() {
    let packing = || Build::new("function -o out f").packing_the_tested();
    for (file, text, interpreter, runtime, image) in [
        ("app.py", "", "python3", "--with python", "--base docker.io/library/python:3.13-slim"),
        ("app.mjs", "", "node", "--with node", "--base docker.io/library/node:24-slim"),
        ("app.rb", "", "ruby", "--with ruby", "--base docker.io/library/ruby:3.4-slim"),
        ("app.lisp", "", "sbcl", "--with sbcl", "--base sbcl"),
        (
            "app",
            "#!/usr/bin/python3.13 -u\n",
            "python3.13",
            "--with python",
            "--base docker.io/library/python:3.13-slim",
        ),
        ("app", "#!/usr/bin/env -S LC_ALL=C jq -f\n", "jq", "--packages jq", "--base debian --packages jq"),
        ("app", "#! /usr/bin/env perl\r\n", "perl", "--packages perl", "--base debian --packages perl"),
    ] {
        let built = packing().file(&format!("f/{file}"), text, 0o644).succeed();
        for part in [
            &format!(" needs {interpreter}, which provided.al2023, Lambda's bare image, has not"),
            &format!("./build.sh runtime {runtime}\n"),
            &format!("./build.sh image f {image}\n"),
        ] {
            assert!(built.stderr.contains(part), "{part:?} is not in {}", built.stderr);
        }
    }
    for (file, text) in [
        ("app.sh", ""),
        ("app", "#!/bin/sh\n"),
        ("app", "#!/usr/bin/env bash\n"),
        ("app.awk", "#!/usr/bin/awk -f\n"),
        ("app", "#!/opt/bin/python3\n"),
        ("app", "\x7fELF"),
    ] {
        let built = packing().file(&format!("f/{file}"), text, 0o755).succeed();
        assert_eq!(built.stderr, "", "{file}: {text}");
    }
    // The zip has it.
    let built = packing().file("f/app", "#!/usr/bin/env lua\n", 0o755).file("f/bin/lua", "", 0o755).succeed();
    assert!(!built.stderr.contains("beware"), "{}", built.stderr);
}

#[test]
fn what_is_missing_is_said_with_what_to_type() {
    hello().without(&["zip"]).fail("zip is missing. Install it: ");
    Build::new("-o out").without(&["cargo"]).fail("cargo is missing. Install Rust 1.88 or newer: ");
    Build::new("sbcl -o out").without(&["sbcl"]).fail("sbcl is missing. Install it: ");
    Build::new("sbcl -o out").without(&["patchelf"]).fail("patchelf is missing. Install it: ");
    // The binary needs no zip.
    let built = Build::new("-o out").without(&["zip"]).fail("zip is missing. Install it: ");
    let place = built.stdout.lines().find_map(|line| line.strip_prefix("build.sh: built ")).unwrap();
    assert!(Path::new(place).is_file(), "{place} is said to be built, and is not there");
}

#[test]
fn another_architecture_is_built_for_or_it_is_said_what_to_type() {
    let (other, cpu, machine) =
        if cfg!(target_arch = "x86_64") { ("arm64", "aarch64", 0xb7) } else { ("x86_64", "x86_64", 0x3e) };
    let built = Build::new(&format!("-o out --arch {other}")).run();
    if built.status == Some(0) {
        assert_eq!(fs::read(built.out("bootstrap")).unwrap()[18], machine);
    } else {
        let (target, linker) = (format!("rustup target add {cpu}-unknown-linux-musl"), "-linux-gnu-gcc is missing");
        assert!(built.stderr.contains(&target) || built.stderr.contains(linker), "{}", built.stderr);
        assert!(!built.folder.path().join("out").exists());
    }
    let packing = Build::new(&format!("-o out --arch {other}")).packing_the_tested();
    packing.fail(&format!("{} is for ", bootstrap().display()));
    Build::new(&format!("sbcl -o out --arch {other}")).fail("SBCL makes its core by running");
}
