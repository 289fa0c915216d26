//! `./build.sh runtime`: the image of a customer-managed runtime, really built, and its functions run as Lambda would run them.
//!
//! Where AWS does not say whether the image's entrypoint, user and variables count, none of them is used here: `bootstrap` is
//! started at its place, with what Lambda sets for zips, by an unprivileged user in a root that is read-only.

use crate::harness::files::Folder;
use crate::harness::images::{Image, output_of, run, text_of, with_store};
use crate::harness::{Function, Running, need};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// Builds in the project's folder; one at a time, so that what one has built is cached for the next.
#[track_caller]
fn build(arguments: &[&str]) -> String {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    output_of(with_store("sh").arg("build.sh").arg("runtime").args(arguments).current_dir(root))
}

/// The runtime with languages, built once.
fn with_languages() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        build(&["--with", "python,node,ruby", "--tag", "it-languages"]);
        "it-languages".to_owned()
    })
}

/// Makes a root of `$1`, and `bootstrap` in it a process of Lambda's user, with `$2` as the function's folder.
const SANDBOX: &str = r#"
set -e
root=$1 task=$2 # and $3 is chroot, which Lambda's PATH leads to only by chance
mount --bind "$root" "$root"
mkdir -p "$root/tmp" "$root/proc" "$root/dev" "$root/var/task" "$root/opt"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mount --bind "$task" "$root/var/task"
mount -o remount,bind,ro "$root/var/task"
mount -o remount,bind,ro "$root"
exec "$3" --userspec=993:990 --groups=993 "$root" /var/runtime/bootstrap
"#;

