//! `deploy.sh runtime`, and functions on such a runtime: the real AWS CLI with botocore's newer models, against a server that
//! plays the part of Lambda that moto has not. In the place of the program that pushes images stands one that notes what it is told.

use super::account::{Account, Output};
use crate::harness::tools::tool;
use serde_json::json;
use std::process::Command;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:runtime/lambda-stdio";

/// `deploy.sh` with a `buildah` that has the image `lambda-stdio:runtime`, an index.
fn deploy(account: &Account, words: &str) -> Output {
    let buildah = "#!/bin/sh\ncase \"$*\" in 'manifest exists lambda-stdio:runtime') exit 0 ;; 'manifest exists '*) exit 1 ;; esac\n\
                   case $1 in login) cat >/dev/null ;; esac\necho \"$@\" >>pushed\n";
    account.folder().write("bin/buildah", buildah.as_bytes(), 0o755);
    let tool = account.folder().path().join("bin/buildah");
    account.run(&words.split(' ').collect::<Vec<_>>(), &[("IMAGE_TOOL", tool.to_str().unwrap())])
}

/// An account with a runtime of these versions.
fn published(versions: &[&str]) -> Account {
    let account = Account::new();
    account.core.has("lambda-stdio", versions);
    account
}

/// A zip without `bootstrap`.
fn zip_alone(account: &Account, name: &str, handler: &str) {
    let zip = format!("out/{name}.zip");
    let status = Command::new(tool("python"))
        .args(["-m", "zipfile", "-c", &zip, handler])
        .current_dir(account.folder().path())
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_runtime_is_published_and_a_dry_run_only_says_how() {
    let account = Account::new();
    let uri = format!("{REGISTRY}/lambda-stdio:v1.0.0");
    account.core.image(&uri, "ACTIVE");
    let dry = deploy(&account, "runtime publish lambda-stdio v1.0.0").expect_status(0);
    let commands: Vec<_> = dry.stdout.lines().filter(|line| !line.starts_with("export ")).collect();
    let login = format!("login --username AWS --password-stdin {REGISTRY}");
    let tool = account.folder().path().join("bin/buildah");
    let tool = tool.display();
    assert_eq!(
        commands,
        [
            "aws ecr create-repository --repository-name lambda-stdio --tags Key=lambda-stdio,Value=lambda-stdio",
            &format!("aws ecr get-login-password | {tool} {login}"),
            &format!("{tool} manifest push --all --format oci lambda-stdio:runtime docker://{uri}"),
            "aws lambda-core create-runtime --name lambda-stdio --description 'lambda-stdio: runs any program' --tags \
             lambda-stdio=lambda-stdio",
            &format!(
                "aws lambda-core create-runtime-version --runtime-name lambda-stdio --name v1.0.0 --image-uri {uri} --dry-run"
            ),
            &format!(
                "aws lambda-core create-runtime-version --runtime-name lambda-stdio --name v1.0.0 --image-uri {uri}"
            ),
            "aws lambda-core wait runtime-version-active --runtime-name lambda-stdio --name v1.0.0",
            "aws lambda-core create-runtime-alias --runtime-name lambda-stdio --name live --runtime-version v1.0.0",
            "aws lambda-core wait runtime-alias-active --runtime-name lambda-stdio --name live",
        ]
    );
    assert_eq!(account.core.changes(), "");
    assert_eq!(account.folder().read("pushed"), "");

    let made = deploy(&account, "runtime publish lambda-stdio v1.0.0 --yes").expect_status(0);
    assert!(made.stderr.contains("The version v1.0.0 of lambda-stdio is for x86_64 arm64"), "{}", made.stderr);
    assert_eq!(
        account.folder().read("pushed"),
        format!("{login}\nmanifest push --all --format oci lambda-stdio:runtime docker://{uri}\n")
    );
    assert_eq!(
        account.core.changes(),
        "CreateRuntime lambda-stdio\nCreateRuntimeVersion lambda-stdio v1.0.0\nCreateRuntimeAlias lambda-stdio live v1.0.0"
    );
    assert_eq!(account.core.states("lambda-stdio"), "ACTIVE v1.0.0=ACTIVE live=ACTIVE");
    // Again, it is there.
    let again = deploy(&account, "runtime publish lambda-stdio v1.0.0 --yes").expect_status(0);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(account.core.changes(), "");
}

#[test]
fn versions_are_rolled_out_and_back() {
    let account = published(&["v1", "v2", "v3"]);
    let show = || deploy(&account, "runtime show lambda-stdio").expect_status(0).stdout;
    assert!(show().contains("alias\tlive\tACTIVE\tv3"), "{}", show());
    deploy(&account, "runtime roll-back lambda-stdio").expect_status(0);
    assert_eq!(account.core.changes(), "");
    let back = deploy(&account, "runtime roll-back lambda-stdio --yes").expect_status(0);
    assert!(back.stderr.contains("runtime roll-out lambda-stdio v3 --alias live --yes"), "{}", back.stderr);
    assert_eq!(account.core.changes(), "UpdateRuntimeAlias lambda-stdio live v2");
    deploy(&account, "runtime roll-back lambda-stdio --yes").expect_status(0);
    assert_eq!(account.core.changes(), "UpdateRuntimeAlias lambda-stdio live v1");
    let none = deploy(&account, "runtime roll-back lambda-stdio --yes").expect_status(1);
    assert!(none.stderr.contains("There is no version of lambda-stdio before v1"), "{}", none.stderr);

    // One for those who try it first.
    deploy(&account, "runtime roll-out lambda-stdio v3 --alias test --yes").expect_status(0);
    assert_eq!(account.core.changes(), "CreateRuntimeAlias lambda-stdio test v3");
    let out = deploy(&account, "runtime roll-out lambda-stdio v3 --yes").expect_status(0);
    assert!(out.stderr.contains("Back: examples/deploy.sh runtime roll-out lambda-stdio v1"), "{}", out.stderr);
    assert_eq!(account.core.changes(), "UpdateRuntimeAlias lambda-stdio live v3");
    let missing = deploy(&account, "runtime roll-out lambda-stdio v9 --yes").expect_status(1);
    assert!(missing.stderr.contains("There is no version v9 of lambda-stdio"), "{}", missing.stderr);
}

#[test]
fn an_image_that_lambda_cannot_use_is_told_of() {
    let account = Account::new();
    // It is not there: Lambda's dry run says so, and nothing is made but the runtime.
    let refused = deploy(&account, "runtime publish lambda-stdio v1 --yes").expect_status(1);
    for part in [
        "there is no image",
        "This failed: aws lambda-core create-runtime-version",
        "Done before that: ",
        "the runtime lambda-stdio",
    ] {
        assert!(refused.stderr.contains(part), "{part:?} is not in {}", refused.stderr);
    }
    assert_eq!(account.core.states("lambda-stdio"), "ACTIVE");
    account.core.changes();
    // It is there, and nothing comes of it.
    account.core.image(&format!("{REGISTRY}/lambda-stdio:v1"), "FAILED");
    let failed = deploy(&account, "runtime publish lambda-stdio v1 --yes").expect_status(1);
    assert!(failed.stderr.contains("the version v1 is FAILED, and no reason is given"), "{}", failed.stderr);
    assert_eq!(account.core.changes(), "CreateRuntimeVersion lambda-stdio v1");
    let again = deploy(&account, "runtime publish lambda-stdio v1 --yes").expect_status(1);
    assert!(again.stderr.contains("is FAILED, and its name cannot be used again"), "{}", again.stderr);
    // What was there before is not offered for deletion.
    assert!(!failed.stderr.contains("runtime delete"), "{}", failed.stderr);
    // An image that is in the registry already is not pushed.
    std::fs::remove_file(account.folder().path().join("pushed")).unwrap();
    let image = format!("{REGISTRY}/other:1");
    account.core.image(&image, "ACTIVE");
    deploy(&account, &format!("runtime publish lambda-stdio v2 --image {image} --yes")).expect_status(0);
    assert_eq!(account.folder().read("pushed"), "");
}

#[test]
fn a_function_on_it_is_its_handler_alone_and_may_come_and_go() {
    let account = published(&["v1"]);
    account.zip("hello", "examples/hello/handler.sh");
    let with = deploy(&account, "function examples/hello --runtime lambda-stdio --yes").expect_status(1);
    assert!(with.stderr.contains("out/hello.zip has a bootstrap in it"), "{}", with.stderr);
    assert!(with.stderr.contains("./build.sh function examples/hello --bootstrap none"), "{}", with.stderr);
    assert_eq!(account.everything(), "");

    zip_alone(&account, "hello", "examples/hello/handler.sh");
    let none = deploy(&account, "function examples/hello --runtime lambda-stdio:beta --yes").expect_status(1);
    assert!(none.stderr.contains("There is no runtime lambda-stdio with an alias beta"), "{}", none.stderr);
    let dry = deploy(&account, "function examples/hello --runtime lambda-stdio").expect_status(0);
    let options = format!("--runtime custom --runtime-config RuntimeArn={ARN},RuntimeAlias=live");
    assert!(dry.stdout.contains(&options), "{}", dry.stdout);
    assert_eq!(account.everything(), "");
    deploy(&account, "function examples/hello --runtime lambda-stdio --arch arm64 --yes").expect_status(0);
    let config = Some(json!({"RuntimeArn": ARN, "RuntimeAlias": "live"}));
    assert_eq!(account.core.configuration("hello"), config);
    let settings = || account.function("hello");
    assert_eq!(settings(), "handler.sh custom 30 256 arm64 lambda-stdio-hello-eu-west-1 Active hello");

    // What is left out stays; and it may go back to the bare image, and come again.
    deploy(&account, "function examples/hello --arch arm64 --timeout 2m --yes").expect_status(0);
    assert_eq!(account.core.configuration("hello"), config);
    assert!(settings().starts_with("handler.sh custom 120 "), "{}", settings());
    account.zip("hello", "examples/hello/handler.sh");
    deploy(&account, "function examples/hello --runtime provided.al2023 --yes").expect_status(0);
    assert_eq!(account.core.configuration("hello"), None);
    assert!(settings().starts_with("handler.sh provided.al2023 "), "{}", settings());
    zip_alone(&account, "hello", "examples/hello/handler.sh");
    deploy(&account, &format!("function examples/hello --runtime {ARN}:live --yes")).expect_status(0);
    assert_eq!(account.core.configuration("hello"), config);

    // A runtime that is used is not deleted.
    let used = deploy(&account, "runtime delete lambda-stdio --yes").expect_status(1);
    assert!(used.stderr.contains("These functions use lambda-stdio, and would fail at once: hello"), "{}", used.stderr);
    // Another account's is not looked at, and another Region's is none.
    let theirs = ARN.replace("123456789012", "210987654321");
    deploy(&account, &format!("function examples/hello --runtime {theirs} --yes")).expect_status(0);
    let far = ARN.replace("eu-west-1", "us-east-1");
    let far = deploy(&account, &format!("function examples/hello --runtime {far} --yes")).expect_status(1);
    assert!(far.stderr.contains("is in another Region"), "{}", far.stderr);
}

#[test]
fn it_is_shared_deleted_and_restored() {
    let account = published(&["v1"]);
    let policy = "{\"Version\": \"2012-10-17\", \"Statement\": []}\n";
    account.folder().write("policy.json", policy.as_bytes(), 0o644);
    deploy(&account, "runtime share lambda-stdio policy.json").expect_status(0);
    assert_eq!(account.core.policy("lambda-stdio"), None);
    let shared = deploy(&account, "runtime share lambda-stdio policy.json --yes").expect_status(0);
    assert!(shared.stderr.contains(&format!("--runtime {ARN}")), "{}", shared.stderr);
    assert_eq!(account.core.policy("lambda-stdio").as_deref(), Some(policy));
    deploy(&account, "runtime unshare lambda-stdio --yes").expect_status(0);
    assert_eq!(account.core.policy("lambda-stdio"), None);
    account.core.changes();

    deploy(&account, "runtime delete lambda-stdio --days 7").expect_status(0);
    assert_eq!(account.core.changes(), "");
    let week = deploy(&account, "runtime delete lambda-stdio --days 6 --yes").expect_status(1);
    assert!(week.stderr.contains("--days takes 7 to 30, not 6"), "{}", week.stderr);
    deploy(&account, "runtime delete lambda-stdio --days 7 --yes").expect_status(0);
    assert_eq!(
        account.core.changes(),
        "DeleteRuntimeAlias lambda-stdio live\nDeleteRuntimeVersion lambda-stdio v1\nDeleteRuntime lambda-stdio"
    );
    assert_eq!(account.core.states("lambda-stdio"), "PENDING_DELETION v1=PENDING_DELETION live=PENDING_DELETION");
    let gone = deploy(&account, "runtime roll-out lambda-stdio v1 --yes").expect_status(1);
    assert!(gone.stderr.contains("is deleted: examples/deploy.sh runtime restore lambda-stdio"), "{}", gone.stderr);
    deploy(&account, "runtime restore lambda-stdio --yes").expect_status(0);
    assert_eq!(account.core.states("lambda-stdio"), "ACTIVE v1=ACTIVE live=ACTIVE");
}

#[test]
fn one_that_is_not_ours_is_left_alone_and_bad_names_are_told() {
    let account = Account::new();
    account.aws("lambda-core create-runtime --name theirs");
    account.core.changes();
    for words in
        ["publish theirs v1", "delete theirs", "share theirs bin/buildah", "roll-back theirs", "restore theirs"]
    {
        let refused = deploy(&account, &format!("runtime {words} --yes")).expect_status(1);
        assert!(refused.stderr.contains("that this script did not make"), "{}", refused.stderr);
    }
    assert_eq!(account.core.changes(), "");
    for (words, said) in [
        ("publish Mine v1", "'Mine' cannot be a runtime"),
        ("publish mine- v1", "'mine-' cannot be a runtime"),
        ("publish mine -", "'-' cannot be a version"),
        ("publish mine", "runtime publish wants a NAME and a VERSION"),
        ("share mine nowhere", "There is no nowhere"),
        ("roll-out mine v1", "There is no runtime mine in eu-west-1. Make it"),
    ] {
        let refused = deploy(&account, &format!("runtime {words}")).expect_status(1);
        assert!(refused.stderr.contains(said), "{said:?} is not in {}", refused.stderr);
    }
}

#[test]
fn a_cli_that_does_not_know_it_is_told_what_to_do() {
    let account = Account::new();
    zip_alone(&account, "hello", "examples/hello/handler.sh");
    let foreign = format!("function examples/hello --yes --runtime {}", ARN.replace("123456789012", "210987654321"));
    for words in ["runtime show lambda-stdio", "function examples/hello --runtime lambda-stdio", &foreign] {
        let refused = account.run(&words.split(' ').collect::<Vec<_>>(), &[("AWS_DATA_PATH", "")]).expect_status(1);
        for part in [
            "does not know customer-managed runtimes (aws-cli/1.",
            "pip install --no-deps --target ~/.aws/models 'botocore>=1.44.3'",
            "export AWS_DATA_PATH=~/.aws/models/botocore/data",
        ] {
            assert!(refused.stderr.contains(part), "{part:?} is not in {}", refused.stderr);
        }
    }
    assert_eq!(account.everything(), "");
}

#[test]
fn a_function_that_is_watched_is_brought_up_to_date_when_a_file_changes() {
    let account = Account::new();
    let handler = |words: &str| format!("#!/bin/sh\nwhile read -r event; do echo '\"{words}\"'; done\n");
    account.folder().write("f/handler.sh", handler("one").as_bytes(), 0o755);
    let folder = super::account::checkout();
    let watched = account.folder().path().join("f");
    let arguments = ["watch", watched.to_str().unwrap(), "--yes", "--bootstrap", env!("CARGO_BIN_EXE_bootstrap")];
    let watching = account.start(folder, &arguments);
    watching.wait_line("watching ");
    let first = account.code("f");
    account.folder().write("f/handler.sh", handler("another").as_bytes(), 0o755);
    watching.wait_line("aws lambda wait function-updated-v2 --function-name f");
    assert_ne!(account.code("f"), first);
}

#[test]
fn a_function_of_an_image_is_built_pushed_made_and_deleted() {
    let account = Account::new();
    let uri = format!("{REGISTRY}/lambda-stdio-function/hello:latest");
    let dry = deploy(&account, "image examples/hello --arch x86_64").expect_status(0);
    for part in [
        "/build.sh image examples/hello --arch x86_64 --tag lambda-stdio-function:hello\n",
        &format!("ImageUri={uri} "),
    ] {
        assert!(dry.stdout.contains(part), "{part:?} is not in {}", dry.stdout);
    }
    assert_eq!(account.everything(), "");
    deploy(&account, "image examples/hello --arch x86_64 --yes").expect_status(0);
    let pushed = account.folder().read("pushed");
    assert!(pushed.contains(&format!("push lambda-stdio-function:hello docker://{uri}\n")), "{pushed}");
    let query = "lambda get-function --function-name hello --query [Configuration.PackageType,Code.ImageUri]";
    assert_eq!(account.aws(query), format!("Image {uri}"));
    deploy(&account, "image examples/hello --arch x86_64 --timeout 90s --yes").expect_status(0);
    assert_eq!(account.aws("lambda get-function-configuration --function-name hello --query Timeout"), "90");
    zip_alone(&account, "hello", "examples/hello/handler.sh");
    let other = deploy(&account, "function examples/hello --yes").expect_status(1);
    assert!(other.stderr.contains("hello is made of a container image"), "{}", other.stderr);
    deploy(&account, "delete hello --yes").expect_status(0);
    assert_eq!(account.everything(), "");
    assert_eq!(account.aws("ecr describe-repositories --query repositories[].repositoryName"), "");
}
