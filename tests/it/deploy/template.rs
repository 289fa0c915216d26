//! The `CloudFormation` template: cfn-lint finds nothing wrong with it, and a stack of it has the function.
//!
//! moto knows no function URLs in stacks, and attaches no layers: those two are cfn-lint's alone.

use super::account::{Account, finish};
use crate::examples;
use crate::harness::tools::tool;
use std::path::Path;
use std::process::Command;

#[test]
fn cfn_lint_finds_nothing_wrong() {
    let template = examples::root().join("template.yaml");
    finish(Command::new(tool("cfn-lint")).arg(&template)).expect_status(0);
    // It would say so if there were something.
    let text = std::fs::read_to_string(&template).unwrap();
    let folder = crate::harness::files::Folder::new();
    folder.write("template.yaml", text.replace("InvokeMode: !Ref", "InvokeMod: !Ref").as_bytes(), 0o644);
    let broken = finish(Command::new(tool("cfn-lint")).arg(folder.path().join("template.yaml")));
    assert!(broken.status != 0 && broken.stdout.contains("InvokeMod"), "{}", broken.stdout);
}

/// What cfn-lint finds wrong with an example, with AWS's descriptions of runtimes beside its own, which are older: one a line.
fn complaints(name: &str) -> Vec<String> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/deploy/schemas");
    let mut command = Command::new(tool("cfn-lint"));
    command
        .arg("--registry-schemas")
        .arg(schemas)
        .args(["--format", "parseable", "--"])
        .arg(examples::root().join(name));
    let found = finish(&mut command);
    assert_eq!(found.stderr, "");
    found.stdout.lines().map(|line| line.splitn(7, ':').skip(5).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_runtime_is_as_its_description_has_it() {
    assert_eq!(complaints("runtime.yaml"), Vec::<String>::new());
    // All that there is to say of a function on it is that cfn-lint does not know such functions yet.
    let found = complaints("function-on-runtime.yaml");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("E3030 'custom' is not one of ['dotnet10'"), "{found:?}");
    assert!(found[1].contains("('RuntimeConfig' was unexpected)"), "{found:?}");
    // And of what it names, the API knows all.
    let text = std::fs::read_to_string(examples::root().join("function-on-runtime.yaml")).unwrap();
    for name in ["Runtime: custom\n", "RuntimeConfig:\n", "RuntimeArn: ", "RuntimeAlias: "] {
        assert!(text.contains(name), "{name}");
    }
    let model = super::model::Model::named("lambda/2015-03-31");
    let config = serde_json::json!({"RuntimeArn": "arn:aws:lambda:eu-west-1:123456789012:runtime/lambda-stdio", "RuntimeAlias": "live"});
    let call = |config: &serde_json::Value| {
        let body = serde_json::json!({"Runtime": "custom", "RuntimeConfig": config}).to_string();
        model.request("PUT", "/2015-03-31/functions/hello/configuration", &[], body.as_bytes()).unwrap()
    };
    assert!(call(&config).is_ok(), "{:?}", call(&config));
    assert!(call(&serde_json::json!({"RuntimeArn": "lambda-stdio", "RuntimeAlias": "live"})).is_err());
}

#[test]
fn a_stack_of_it_has_the_function() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    account.aws("s3 mb s3://zips");
    for key in ["hello-1.zip", "hello-2.zip"] {
        account.aws(&format!("s3 cp out/hello.zip s3://zips/{key} --quiet"));
        account.zip("hello", "examples/python/handler.py");
    }
    let deploy = |settings: &str| {
        account.aws(&format!(
            "cloudformation deploy --stack-name hello --template-file examples/template.yaml --capabilities \
             CAPABILITY_IAM --parameter-overrides CodeBucket=zips {settings}",
        ));
        let resource = "cloudformation describe-stack-resource --stack-name hello --logical-resource-id Function";
        account.aws(&format!("{resource} --query StackResourceDetail.PhysicalResourceId"))
    };
    let name = deploy("CodeKey=hello-1.zip Handler=handler.sh");
    let fields = "[Handler,Runtime,Timeout,Environment.Variables.HANDLER_MODE]";
    let settings =
        |name: &str| account.aws(&format!("lambda get-function-configuration --function-name {name} --query {fields}"));
    assert_eq!(settings(&name), "handler.sh provided.al2023 30 auto");
    let group = "logs describe-log-groups --query logGroups[].[logGroupName,retentionInDays]";
    assert_eq!(account.aws(group), "/lambda-stdio/hello 14");

    let before = account.code(&name);
    let name = deploy("CodeKey=hello-2.zip Handler=handler.py Timeout=9 HandlerMode=loop");
    assert_eq!(settings(&name), "handler.py provided.al2023 9 loop");
    assert_ne!(account.code(&name), before);
    account.aws("cloudformation delete-stack --stack-name hello");
    assert_eq!(account.aws("lambda list-functions --query Functions[].FunctionName"), "");
}
