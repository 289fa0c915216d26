//! AWS says no in the middle of a deployment: what is there by then is said, and the same command goes on from there.
//!
//! In front of the real `aws` stands one that fails where a test says so, with what AWS would say.

use super::account::{Account, Output};
use crate::harness::tools::tool;

/// Runs `deploy.sh` with an `aws` that fails, `times` times, where these words are in its command line. Its `sleep` does
/// not sleep, but counts.
fn deploy(account: &Account, command: &str, (at, times, error): (&str, usize, &str)) -> Output {
    let folder = account.folder();
    let aws = format!(
        "#!/bin/sh\ncase \"$*\" in *'{at}'*)\n  left=$(cat faults/left)\n  if [ \"$left\" -gt 0 ]; then\n    \
         echo $((left - 1)) >faults/left\n    echo \"An error occurred ($ERROR)\" >&2\n    exit 254\n  fi ;;\nesac\n\
         exec {} \"$@\"\n",
        tool("aws").display(),
    );
    folder.write("faults/aws", aws.as_bytes(), 0o755);
    folder.write("faults/sleep", b"#!/bin/sh\necho \"$@\" >>faults/slept\n", 0o755);
    folder.write("faults/left", times.to_string().as_bytes(), 0o644);
    folder.write("faults/slept", b"", 0o644);
    let path = format!("{}:{}", folder.path().join("faults").display(), crate::harness::files::search_path());
    account.run(&command.split(' ').collect::<Vec<_>>(), &[("PATH", &path), ("ERROR", error)])
}

const NEW_ROLE: &str = "InvalidParameterValueException) when calling the CreateFunction operation: The role defined for the \
    function cannot be assumed by Lambda.";
const DENIED: &str = "AccessDeniedException) when calling the CreateFunction operation: User: me is not authorized to perform: \
    lambda:CreateFunction";

#[test]
fn a_role_that_lambda_does_not_know_yet_is_waited_for() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    deploy(&account, "function examples/hello --yes", ("create-function", 3, NEW_ROLE)).expect_status(0);
    assert_eq!(account.folder().read("faults/slept").lines().count(), 3);
    assert!(account.function("hello").starts_with("handler.sh "));
}

#[test]
fn a_role_that_lambda_never_knows_is_an_error() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    let failed = deploy(&account, "function examples/hello --yes", ("create-function", 100, NEW_ROLE)).expect_status(1);
    assert!(failed.stderr.contains("This failed: aws lambda create-function"), "{}", failed.stderr);
    assert_eq!(account.folder().read("faults/slept").lines().count(), 19);
}

#[test]
fn a_deployment_that_fails_in_the_middle_says_what_is_there_and_goes_on_or_is_taken_back() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    let fault = ("create-function", 1, DENIED);
    let failed = deploy(&account, "function examples/hello --yes", fault).expect_status(1);
    for part in [
        "This failed: aws lambda create-function",
        "not authorized to perform: lambda:CreateFunction",
        "Your credentials do not allow this",
        "Done before that: the role lambda-stdio-hello-eu-west-1, the log group /aws/lambda/hello",
        "To go on, give the same command again",
        "To take it back: examples/deploy.sh delete hello --yes",
    ] {
        assert!(failed.stderr.contains(part), "{part:?} is not in\n{}", failed.stderr);
    }
    assert_eq!(account.everything(), "lambda-stdio-hello-eu-west-1\n/aws/lambda/hello");
    account.deploy("delete hello --yes").expect_status(0);
    assert_eq!(account.everything(), "");

    // Between the role and its right, too.
    let fault = ("attach-role-policy", 1, "ServiceUnavailable");
    deploy(&account, "function examples/hello --yes", fault).expect_status(1);
    account.deploy("function examples/hello --yes").expect_status(0);
    let policies = "iam list-attached-role-policies --role-name lambda-stdio-hello-eu-west-1 --query AttachedPolicies[].PolicyName";
    assert_eq!(account.aws(policies), "AWSLambdaBasicExecutionRole");

    // So does what is deleted.
    let fault = ("delete-log-group", 1, "ServiceUnavailable");
    let failed = deploy(&account, "delete hello --yes", fault).expect_status(1);
    assert!(failed.stderr.contains("Done before that: the function hello is deleted"), "{}", failed.stderr);
    account.deploy("delete hello --yes").expect_status(0);
    assert_eq!(account.everything(), "");
}

#[test]
fn an_error_of_the_function_is_an_error() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    account.deploy("function examples/hello --yes").expect_status(0);
    // moto runs nothing that could fail, so that the words of the real CLI are staged.
    let log = "START\nno name\nEND";
    let said =
        "printf 'Unhandled\\tU1RBUlQKbm8gbmFtZQpFTkQ=\\n'; echo '{\"errorMessage\":\"no name\"}' >\"$last\"; exit";
    let aws = format!("#!/bin/sh\nfor last; do :; done\ncase \"$*\" in *' invoke '*) set -- \"$@\"\n{said} ;; esac\n");
    let aws = aws.replace("for last; do :; done", "for word; do case $word in /*response) last=$word ;; esac; done");
    let aws = format!("{aws}exec {} \"$@\"\n", tool("aws").display());
    account.folder().write("faults/aws", aws.as_bytes(), 0o755);
    let path = format!("{}:{}", account.folder().path().join("faults").display(), crate::harness::files::search_path());
    let failed = account.run(&["invoke", "hello", "{}"], &[("PATH", &path)]).expect_status(1);
    assert_eq!(failed.stdout.trim(), "{\"errorMessage\":\"no name\"}");
    assert!(failed.stderr.starts_with(log) && failed.stderr.contains("Unhandled"), "{}", failed.stderr);
}
