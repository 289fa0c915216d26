//! The package that `cargo publish` would send: what is compiled, what its readers need, and no more; and one program in the
//! whole repository that `cargo install` can mean.

use crate::harness::files::spawn;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What cargo says.
fn cargo(arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).arg("--offline").current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn package() -> Value {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version=1"], root());
    serde_json::from_str::<Value>(&metadata).unwrap()["packages"][0].take()
}

/// All files below a folder of the repository, by their paths from its root.
fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap().map(Result::unwrap) {
        let path = entry.path();
        let is_built = path.file_name().is_some_and(|name| name == "target") && folder.join("Cargo.toml").exists();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && !is_built && !path.join(".git").exists() => below(&path, files),
            kind if kind.is_file() => files.push(path.strip_prefix(root()).unwrap().to_owned()),
            _ => {}
        }
    }
}

fn repository() -> Vec<PathBuf> {
    let mut files = Vec::new();
    below(root(), &mut files);
    files
}

/// Whether cargo looks into all folders on the way to this file for packages.
fn is_looked_at(file: &Path) -> bool {
    !file.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
}

#[test]
fn it_holds_what_is_needed_and_no_more() {
    let listed = cargo(&["package", "--list", "--allow-dirty"], root());
    // What cargo makes itself.
    let made = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];
    let listed: BTreeSet<_> = listed.lines().filter(|file| !made.contains(file)).map(PathBuf::from).collect();
    let wanted = |file: &PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str());
        (file.starts_with("src") && ending == Some("rs")) || (file.starts_with("handlers") && ending != Some("md"))
    };
    let mut wanted: BTreeSet<_> = repository().into_iter().filter(wanted).collect();
    assert!(wanted.len() > 50, "{wanted:?}");
    wanted.extend(["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"].map(PathBuf::from));
    let difference: Vec<_> = listed.symmetric_difference(&wanted).collect();
    assert!(difference.is_empty(), "too much or too little in the package: {difference:?}");
}

#[test]
fn each_file_that_is_compiled_in_is_in_it() {
    let listed = cargo(&["package", "--list", "--allow-dirty"], root());
    let listed: BTreeSet<_> = listed.lines().map(PathBuf::from).collect();
    let mut found = 0;
    for source in listed.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")) {
        let text = fs::read_to_string(root().join(source)).unwrap();
        for (at, call) in text.match_indices("include_str!(\"") {
            let name = text[at + call.len()..].split('"').next().unwrap();
            let path = root().join(source).parent().unwrap().join(name).canonicalize().expect(name);
            let path = path.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
            assert!(
                listed.contains(&path),
                "{} includes {}, which is not in the package",
                source.display(),
                path.display()
            );
            found += 1;
        }
    }
    assert!(found > 5);
}

