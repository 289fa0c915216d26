//! Container images, built by buildah, which needs no engine, in a store of the tests' own.
//!
//! The registries of the images in the Dockerfile's FROM lines may not be reached, so others stand in for them: a small Debian
//! for Debian's and for Lambda's own, and for Rust's the same with a C compiler and this machine's toolchain. Lambda's images
//! with languages have Debian's Python where Lambda has it, and programs that only say their names for Node.js and Ruby. Lambda's
//! are for both architectures, and nearly empty for the one that nothing here could run.

use super::files::{Folder, need, search_path, spawn};
use serde_json::Value;
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// The release of Debian that the Dockerfile is for.
const DEBIAN: &str = "trixie";
const DEBIAN_IMAGE: &str = "docker.io/library/debian:trixie-slim";
const LAMBDA_IMAGE: &str = "public.ecr.aws/lambda/provided:al2023";
const RUST_IMAGE: &str = "docker.io/library/rust:1.95-slim-trixie";
const PYTHON_IMAGE: &str = "public.ecr.aws/lambda/python:3.14";
const NODE_IMAGE: &str = "public.ecr.aws/lambda/nodejs:24";
const RUBY_IMAGE: &str = "public.ecr.aws/lambda/ruby:3.4";
/// What is in those that are for both architectures, by names of their own, lest they count as left over.
const FOREIGN: &str = "localhost/stand-in:foreign";
const LANGUAGES: &str = "localhost/stand-in:languages";

/// The store's settings, as variables of the environment.
static SETTINGS: LazyLock<Vec<(String, String)>> = LazyLock::new(make_store);

/// What mounts something does so in a namespace of its own: whoever is killed in the middle of it leaves no mount behind.
const UNSHARE: [&str; 3] = ["unshare", "--mount", "--propagation=private"];

/// `buildah`, or another program that is to use the store. Builds give way: other tests look at the clock.
pub fn with_store(program: &str) -> Command {
    command(program, &SETTINGS)
}

fn command(program: &str, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(need(UNSHARE[0]));
    command.args(&UNSHARE[1..]).arg(need("nice")).arg(need(program));
    command.env("PATH", search_path()).envs(settings.iter().cloned());
    command
}

/// What it prints, less the last newline. It must succeed.
#[track_caller]
pub fn output_of(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}", text_of(&output));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs it to its end, without a standard input.
pub fn run(command: &mut Command) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command).wait_with_output().unwrap()
}

