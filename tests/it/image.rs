//! `./build.sh image` and the Dockerfile: really built, and run as Lambda and as a shell would.

use crate::harness::files::Folder;
use crate::harness::images::{self, Image, output_of, run, text_of, with_store};
use crate::harness::{Function, Shell};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds in the project's folder; one at a time, so that what one has built is cached for the next.
#[track_caller]
fn build(arguments: &[&str]) -> String {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock();
    output_of(with_store("sh").arg("build.sh").arg("image").args(arguments).current_dir(root()))
}

/// A function in an image, with these settings for `buildah`.
fn function() -> Function {
    images::settings().fold(Function::empty(), |function, (name, value)| function.env(name, value))
}

#[track_caller]
fn expect_on_lambda(image: &Image, event: &str, answer: &str) {
    let running = function().start_as(image.on_lambda());
    for _ in 0..3 {
        assert_eq!(running.call(event).value(), answer);
    }
}

/// The image on a shell.
fn shell(image: &Image, command: Option<&str>) -> Shell {
    let line = image.on_a_shell(command);
    let line: Vec<&OsStr> = line.iter().map(OsStr::new).collect();
    images::settings().fold(Shell::bare(), |shell, (name, value)| shell.env(name, value)).through(&line)
}

#[track_caller]
fn expect_on_a_shell(image: &Image, command: Option<&str>, event: &str, answer: &str) {
    // Typed, because buildah may lose what is in a pipe that is closed before it looks.
    let mut shell = shell(image, command).start();
    assert_eq!(shell.ask(event), answer);
    shell.close_stdin();
    shell.end().expect_status(0);
}

