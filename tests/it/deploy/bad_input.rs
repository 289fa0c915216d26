//! What `deploy.sh` says when something is missing or wrong, before it has changed anything: each time what to type.

use super::account::{Output, checkout, deploy_sh, finish};
use crate::harness::files::Folder;
use crate::harness::need;
use crate::harness::tools::{free_port, tool};
use std::os::unix::fs::symlink;

/// A checkout with an out/hello.zip.
fn built() -> Folder {
    let folder = checkout();
    folder.write("out/hello.zip", b"not looked into", 0o644);
    folder
}

fn run(folder: &Folder, words: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = deploy_sh(folder);
    command.args(words.split(' ').filter(|word| !word.is_empty())).envs(environment.iter().copied());
    let output = finish(&mut command);
    let left = folder.path().join("tmp").read_dir().unwrap().count();
    assert_eq!(left, 0, "temporary files are left");
    output
}

#[track_caller]
fn fails(folder: &Folder, words: &str, environment: &[(&str, &str)], said: &[&str]) {
    let output = run(folder, words, environment).expect_status(1);
    assert_eq!(output.stdout, "");
    for part in said {
        assert!(output.stderr.contains(part), "{words}: {part:?} is not in\n{}", output.stderr);
    }
}

#[test]
fn help_has_every_command() {
    let folder = checkout();
    for words in ["", "help", "--help", "function --help"] {
        let help = run(&folder, words, &[]).expect_status(0).stdout;
        for command in
            ["function DIR", "layer ZIP", "url NAME", "invoke NAME", "logs NAME", "delete NAME", "delete-layer NAME"]
        {
            assert!(help.contains(&format!("\n  {command} ")), "{command} is missing:\n{help}");
        }
    }
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let folder = built();
    fails(&folder, "deploy hello", &[], &["There is no command deploy", "deploy.sh help"]);
    fails(&folder, "function", &[], &["function wants a DIR"]);
    fails(&folder, "function examples/hello examples/jq", &[], &["What is examples/jq?"]);
    fails(&folder, "function examples/hello --public", &[], &["does not take --public", "--handler"]);
    fails(&folder, "function examples/hello --timeout", &[], &["--timeout wants a value"]);
    for timeout in ["3ms", "s", "0", "1801", "31m", "1h", "99999999999"] {
        fails(
            &folder,
            &format!("function examples/hello --timeout {timeout}"),
            &[],
            &["--timeout ", &format!(", not {timeout}\n")],
        );
    }
    fails(&folder, "function examples/hello --memory 1GB", &[], &["whole numbers, not 1GB"]);
    fails(&folder, "function examples/hello --arch mips", &[], &["x86_64 or arm64, not mips"]);
    fails(&folder, "function examples/hello --name a.b", &[], &["'a.b' cannot be a name", "--name"]);
}

#[test]
fn a_folder_or_a_zip_that_is_not_there() {
    let folder = checkout();
    fails(&folder, "function examples/none", &[], &["There is no folder examples/none"]);
    let build = "There is no out/hello.zip. Build it: ./build.sh function examples/hello";
    fails(&folder, "function examples/hello/ --yes", &[], &[build]);
    fails(
        &folder,
        "layer out/lambda-stdio.zip --yes",
        &[],
        &["There is no out/lambda-stdio.zip. Build it: ./build.sh"],
    );
    folder.write("out/hello.zip", &vec![0; (50 << 20) + 1], 0o644);
    fails(&folder, "function examples/hello --yes", &[], &["out/hello.zip is too large", "50 MiB"]);
}

#[test]
fn options_may_come_first_and_zips_are_where_build_sh_puts_them() {
    let folder = checkout();
    fails(&folder, "--yes --region eu-west-1 function examples/none", &[], &["There is no folder examples/none"]);
    fails(&folder, "runtime --alias test roll-out x", &[], &["runtime roll-out wants a NAME and a VERSION"]);
    // Wherever it is called from.
    let mut command = deploy_sh(&folder);
    command.current_dir(folder.path().join("home"));
    let mut elsewhere = std::process::Command::new(folder.path().join("examples/deploy.sh"));
    elsewhere.current_dir(folder.path().join("home")).args(["function", "../examples/hello"]);
    elsewhere.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = finish(&mut elsewhere).expect_status(1).stderr;
    assert!(said.contains(&format!("There is no {}/out/hello.zip", folder.path().display())), "{said}");
}

#[test]
fn a_bootstrap_for_another_processor() {
    let folder = checkout();
    need("unzip");
    let mut elf = vec![0; 64];
    elf[18] = 0xb7;
    folder.write("bootstrap", &elf, 0o755);
    let zip = ["-m", "zipfile", "-c", "out/hello.zip", "bootstrap"];
    finish(std::process::Command::new(tool("python")).args(zip).current_dir(folder.path())).expect_status(0);
    let wrong = ["The bootstrap in out/hello.zip is for arm64", "--arch x86_64"];
    fails(&folder, "function examples/hello --arch x86_64", &[], &wrong);
}

#[test]
fn variables_that_are_none() {
    let folder = built();
    folder.write("env", b"AA=1\nBB 2\n", 0o644);
    fails(&folder, "function examples/hello --env env", &[], &["env: line 2 is not NAME=VALUE: BB 2"]);
    folder.write("env", b"AA=1\nB=2\n", 0o644);
    fails(
        &folder,
        "function examples/hello --env env",
        &[],
        &["env: Lambda takes names of two and more letters", "B=2"],
    );
    folder.write("env", b"_HANDLER=(load \"a\")\n", 0o644);
    fails(&folder, "function examples/hello --env env", &[], &["Lambda takes no blanks in a handler"]);
    fails(&folder, "function examples/hello --env none", &[], &["There is no none"]);
}

#[test]
fn without_the_aws_cli() {
    let folder = built();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    for program in [
        "sh", "awk", "basename", "cat", "cut", "dirname", "grep", "mktemp", "od", "paste", "rm", "sed", "tr", "uname",
        "unzip", "wc",
    ] {
        symlink(need(program), folder.path().join("bin").join(program)).unwrap();
    }
    let path = folder.path().join("bin");
    let path = [("PATH", path.to_str().unwrap())];
    fails(&folder, "function examples/hello", &path, &["The AWS CLI is missing", "pip install awscli"]);
}

#[test]
fn without_a_region_or_credentials() {
    let folder = built();
    let region = ["Which region?", "--region eu-west-1", "aws configure"];
    fails(&folder, "function examples/hello --yes", &[("AWS_DEFAULT_REGION", "")], &region);
    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let credentials = ["There are no credentials", "aws configure", "AWS_PROFILE"];
    for words in ["function examples/hello --yes", "invoke hello"] {
        fails(&folder, words, &nobody, &credentials);
    }
    let profile = ["AWS_PROFILE names a profile that is not there", "aws configure list-profiles"];
    fails(&folder, "logs hello", &[("AWS_PROFILE", "nobody")], &profile);
}

#[test]
fn where_nobody_answers() {
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let said = ["Nobody answers there", &nowhere, "This failed: aws sts get-caller-identity"];
    fails(&built(), "function examples/hello --yes", &[("AWS_ENDPOINT_URL", &nowhere)], &said);
}
