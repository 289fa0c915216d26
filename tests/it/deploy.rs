//! `examples/deploy.sh` and `examples/template.yaml`, with the real AWS CLI, in an account that moto makes up.
//!
//! moto keeps what it is told, as Lambda would, but runs no function: where one is called, it gives back the event.

mod account;
mod bad_input;
mod faults;
mod lambda_core;
mod model;
mod runtime;
mod template;

use account::Account;

#[test]
fn a_function_is_made_brought_up_to_date_called_and_deleted() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    let dry = account.deploy("function examples/hello").expect_status(0);
    assert!(dry.stdout.contains("aws lambda create-function --function-name hello "), "{}", dry.stdout);
    assert!(dry.stderr.contains("--yes"), "{}", dry.stderr);
    assert_eq!(account.everything(), "", "a dry run has changed something");

    let made = account.deploy("function examples/hello --yes").expect_status(0);
    assert!(made.stderr.contains("invoke hello examples/hello/event.json"), "{}", made.stderr);
    assert_eq!(
        account.function("hello"),
        "handler.sh provided.al2023 30 256 x86_64 lambda-stdio-hello-eu-west-1 Active hello",
    );
    let groups = "logs describe-log-groups --query logGroups[].[logGroupName,retentionInDays]";
    assert_eq!(account.aws(groups), "/aws/lambda/hello 14");

    // What is said changes, and the rest stays.
    let code = account.code("hello");
    account.zip("hello", "examples/python/handler.py");
    account.deploy("function examples/hello --handler handler.py --timeout 9 --yes").expect_status(0);
    assert_ne!(account.code("hello"), code);
    account.zip("hello", "examples/hello/handler.sh");
    account.deploy("function examples/hello --memory 512 --yes").expect_status(0);
    assert_eq!(account.code("hello"), code);
    assert_eq!(
        account.function("hello"),
        "handler.sh provided.al2023 9 512 x86_64 lambda-stdio-hello-eu-west-1 Active hello",
    );

    // As much time as Lambda gives, in minutes.
    account.deploy("function examples/hello --timeout 30m --yes").expect_status(0);
    assert!(account.function("hello").starts_with("handler.sh provided.al2023 1800 512 "));

    let event = "{\"name\":\"Ada\"}\n";
    assert_eq!(account.deploy("invoke hello {\"name\":\"Ada\"}").expect_status(0).stdout, event);
    assert_eq!(account.deploy("invoke hello examples/hello/event.json").expect_status(0).stdout.trim(), event.trim());

    account.aws("logs create-log-stream --log-group-name /aws/lambda/hello --log-stream-name one");
    account.log("hello", &["START\n", "two\twords\n", "a\nb\n"]);
    let printed = account.deploy("logs hello").expect_status(0).stdout;
    assert_eq!(printed, "START\ntwo\twords\na\nb\n");

    account.deploy("delete hello").expect_status(0);
    assert_eq!(account.code("hello"), code, "a dry run has deleted it");
    account.deploy("delete hello --yes").expect_status(0);
    assert_eq!(account.everything(), "");
    let again = account.deploy("delete hello --yes").expect_status(0);
    assert!(again.stderr.contains("nothing called hello"), "{}", again.stderr);
}

#[test]
fn logs_are_followed_and_told_once() {
    let account = Account::new();
    account.aws("logs create-log-group --log-group-name /aws/lambda/hello");
    account.aws("logs create-log-stream --log-group-name /aws/lambda/hello --log-stream-name one");
    account.log("hello", &["first\n"]);
    let following = account.follow("hello");
    following.wait_line("first");
    account.log("hello", &["second\n"]);
    following.wait_line("second");
    assert_eq!(following.story().matches("first").count(), 1, "{}", following.story());
}

#[test]
fn a_dry_run_prints_the_very_commands() {
    let account = Account::new();
    account.zip("stream", "examples/stream/handler.sh");
    let environment =
        "it=a 'quote', \"another\", a \\ and $HOME\r\n\n# no variable\n_HANDLER=handler.sh\nexport BB=2=3\n";
    account.folder().write("with spaces/my env", environment.as_bytes(), 0o644);
    let arguments = ["function", "examples/stream", "--env", "with spaces/my env", "--region", "eu-central-1"];
    let dry = account.run(&arguments, &[]).expect_status(0);
    account.shell(&dry.stdout);
    let variables = account.aws(
        "lambda get-function-configuration --region eu-central-1 --function-name stream --query Environment.Variables \
         --output json",
    );
    let variables: serde_json::Value = serde_json::from_str(&variables).unwrap();
    assert_eq!(variables, serde_json::json!({"it": "a 'quote', \"another\", a \\ and $HOME", "BB": "2=3"}));
    account.deploy("url stream --region eu-central-1 --public").expect_status(0);
    let dry = account.deploy("delete stream --region eu-central-1").expect_status(0);
    account.shell(&dry.stdout);
    assert_eq!(account.aws("lambda list-functions --region eu-central-1 --query Functions[].FunctionName"), "");
    assert_eq!(account.everything(), "");
}