#[test]
fn a_folder_becomes_a_function_on_lambdas_own_base() {
    let said = build(&["examples/hello", "--tag", "it-hello"]);
    assert!(said.ends_with("built the image it-hello"), "{said}");
    let image = Image::named("it-hello");
    assert_eq!(image.config("Entrypoint"), &json!(["/var/runtime/bootstrap"]));
    assert_eq!(image.config("Cmd"), &json!(["handler.sh"]));
    assert_eq!(image.config("WorkingDir"), "/var/task");
    assert_eq!(image.config("User"), "65534:65534");
    assert_eq!(image.config("Labels")["com.amazonaws.lambda.feature.snapstart"], "Allow");
    let files: Vec<_> =
        fs::read_dir(image.root().join("var/task")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["handler.sh"]);

    expect_on_lambda(&image, r#"{"name":"Ada"}"#, r#"{"greeting":"Hello, Ada!"}"#);
    expect_on_a_shell(&image, None, r#"{"name":"Ada"}"#, r#"{"greeting":"Hello, Ada!"}"#);
    expect_on_a_shell(&image, Some("handler.sh"), r#"{"name":"Ada"}"#, r#"{"greeting":"Hello, Ada!"}"#);
}

#[test]
fn a_function_in_lisp_runs_on_debian_with_sbcl() {
    build(&["examples/sbcl-form", "--base", "sbcl", "--tag", "it-sbcl"]);
    let image = Image::named("it-sbcl");
    // Quotes and parentheses, all the way through.
    assert_eq!(image.config("Cmd"), &json!([r#"(load"main.lisp")(multiplier'10)"#]));
    let (event, response) = ("examples/sbcl-form/event.json", "examples/sbcl-form/response.json");
    let text = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    expect_on_lambda(&image, text(event).trim(), text(response).trim());
}

#[test]
fn a_private_folder_is_readable_for_lambda_and_its_settings_hold() {
    let folder = Folder::new();
    let handler = "#!/bin/sh\nread -r all; printf '%s|%s|%s' \"$GREETING\" \"$(cat lib/name)\" \"$all\"\n";
    folder.write("Words/one.sh", handler.as_bytes(), 0o700);
    folder.write("Words/lib/name", b"a name\n", 0o600);
    folder.write("Words/env", b"_HANDLER=one.sh\nHANDLER_MODE=oneshot\nGREETING=\"$5\" \\o/\n", 0o600);
    let words = folder.path().join("Words");
    build(&["--base", "debian", words.to_str().unwrap()]);
    // Called as its folder is.
    let image = Image::named("words");
    let task = image.root().join("var/task");
    assert!(!task.join("env").exists());
    assert_eq!(fs::metadata(task.join("lib")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::metadata(task.join("lib/name")).unwrap().mode() & 0o777, 0o644);
    expect_on_lambda(&image, "[1]\n", r#""\"$5\" \\o/|a name|[1]""#);
}

#[test]
fn a_change_of_the_sources_leaves_the_dependencies_as_they_are() {
    let folder = Folder::new();
    let copy = "tar -cf - .build .cargo .dockerignore Cargo.lock Cargo.toml Dockerfile build.sh handlers src | tar -xf - -C \"$0\"";
    output_of(Command::new("sh").args(["-c", copy]).arg(folder.path()).current_dir(root()));
    build(&["--tag", "it-before"]);
    let before = folder.read("src/main.rs");
    let changed = "fn main() -> ExitCode {\n    if std::env::args().any(|word| word == \"--version\") {\n        println!(\"changed 0.1.0\");\n        return ExitCode::SUCCESS;\n    }";
    let main = before.replacen("fn main() -> ExitCode {", changed, 1);
    assert_ne!(main, before);
    folder.write("src/main.rs", main.as_bytes(), 0o644);
    // As after a checkout of something old.
    output_of(Command::new("touch").args(["--date=2020-01-01", "src/main.rs"]).current_dir(folder.path()));
    let mut command = with_store("sh");
    let said = output_of(command.args(["build.sh", "image", "--tag", "it-after"]).current_dir(folder.path()));
    let cached = |step: &str| {
        let behind = said.lines().skip_while(|line| !line.contains(step)).nth(1);
        behind.unwrap_or_else(|| panic!("no {step}: {said}")).contains("Using cache")
    };
    assert!(cached("RUN mkdir src"), "{said}");
    assert!(!cached("RUN touch src/main.rs"), "{said}");
    let after = Image::named("it-after");
    shell(&after, Some("--version")).run().expect_stdout("changed 0.1.0\n").expect_status(0);
}

/// Runs it where nothing of it can succeed.
fn refuse(folder: &Folder, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    fs::create_dir_all(folder.path().join("tmp")).unwrap();
    let mut command = Command::new("/bin/sh");
    command.arg(root().join("build.sh")).arg("image").args(arguments).current_dir(folder.path());
    command.env("TMPDIR", folder.path().join("tmp")).env("IMAGE_TOOL", "false").envs(settings.iter().copied());
    run(&mut command)
}

#[test]
fn bad_input_is_told_what_to_type_and_leaves_nothing() {
    let folder = Folder::new();
    folder.write("empty/README.md", b"", 0o644);
    folder.write("two/handler.sh", b"", 0o755);
    folder.write("two/handler.py", b"", 0o755);
    folder.write("good/handler.sh", b"", 0o755);
    folder.write("has space/handler.sh", b"", 0o755);
    let two = "two has several handlers, handler.py handler.sh. Say which it is: --handler HANDLER";
    for (arguments, wanted) in [
        (&["nowhere"][..], "there is no folder"),
        (&["empty"], "empty has no file handler.*"),
        (&["two"], two),
        (&["good", "two"], "image takes one folder: good or two?"),
        (&["good", "--base"], "--base wants a value"),
        (&["--bass", "debian"], "no option --bass"),
        (&["--handler", "x"], "./build.sh image DIR --handler HANDLER"),
        (&["good", "--arch", "mips"], "there is no architecture mips on Lambda"),
        (&["has space"], "cannot be called has space: give it a name with --tag"),
        (&["good", "--tag", "Good"], "cannot be called Good"),
    ] {
        let output = refuse(&folder, arguments, &[]);
        let said = text_of(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    // The tool fails.
    assert_eq!(refuse(&folder, &["good"], &[]).status.code(), Some(1));
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_tool_is_chosen_that_works() {
    let folder = Folder::new();
    folder.write("good/handler.sh", b"", 0o755);
    let bin = folder.path().join("bin");
    let path = |more: &str| format!("{}{more}", bin.display());
    let said = |path: &str, tool: &str| {
        let output = refuse(&folder, &["good", "--arch", "arm64"], &[("PATH", path), ("IMAGE_TOOL", tool)]);
        text_of(&output)
    };
    let programs =
        "awk basename chmod cp cut dirname find grep head ls mkdir mktemp mv readlink rm sed sort tr uname uniq";
    for program in programs.split(' ') {
        folder.write(
            &format!("bin/{program}"),
            format!("#!/bin/sh\nexec /usr/bin/{program} \"$@\"\n").as_bytes(),
            0o755,
        );
    }
    let none = said(&path(""), "");
    assert!(none.contains("images need docker with its engine running, podman or buildah. Install one:"), "{none}");
    let missing = said(&path(""), "buildah");
    assert!(missing.contains("IMAGE_TOOL=buildah cannot be run"), "{missing}");

    // Programs that say what they are asked for; docker has no engine at first.
    folder.write("bin/docker", b"#!/bin/sh\nexit 1\n", 0o755);
    folder.write("bin/podman", b"#!/bin/sh\necho \"podman <$*>\"\n", 0o755);
    let podman = said(&path(""), "");
    let base = "podman <build --platform=linux/arm64 --build-arg BASE=public.ecr.aws/lambda/provided:al2023 --build-arg PACKAGES= \
                --build-arg BUILDPLATFORM=linux/";
    let base = format!("{base}{} --tag lambda-stdio:al2023 .>", images::architecture());
    assert!(podman.contains(&base), "{podman}");
    assert!(podman.contains("podman <build --platform=linux/arm64 --tag good "), "{podman}");
    folder.write("bin/docker", b"#!/bin/sh\necho \"docker <$*> $BUILDX_NO_DEFAULT_ATTESTATIONS\"\n", 0o755);
    let docker = said(&path(""), "");
    assert!(docker.contains("--build-arg PACKAGES= --tag lambda-stdio:al2023 .> 1"), "{docker}");
    assert!(!docker.contains("podman"), "{docker}");
    assert!(said(&path(""), "podman").contains(&base));
}
