//! docs/deploying.md: each snippet that has a file's name is that file, and the tool that it is for takes it.
//!
//! SAM, CDK and Serverless Framework are large, and come with `LAMBDA_STDIO_LARGE=1 ./build.sh test`; what stands here for them is
//! not run without that.

use crate::harness::files::{Folder, need, spawn};
use crate::harness::tools::tool;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The snippets with names, as files; and beside each tool's, what it is told to find there.
fn snippets() -> Folder {
    let folder = Folder::new();
    let text = page("deploying.md");
    let mut names = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (head, body) = block.split_once('\n').unwrap();
        if let Some((_, name)) = head.split_once(' ') {
            folder.write(name, format!("{body}\n").as_bytes(), 0o644);
            names.push(name.to_owned());
        }
    }
    assert!(names.len() >= 14, "{names:?}");
    for name in names.iter().filter_map(|name| name.split_once('/')).map(|(place, _)| place) {
        let place = folder.path().join(name);
        for inside in ["hello", "out"] {
            fs::create_dir_all(place.join(inside)).unwrap();
        }
        if name != "hello" {
            fs::copy(folder.path().join("hello/handler.sh"), place.join("hello/handler.sh")).unwrap();
            // Nobody runs it there.
            fs::write(place.join("hello/bootstrap"), "#!/bin/sh\n").unwrap();
            for zip in ["hello.zip", "lambda-stdio.zip"] {
                run(Command::new(need("zip"))
                    .args(["-qj", &format!("out/{zip}"), "hello/bootstrap"])
                    .current_dir(&place));
            }
        }
    }
    folder
}

/// Runs it to its end: its status, and all that it said.
fn output(command: &mut Command) -> (bool, String) {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(command).wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let (well, said) = output(command);
    assert!(well, "{command:?}: {said}");
    said
}

fn large_tools_are_asked_for() -> bool {
    let asked = std::env::var("LAMBDA_STDIO_LARGE").as_deref() == Ok("1");
    if !asked {
        eprintln!("this test installs much: LAMBDA_STDIO_LARGE=1 runs it");
    }
    asked
}

/// One of the large tools, with a home of its own and nobody to talk to.
fn large(program: &str, folder: &Path) -> Command {
    let tools: PathBuf = tool("python").ancestors().nth(2).unwrap().with_file_name("tools-large");
    let program = if program == "node" { need("node") } else { tools.join(program) };
    assert!(
        program.is_file(),
        "this test needs {}: LAMBDA_STDIO_LARGE=1 ./build.sh test installs it",
        program.display()
    );
    let mut command = Command::new(need("timeout"));
    command
        .arg("300")
        .arg(program)
        .current_dir(folder)
        .env("HOME", folder)
        .env("NODE_PATH", tools.join("node_modules"));
    for (name, value) in [
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("SAM_CLI_TELEMETRY", "0"),
        ("SLS_TELEMETRY_DISABLED", "1"),
        ("CDK_OUTDIR", "cdk.out"),
    ] {
        command.env(name, value);
    }
    command
}

#[test]
fn what_the_page_says_of_versions_is_what_is_installed() {
    let page = page("deploying.md");
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (large, small) = (read(".build/large.sh"), read("tests/python-tools.txt"));
    for (list, package, said) in [
        (&large, "aws-sam-cli==", "`sam build` ("),
        (&large, "aws-cdk-lib@", "aws-cdk-lib "),
        (&large, "osls@", "`osls package` ("),
        (&small, "cfn-lint==", "cfn-lint ("),
    ] {
        let version =
            list.split_once(package).unwrap().1.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap();
        assert!(page.contains(&format!("{said}{version})")), "the page does not say {said}{version})");
    }
}