/// All that it said.
pub fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn make_store() -> Vec<(String, String)> {
    assert!(nix::unistd::geteuid().is_root(), "the tests of images make images from folders: run them as root");
    // In the target folder, so that the next run finds the images that stand in.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    fs::create_dir_all(&folder).unwrap();
    let (storage, containers) = (folder.join("storage.conf"), folder.join("containers.conf"));
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(&storage, format!("[storage]\ngraphroot = {:?}\nrunroot = {:?}\n", path("graph"), path("run"))).unwrap();
    // What is mounted into every container need not be copied: the toolchain, and the authorities that this machine trusts.
    let toolchain = output_of(Command::new("rustc").args(["--print", "sysroot"]));
    // Which has to have what the Dockerfile would fetch.
    for target in ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"] {
        if !Path::new(&toolchain).join("lib/rustlib").join(target).exists() {
            output_of(Command::new("rustup").args(["target", "add", target]));
        }
    }
    let mounts = [format!("{toolchain}:/usr/local/rust:ro"), "/etc/ssl/certs:/etc/ssl/certs:ro".to_owned()];
    fs::write(&containers, format!("[containers]\nvolumes = {mounts:?}\n")).unwrap();
    let mut settings: Vec<_> = [
        ("CONTAINERS_STORAGE_CONF", storage.to_str().unwrap()),
        ("CONTAINERS_CONF", containers.to_str().unwrap()),
        ("BUILDAH_ISOLATION", "chroot"),
        ("BUILDAH_LAYERS", "true"),
        ("IMAGE_TOOL", "buildah"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    // Overlays are a copy per layer faster, but not every file system bears them.
    let overlay = ("STORAGE_DRIVER".to_owned(), "overlay".to_owned());
    let bears_overlays = run(command("buildah", &settings).envs([overlay.clone()]).arg("info")).status.success();
    settings.push(if bears_overlays { overlay } else { ("STORAGE_DRIVER".to_owned(), "vfs".to_owned()) });

    let buildah = |args: &[&str]| output_of(command("buildah", &settings).args(args));
    // What an earlier run has left, or an interrupted one. Nothing is cached across runs but the images that stand in.
    buildah(&["rm", "--all"]);
    let stand_ins = [DEBIAN_IMAGE, LAMBDA_IMAGE, RUST_IMAGE, PYTHON_IMAGE, NODE_IMAGE, RUBY_IMAGE, FOREIGN, LANGUAGES];
    let present =
        |name: &str| run(command("buildah", &settings).args(["inspect", "--type=image", name])).status.success();
    for image in buildah(&["images", "--format", "{{.Name}}:{{.Tag}}"]).lines() {
        if !stand_ins.contains(&image) && !image.starts_with("<none>") {
            // An index is named like an image, and not deleted as one.
            let index = run(command("buildah", &settings).args(["manifest", "exists", image])).status.success();
            let words = if index { ["manifest", "rm"] } else { ["rmi", "--force"] };
            buildah(&[words[0], words[1], image]);
        }
    }
    buildah(&["rmi", "--prune", "--force"]);
    if !stand_ins.into_iter().all(present) {
        for image in stand_ins {
            for words in [["manifest", "rm", image], ["rmi", "--force", image]] {
                run(command("buildah", &settings).args(words));
            }
        }
        make_stand_ins(&buildah);
        make_lambdas(&buildah);
    }
    settings
}

fn make_stand_ins(buildah: &dyn Fn(&[&str]) -> String) {
    let folder = Folder::new();
    let tree = folder.path().join(DEBIAN);
    let tree = tree.to_str().unwrap();
    output_of(Command::new(need("nice")).arg(need("debootstrap")).args(["--variant=minbase", DEBIAN, tree]));
    let container = buildah(&["from", "scratch"]);
    buildah(&["add", "--quiet", &container, tree, "/"]);
    buildah(&["commit", "--quiet", "--rm", &container, DEBIAN_IMAGE]);

    let container = buildah(&["from", DEBIAN_IMAGE]);
    let install = "apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && apt-get clean";
    buildah(&["run", &container, "--", "sh", "-c", install]);
    let path = "PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    buildah(&["config", "--env", path, &container]);
    buildah(&["commit", "--quiet", "--rm", &container, RUST_IMAGE]);
}

/// Lambda's own images, bare and with languages, each an index of both architectures.
fn make_lambdas(buildah: &dyn Fn(&[&str]) -> String) {
    let container = buildah(&["from", DEBIAN_IMAGE]);
    // As in Lambda's images: all of it is in /var/lang, and its libraries are found by the path that Lambda sets.
    let python = "apt-get update && apt-get install -y --no-install-recommends python3
        mkdir -p /var/lang/bin /var/lang/lib
        cp -P /usr/bin/python3 /usr/bin/python3.* /var/lang/bin/
        cp -R /usr/lib/python3.* /var/lang/lib/
        cp -P /usr/lib/*/libexpat.so.1* /var/lang/lib/
        for name in node ruby; do
            printf '#!/bin/sh\\necho %s\\n' $name >/var/lang/bin/$name && chmod 755 /var/lang/bin/$name
        done";
    buildah(&["run", &container, "--", "sh", "-ec", python]);
    buildah(&["commit", "--quiet", "--rm", &container, LANGUAGES]);

    let folder = Folder::new();
    folder.write("var/lang/bin/machine", b"foreign\n", 0o644);
    let container = buildah(&["from", "scratch"]);
    buildah(&["config", "--arch", other_architecture(), &container]);
    buildah(&["add", "--quiet", &container, folder.path().to_str().unwrap(), "/"]);
    buildah(&["commit", "--quiet", "--rm", &container, FOREIGN]);

    for (name, here) in
        [(LAMBDA_IMAGE, DEBIAN_IMAGE), (PYTHON_IMAGE, LANGUAGES), (NODE_IMAGE, LANGUAGES), (RUBY_IMAGE, LANGUAGES)]
    {
        buildah(&["manifest", "create", name]);
        for image in [here, FOREIGN] {
            buildah(&["manifest", "add", name, &format!("containers-storage:{image}")]);
        }
    }
}

/// What container tools call this machine's architecture, and the other one.
pub fn architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
}

pub fn other_architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") { "arm64" } else { "amd64" }
}

/// An image, and a container made from it, which is deleted with this.
pub struct Image {
    config: Value,
    container: String,
    root: OnceCell<Folder>,
}

impl Image {
    #[track_caller]
    pub fn named(name: &str) -> Self {
        let name = format!("localhost/{name}");
        let shown = output_of(with_store("buildah").args(["inspect", "--type=image", &name]));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let container = output_of(with_store("buildah").args(["from", &name]));
        Self { config: shown["OCIv1"]["config"].clone(), container, root: OnceCell::new() }
    }

    /// What its configuration says.
    pub fn config(&self, name: &str) -> &Value {
        &self.config[name]
    }

    /// Its entrypoint with its command, or with this one.
    fn command_line(&self, command: Option<&str>) -> Vec<String> {
        let words =
            |name: &str| -> Vec<String> { serde_json::from_value(self.config[name].clone()).unwrap_or_default() };
        let mut line = words("Entrypoint");
        line.extend(command.map_or_else(|| words("Cmd"), |word| vec![word.to_owned()]));
        line
    }

    /// A command that runs it as Lambda does: its own command, and the user that Lambda has for functions.
    pub fn on_lambda(&self) -> Command {
        // The Runtime API's address, and what marks the processes of this test, are not known before it runs.
        let pass = r#"exec unshare --mount --propagation=private buildah run --env "AWS_LAMBDA_RUNTIME_API=$AWS_LAMBDA_RUNTIME_API" --env "TEST=$TMPDIR" "$@""#;
        let mut command = Command::new(need("sh"));
        command.args(["-c", pass, "sh", "--user=993:990", &self.container, "--"]).args(self.command_line(None));
        command
    }

    /// The same on a shell: as the image's own user, with its own command or with this one.
    pub fn on_a_shell(&self, command: Option<&str>) -> Vec<String> {
        let words = [&UNSHARE[..], &["buildah", "run", &self.container, "--"]].concat();
        let mut line: Vec<_> = words.into_iter().map(str::to_owned).collect();
        line.extend(self.command_line(command));
        line
    }

    /// A copy of its files: they are mounted for as long as that takes.
    pub fn root(&self) -> PathBuf {
        let root = self.root.get_or_init(|| {
            let folder = Folder::new();
            let script = r#"cp -a "$(buildah mount "$1")/." "$2"; buildah umount "$1""#;
            let words = ["-ec", script, "sh", &self.container, folder.path().to_str().unwrap()];
            output_of(with_store("sh").args(words));
            folder
        });
        root.path().to_owned()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        run(with_store("buildah").args(["rm", &self.container]));
    }
}

/// The store's settings, for a builder of commands that takes them one by one.
pub fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    SETTINGS.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
