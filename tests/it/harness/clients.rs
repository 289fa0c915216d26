//! Lambda's real clients, the AWS CLI and boto3, and curl, against an emulator at some address.

use super::files::{Folder, need, spawn};
use super::tools::tool;
use serde_json::Value;
use std::process::{Command, Stdio};

/// What a program prints, with the variables that AWS's own take.
#[track_caller]
fn output(command: &mut Command, url: &str) -> Result<Vec<u8>, String> {
    command
        .env("AWS_ENDPOINT_URL", url)
        .envs([("AWS_ACCESS_KEY_ID", "any"), ("AWS_SECRET_ACCESS_KEY", "any"), ("AWS_REGION", "eu-west-1")])
        .envs([("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = spawn(command).wait_with_output().unwrap();
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!("{command:?}: {}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr)))
}

/// The path at which a function is called.
pub fn path(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/invocations")
}

/// `curl` calls the function with this event: what it prints.
pub fn curl(url: &str, function: &str, event: &str) -> Result<String, String> {
    let folder = Folder::new();
    folder.write("event.json", event.as_bytes(), 0o644);
    let mut command = Command::new(need("curl"));
    command.args(["-sS", "--max-time", "60", "--data-binary", "@event.json", &format!("{url}{}", path(function))]);
    output(command.current_dir(folder.path()), url).map(|text| String::from_utf8(text).unwrap())
}

/// `aws lambda invoke` calls the function with this event: the answer. It must not be an error.
pub fn aws(url: &str, function: &str, event: &str) -> Result<Value, String> {
    let folder = Folder::new();
    folder.write("event.json", event.as_bytes(), 0o644);
    let mut command = Command::new(tool("aws"));
    command.args(["lambda", "invoke", "--function-name", function, "--payload", "fileb://event.json", "answer.json"]);
    let said: Value = serde_json::from_slice(&output(command.current_dir(folder.path()), url)?).unwrap();
    assert_eq!(said, serde_json::json!({"StatusCode": 200}), "{function}");
    Ok(serde_json::from_str(&folder.read("answer.json")).unwrap())
}

const BOTO3: &str = r#"
import sys, json, boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"total_max_attempts": 1})
for url, name, event in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    client = boto3.client("lambda", endpoint_url=url, config=config)
    try:
        result = client.invoke(FunctionName=name, Payload=event)
        print(json.dumps({"status": result["StatusCode"], "answer": json.load(result["Payload"])}))
    except ClientError as error:
        print(json.dumps({"status": error.response["ResponseMetadata"]["HTTPStatusCode"], "answer": None}))
"#;

/// boto3 makes these calls, each at an address, of a function, with an event: the statuses and the answers.
pub fn boto3(calls: &[(&str, &str, &str)]) -> Result<Vec<(u64, Value)>, String> {
    let mut command = Command::new(tool("python"));
    command.args(["-c", BOTO3]).args(calls.iter().flat_map(|(url, function, event)| [url, function, event]));
    let printed = String::from_utf8(output(&mut command, "http://127.0.0.1:1")?).unwrap();
    let results = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Ok(results.map(|result| (result["status"].as_u64().unwrap(), result["answer"].clone())).collect())
}