#[test]
fn an_example_with_variables_gets_them_and_a_layer() {
    let account = Account::new();
    account.zip("lambda-stdio", "examples/hello/handler.sh");
    account.zip("stream", "examples/stream/handler.sh");
    account.deploy("layer out/lambda-stdio.zip").expect_status(0);
    let versions = "lambda list-layer-versions --layer-name lambda-stdio --query LayerVersions[].Version";
    assert_eq!(account.aws(versions), "");
    account.deploy("layer out/lambda-stdio.zip --yes").expect_status(0);
    let same = account.deploy("layer out/lambda-stdio.zip --yes").expect_status(0);
    assert!(same.stderr.contains(":layer:lambda-stdio:1"), "{}", same.stderr);
    assert_eq!(account.aws(versions), "1");
    account.zip("lambda-stdio", "examples/python/handler.py");
    account.deploy("layer out/lambda-stdio.zip --yes").expect_status(0);
    assert_eq!(account.aws(versions), "2 1");

    account.deploy("function examples/stream --name doNone --layer lambda-stdio --yes").expect_status(0);
    let query = "[Layers[].Arn,Environment.Variables.[HANDLER_MODE,HANDLER_CONTENT_TYPE]]";
    let seen = account.aws(&format!("lambda get-function-configuration --function-name doNone --query {query}"));
    assert_eq!(seen, "arn:aws:lambda:eu-west-1:123456789012:layer:lambda-stdio:2 oneshot application/json");
    let missing = account.deploy("function examples/stream --name doNone --layer sbcl-layer --yes").expect_status(1);
    assert!(missing.stderr.contains("There is no layer sbcl-layer in eu-west-1"), "{}", missing.stderr);

    account.deploy("delete-layer lambda-stdio").expect_status(0);
    assert_eq!(account.aws(versions), "2 1");
    account.deploy("delete-layer lambda-stdio --yes").expect_status(0);
    assert_eq!(account.aws(versions), "");
}

#[test]
fn a_url_is_for_everybody_only_if_that_is_asked_for() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    let none = account.deploy("url hello --yes").expect_status(1);
    assert!(none.stderr.contains("There is no function hello in eu-west-1"), "{}", none.stderr);
    account.deploy("function examples/hello --yes").expect_status(0);
    let url = "lambda get-function-url-config --function-name hello --query [AuthType,InvokeMode]";
    account.deploy("url hello --public").expect_status(0);
    account.refused(url);

    let private = account.deploy("url hello --stream --yes").expect_status(0);
    assert!(private.stderr.contains("curl --aws-sigv4"), "{}", private.stderr);
    assert_eq!(account.aws(url), "AWS_IAM RESPONSE_STREAM");
    let policy = "lambda get-policy --function-name hello --query Policy";
    account.refused(policy);

    for _ in 0..2 {
        account.deploy("url hello --public --yes").expect_status(0);
        assert!(account.aws(url).starts_with("NONE "));
        let rights: serde_json::Value = serde_json::from_str(&account.aws(policy)).unwrap();
        let rights = rights["Statement"].as_array().unwrap();
        let allowed: Vec<_> = rights.iter().map(|right| right["Action"].as_str().unwrap()).collect();
        assert_eq!(allowed, ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]);
        // Not more than a URL needs: nobody else's account may call it directly.
        assert_eq!(
            (&rights[0]["FunctionUrlAuthType"], &rights[1]["InvokedViaFunctionUrl"]),
            (&"NONE".into(), &true.into())
        );
    }
    account.deploy("url hello --yes").expect_status(0);
    assert!(account.aws(url).starts_with("AWS_IAM "));
    account.refused(policy);
}

#[test]
fn what_it_did_not_make_it_leaves_alone() {
    let account = Account::new();
    account.zip("hello", "examples/hello/handler.sh");
    let role = "lambda-stdio-hello-eu-west-1";
    account.aws(&format!("iam create-role --role-name {role} --assume-role-policy-document {{}}"));
    let refused = account.deploy("function examples/hello --yes").expect_status(1);
    assert!(refused.stderr.contains(&format!("a role {role}")), "{}", refused.stderr);

    account.aws("logs create-log-group --log-group-name /aws/lambda/hello");
    account.aws(&format!(
        "lambda create-function --function-name hello --runtime provided.al2023 --handler theirs --zip-file \
         fileb://out/hello.zip --role arn:aws:iam::123456789012:role/{role}",
    ));
    account.aws("lambda publish-layer-version --layer-name hello --zip-file fileb://out/hello.zip");
    let before = account.everything();
    for command in ["function examples/hello --yes", "url hello --public --yes", "delete hello --yes"] {
        let refused = account.deploy(command).expect_status(1);
        assert!(refused.stderr.contains("did not make"), "{}", refused.stderr);
        assert!(refused.stderr.contains("aws lambda tag-resource --resource arn:aws:lambda:"), "{}", refused.stderr);
    }
    let refused = account.deploy("layer out/hello.zip --yes").expect_status(1);
    assert!(refused.stderr.contains("did not publish"), "{}", refused.stderr);
    account.deploy("delete-layer hello --yes").expect_status(0);
    assert_eq!(account.everything(), before);

    // Handed over, as it says, it is ours; what is around it still is not.
    account.aws(
        "lambda tag-resource --resource arn:aws:lambda:eu-west-1:123456789012:function:hello --tags lambda-stdio=hello",
    );
    account.deploy("function examples/hello --yes").expect_status(0);
    account.deploy("delete hello --yes").expect_status(0);
    assert_eq!(account.everything(), format!("{role}\n/aws/lambda/hello"));
}