/// Starts a function of this runtime, whose zip has nothing but its own files.
#[track_caller]
fn start(image: &Image, function: Function) -> Running {
    fs::set_permissions(function.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(need("unshare"));
    command.args(["--mount", "--propagation=private"]).arg(need("sh")).args(["-c", SANDBOX, "sh"]);
    command.arg(image.root()).arg(function.folder()).arg(need("chroot"));
    let mark = function.folder().to_owned();
    let libraries = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";
    function
        .without_env("TMPDIR")
        .env("TEST_FOLDER", mark)
        .env("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin")
        .env("LD_LIBRARY_PATH", libraries)
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .env("LAMBDA_TASK_ROOT", "/var/task")
        .env("LAMBDA_RUNTIME_DIR", "/var/runtime")
        .start_as(command)
}

#[test]
fn it_is_one_index_for_both_architectures_and_nothing_beside_them() {
    let said = build(&["--tag", "it-runtime-index"]);
    assert!(said.contains("built the image it-runtime-index for linux/amd64,linux/arm64."), "{said}");
    // Built once more it is the same, not one with four.
    build(&["--tag", "it-runtime-index"]);
    let folder = Folder::new();
    let layout = folder.path().join("layout");
    let place = format!("oci:{}:v1", layout.display());
    output_of(with_store("buildah").args(["manifest", "push", "--all", "--format", "oci", "it-runtime-index", &place]));
    let blob = |digest: &Value| -> Value {
        let path = layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let top: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    assert_eq!(top["manifests"][0]["mediaType"], "application/vnd.oci.image.index.v1+json");
    let index = blob(&top["manifests"][0]["digest"]);
    let mut images = index["manifests"].as_array().unwrap().clone();
    let platform =
        |image: &Value| format!("{}/{}", image["platform"]["os"], image["platform"]["architecture"]).replace('"', "");
    // In which order they are built is the tool's business.
    images.sort_by_key(platform);
    assert_eq!(images.iter().map(platform).collect::<Vec<_>>(), ["linux/amd64", "linux/arm64"]);

    // In each, bootstrap is for that processor, in the place where Lambda looks.
    for (image, machine) in images.iter().zip([0x3e, 0xb7]) {
        let layers = blob(&image["digest"])["layers"].clone();
        let unpack =
            r#"cd "$1" && shift && for layer; do tar -xzf "$layer" var/runtime/bootstrap 2>/dev/null || :; done"#;
        let root = Folder::new();
        let mut tar = Command::new(need("sh"));
        tar.args(["-c", unpack, "sh"]).arg(root.path());
        for layer in layers.as_array().unwrap() {
            tar.arg(layout.join("blobs").join(layer["digest"].as_str().unwrap().replace(':', "/")));
        }
        output_of(&mut tar);
        let bootstrap = root.path().join("var/runtime/bootstrap");
        assert_eq!(fs::read(&bootstrap).unwrap()[18], machine);
        assert_eq!(bootstrap.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }
}

#[test]
fn a_function_on_it_is_its_handler_alone() {
    build(&["--tag", "it-runtime"]);
    let image = Image::named("it-runtime");
    let loop_ = "#!/bin/bash\nwhile read -r event; do echo \"[$event, $(id -u), \\\"$PWD\\\"]\"; done\n";
    let running = start(&image, Function::empty().program("handler.sh", loop_).handler("handler.sh"));
    for number in 1..=3 {
        assert_eq!(running.call(number.to_string()).response_text(), format!("[{number}, 993, \"/var/task\"]"));
    }
    // Nobody may write where Lambda lets nobody.
    let touch = "#!/bin/bash\nfor place in /var/task /opt / /var/runtime /tmp; do ! touch $place/x 2>/dev/null || echo \"\\\"$place\\\"\"; done\n";
    let function = Function::empty().program("touch", touch).handler("touch").mode("oneshot");
    assert_eq!(start(&image, function).call("1").response_text(), "\"/tmp\"");
    // What is not there is an error at the start.
    let running = start(&image, Function::empty().handler("missing.sh"));
    running.init_error("Runtime.HandlerNotFound", "missing.sh");
}

#[test]
fn languages_are_where_lambdas_paths_lead() {
    let image = Image::named(with_languages());
    let source = "import os, sys\ndef handler(event, context):\n    return [event, sys.prefix, os.getuid()]\n";
    let running = start(&image, Function::empty().file("app.py", source).handler("app.handler"));
    for number in 1..=2 {
        let answer = running.call(number.to_string()).json();
        assert_eq!(answer, serde_json::json!([number, "/var/lang", 993]));
    }
    for language in ["node", "ruby"] {
        let script = format!("#!/bin/sh\necho \"\\\"$(command -v {language}) $({language})\\\"\"\n");
        let function = Function::empty().program("which", script).handler("which").mode("oneshot");
        let answer = start(&image, function).call("1").json();
        assert_eq!(answer, format!("/var/lang/bin/{language} {language}"));
    }
}

#[test]
fn lisp_is_this_machines() {
    let arch = if cfg!(target_arch = "x86_64") { "x86_64" } else { "arm64" };
    build(&["--with", "sbcl", "--arch", arch, "--tag", "it-runtime-sbcl"]);
    let image = Image::named("it-runtime-sbcl");
    let source = "(defun handler (event headers) (declare (ignore headers))
                    (format nil \"[~A, ~S]\" event (namestring sb-ext:*runtime-pathname*)))";
    let running = start(&image, Function::empty().file("main.lisp", source).handler("main.handler"));
    assert_eq!(running.call("1").response_text(), "[1, \"/var/lang/bin/sbcl\"]");
    assert!(!running.stderr().contains("WARNING"), "{}", running.stderr());
}

#[test]
fn bad_input_is_told_what_to_type() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    for (arguments, wanted) in [
        (&["--with", "cobol"][..], "there is no language cobol: --with takes python, node, ruby and sbcl"),
        (&["--with", "sbcl"], "a runtime with it is for one architecture, this\n  machine's: --with sbcl --arch "),
        (&["--tag", "Mine"], "cannot be called Mine"),
        (&["examples/hello"], "runtime takes no examples/hello"),
        (&["--arch", "mips"], "there is no architecture mips on Lambda"),
    ] {
        let mut command = Command::new(need("sh"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.sh")).arg("runtime").args(arguments);
        command.env("IMAGE_TOOL", "false").env("TMPDIR", folder.path().join("tmp")).current_dir(folder.path());
        let output = run(&mut command);
        let said = text_of(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn docker_is_asked_for_both_at_once() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    let docker = "#!/bin/sh\n[ \"$1\" = version ] || { echo \"docker <$*> $BUILDX_NO_DEFAULT_ATTESTATIONS\"; for f; do :; done; \
                  tail -n 2 \"$f/../Dockerfile\"; exit \"$STATUS\"; }\n";
    folder.write("docker", docker.as_bytes(), 0o755);
    let ask = |status: &str| {
        let mut command = Command::new(need("sh"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.sh")).args(["runtime", "--with", "ruby:3.3"]);
        command.env("IMAGE_TOOL", folder.path().join("docker")).env("STATUS", status);
        command.env("TMPDIR", folder.path().join("tmp"));
        let output = run(&mut command);
        (output.status.code(), text_of(&output))
    };
    let (status, said) = ask("0");
    assert_eq!(status, Some(0), "{said}");
    for part in [
        "docker <build --platform linux/amd64,linux/arm64 --build-arg BASE=public.ecr.aws/lambda/provided:al2023 ",
        " --tag lambda-stdio:runtime /",
        "/root> 1\n",
        "\nCOPY --from=public.ecr.aws/lambda/ruby:3.3 /var/lang /var/lang\n",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let (status, said) = ask("1");
    assert_eq!(status, Some(1));
    assert!(said.contains("needs its containerd image store"), "{said}");
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}