#[test]
fn links_lead_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for name in ["deploying.md", "customer-managed-runtimes.md"] {
        let text = page(name);
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("https://") {
                continue;
            }
            assert!(file.is_empty() || folder.join(file).exists(), "{name}: {link}");
            let titled = |line: &str| {
                let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                line.starts_with('#') && title.replace(|c: char| !c.is_alphanumeric() && c != '-', "") == part
            };
            assert!(part.is_empty() || !file.is_empty() || text.lines().any(titled), "{name}: {link}");
        }
    }
}

#[test]
fn the_handler_answers_and_yaml_is_yaml() {
    let folder = snippets();
    let answer =
        run(Command::new("sh").args(["-c", "echo '{\"a\":1}' | bash hello/handler.sh"]).current_dir(folder.path()));
    assert_eq!(answer, "{\"length\":7}\n");
    let script = "import sys, yaml\nfor file in sys.argv[1:]:\n    assert yaml.safe_load(open(file))['jobs']";
    let workflows = ["deploy.yml", "runtime.yml"].map(|name| folder.path().join("github/.github/workflows").join(name));
    run(Command::new(tool("python")).args(["-c", script]).args(workflows));
    run(Command::new(tool("cfn-lint")).arg(folder.path().join("cloudformation-image/template.yaml")));
}

#[test]
fn sam_takes_them() {
    if !large_tools_are_asked_for() {
        return;
    }
    let folder = snippets();
    for way in ["sam-zip", "sam-layer", "sam-image"] {
        let place = folder.path().join(way);
        for words in [&["validate", "--lint"][..], &["build"]] {
            run(large("bin/sam", &place).args(words));
        }
        let mut built: Vec<_> =
            place.join(".aws-sam/build/Hello").read_dir().into_iter().flatten().collect::<Result<_, _>>().unwrap();
        built.sort_by_key(fs::DirEntry::file_name);
        let names: Vec<_> = built.iter().map(fs::DirEntry::file_name).collect();
        assert_eq!(names, if way == "sam-zip" { &["bootstrap", "handler.sh"][..] } else { &[] }, "{way}");
    }
}

#[test]
fn cdk_makes_the_function_of_them() {
    if !large_tools_are_asked_for() {
        return;
    }
    let folder = snippets();
    for (way, runtime) in
        [("zip", "provided.al2023"), ("layer", "provided.al2023"), ("image", ""), ("runtime", "custom")]
    {
        let place = folder.path().join(format!("cdk-{way}"));
        run(large("node", &place).arg("app.js"));
        let template: Value =
            serde_json::from_slice(&fs::read(place.join("cdk.out/Hello.template.json")).unwrap()).unwrap();
        let mut resources = template["Resources"].as_object().unwrap().values();
        let function = &resources.find(|resource| resource["Type"] == "AWS::Lambda::Function").unwrap()["Properties"];
        assert_eq!(function["Runtime"].as_str().unwrap_or_default(), runtime, "{way}");
        assert_eq!(function["Timeout"], 30, "{way}");
        assert_eq!(function["Layers"].is_array(), way == "layer");
        assert_eq!(function["PackageType"] == "Image", way == "image");
        assert_eq!(function["RuntimeConfig"]["RuntimeAlias"] == "live", way == "runtime");
    }
}

#[test]
fn serverless_framework_packages_them() {
    if !large_tools_are_asked_for() {
        return;
    }
    let folder = snippets();
    for way in ["zip", "layer", "image"] {
        let place = folder.path().join(format!("serverless-{way}"));
        run(large("node_modules/.bin/osls", &place).arg("package"));
        let template = fs::read(place.join(".serverless/cloudformation-template-update-stack.json")).unwrap();
        let template: Value = serde_json::from_slice(&template).unwrap();
        let function = &template["Resources"]["HelloLambdaFunction"]["Properties"];
        assert_eq!(function["Timeout"], 30, "{way}");
        assert_eq!(function["Layers"].is_array(), way == "layer");
        assert_eq!(function["PackageType"] == "Image", way == "image");
    }
}