#[test]
fn it_says_what_a_registry_wants_to_know() {
    let package = package();
    for field in ["description", "license", "repository", "readme", "rust_version"] {
        assert!(package[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", package[field]);
    }
    let keywords = package["keywords"].as_array().unwrap();
    assert!((1..=5).contains(&keywords.len()), "a registry takes five keywords: {keywords:?}");
    assert!(!package["categories"].as_array().unwrap().is_empty());
    assert!(package["publish"].is_null(), "it can be published");
    // The version is in one place. What else names one must name this.
    let version = package["version"].as_str().unwrap();
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(changes.contains(&format!("\n## {version}")), "CHANGELOG.md says nothing of {version}");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let repository = package["repository"].as_str().unwrap();
    for (at, _) in readme.match_indices("https://github.com/") {
        let address = readme[at..].split(['"', ' ', '\n', ')']).next().unwrap();
        assert!(address.starts_with(repository), "the README names another repository than Cargo.toml: {address}");
    }
}

#[test]
fn binstall_finds_the_binary_in_the_releases_layers() {
    let workflow = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    let binstall = &package()["metadata"]["binstall"];
    assert_eq!(binstall["pkg-fmt"], "zip");
    let targets = binstall["overrides"].as_object().unwrap();
    assert_eq!(targets.len(), 4);
    for (target, place) in targets {
        let arch = if target.starts_with("aarch64") { "arm64" } else { "x86_64" };
        let wanted = format!("{{ repo }}/releases/download/v{{ version }}/lambda-stdio-{arch}.zip");
        assert_eq!(place["pkg-url"], wanted.as_str(), "{target}");
        assert!(workflow.contains(&format!("arch: {arch}")));
    }
}

#[test]
fn cargo_install_need_not_ask_which_program_is_meant() {
    let manifests = repository().into_iter().filter(|file| file.ends_with("Cargo.toml") && is_looked_at(file));
    let mut programs = Vec::new();
    for manifest in manifests {
        let folder = root().join(&manifest).parent().unwrap().to_owned();
        let metadata: Value =
            serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version=1"], &folder)).unwrap();
        for package in metadata["packages"].as_array().unwrap() {
            let targets = package["targets"].as_array().unwrap();
            let bins = targets.iter().filter(|target| target["kind"][0] == "bin");
            programs.extend(bins.map(|bin| format!("{} {}", package["name"], bin["name"])));
        }
    }
    assert_eq!(programs, ["\"lambda-stdio\" \"bootstrap\""]);
}

#[test]
fn a_tag_becomes_a_release_only_if_all_say_the_same() {
    let package = package();
    let (version, repository) = (package["version"].as_str().unwrap(), package["repository"].as_str().unwrap());
    let (server, name) = repository.split_at("https://github.com".len());
    let check = |tag: &str, repository: &str| {
        let mut command = Command::new(root().join(".ci/check-release"));
        command.envs([("GITHUB_SERVER_URL", server), ("GITHUB_REPOSITORY", repository), ("GITHUB_REF_NAME", tag)]);
        let output = spawn(command.stderr(Stdio::piped())).wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (tag, name) = (format!("v{version}"), &name[1..]);
    assert_eq!(check(&tag, name), (true, String::new()));
    for (tag, name, message) in [
        ("v99.0.0", name, format!("the tag is v99.0.0, and the version in Cargo.toml is {version}")),
        (&tag, "someone/else", format!("Cargo.toml says repository = \"{repository}\"")),
    ] {
        let (success, said) = check(tag, name);
        assert!(!success && said.contains(&message), "{said}");
    }
}

#[test]
fn the_fuzzer_knows_each_of_its_programs() {
    let folder = root().join("tests/fuzz/.cargo-fuzz");
    let metadata = cargo(&["metadata", "--no-deps", "--format-version=1"], &folder);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let targets = metadata["packages"][0]["targets"].as_array().unwrap();
    let paths = targets.iter().filter(|target| target["kind"][0] == "bin").map(|bin| bin["src_path"].as_str().unwrap());
    let known: BTreeSet<_> = paths.map(|path| Path::new(path).canonicalize().expect(path)).collect();
    let programs = root().join("tests/fuzz/fuzz_targets").read_dir().unwrap();
    let programs: BTreeSet<_> = programs.map(|entry| entry.unwrap().path().canonicalize().unwrap()).collect();
    assert_eq!(known, programs);
}

#[test]
fn what_running_and_building_leave_is_no_change() {
    // The README's commands, `build.sh`, and the `build.sh` of examples.
    let left = [
        "examples/python-handler/__pycache__/app.cpython-313.pyc",
        "__pycache__/x.pyc",
        "out/hello.zip",
        "target/release/bootstrap",
        "examples/c/handler",
        "examples/java/Handler.class",
        "examples/sbcl-one-fasl/main.fasl",
    ];
    let folder = crate::harness::files::Folder::new();
    for file in left {
        folder.write(file, b"", 0o644);
    }
    folder.write("examples/c/handler.c", b"", 0o644);
    folder.write(".gitignore", &fs::read(root().join(".gitignore")).unwrap(), 0o644);
    let git = |words: &[&str]| {
        let mut command = Command::new(crate::harness::need("git"));
        command.args(words).current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").stdout(Stdio::piped());
        let output = spawn(command.env("GIT_CONFIG_NOSYSTEM", "1")).wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    assert_eq!(git(&["status", "--porcelain", "--untracked-files=all"]), "?? .gitignore\n?? examples/c/handler.c\n");
}
