//! An AWS account that is moto's, with the AWS CLI and `deploy.sh` to look at it and to change it.

use super::lambda_core::LambdaCore;
use super::model::models;
use crate::examples;
use crate::harness::files::{self, Folder};
use crate::harness::http::client;
use crate::harness::tools::{Background, tool, tools};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// The account, and a folder that looks like a checkout after `./build.sh function`.
pub struct Account {
    moto: Background,
    url: String,
    pub core: LambdaCore,
}

/// What a command printed, and its status.
pub struct Output {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    #[track_caller]
    pub fn expect_status(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Account {
    pub fn new() -> Self {
        let folder = checkout();
        let environment = [("MOTO_IAM_LOAD_MANAGED_POLICIES", "true"), ("PYTHONUNBUFFERED", "1")];
        let moto = Background::start(&tool("moto_server"), &["-H", "127.0.0.1", "-p", "0"], &environment, folder);
        let url = moto.wait_line(" * Running on ").trim().to_owned();
        // Without this it would start a function in a container, for which there is no engine.
        let mut request =
            client().post(format!("{url}/moto-api/config")).send("{\"lambda\":{\"use_docker\":false}}").unwrap();
        assert!(request.body_mut().read_to_string().unwrap().contains("\"use_docker\": false"));
        let core = LambdaCore::start(&url);
        Self { moto, url, core }
    }

    pub fn folder(&self) -> &Folder {
        self.moto.folder()
    }

    /// Makes out/NAME.zip of `bootstrap` and this file.
    pub fn zip(&self, name: &str, handler: &str) {
        let arguments =
            ["-m", "zipfile", "-c", &format!("out/{name}.zip"), files::bootstrap().to_str().unwrap(), handler];
        finish(Command::new(tool("python")).args(arguments).current_dir(self.folder().path())).expect_status(0);
    }

    /// `examples/deploy.sh` with these words.
    pub fn deploy(&self, words: &str) -> Output {
        self.run(&words.split(' ').collect::<Vec<_>>(), &[])
    }

    /// The same with more in the environment. It leaves no file behind.
    pub fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let output = finish(self.command(environment).args(arguments));
        let left: Vec<_> = self.folder().path().join("tmp").read_dir().unwrap().map(Result::unwrap).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        output
    }

    fn command(&self, environment: &[(&str, &str)]) -> Command {
        let mut command = deploy_sh(self.folder());
        command.envs(self.endpoints()).envs(environment.iter().copied());
        command
    }

    /// moto, and for Lambda what is in front of it.
    fn endpoints(&self) -> Vec<(&'static str, String)> {
        let models = models().to_str().unwrap().to_owned();
        let core = || self.core.url.clone();
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ENDPOINT_URL_LAMBDA", core()),
            ("AWS_ENDPOINT_URL_LAMBDA_CORE", core()),
            ("AWS_DATA_PATH", models),
        ]
    }

    /// `deploy.sh logs NAME --follow`, which goes on.
    pub fn follow(&self, name: &str) -> Background {
        self.start(checkout(), &["logs", name, "--follow"])
    }

    /// `deploy.sh` in this folder, which goes on.
    pub fn start(&self, folder: Folder, arguments: &[&str]) -> Background {
        let variables: Vec<_> = variables(&folder).into_iter().chain(self.endpoints()).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let script = folder.path().join("examples/deploy.sh");
        Background::start(&script, arguments, &variables, folder)
    }

    /// What the AWS CLI says, on one line.
    #[track_caller]
    pub fn aws(&self, words: &str) -> String {
        let output = self.ask(words).expect_status(0);
        output.stdout.split_whitespace().filter(|word| *word != "None").collect::<Vec<_>>().join(" ")
    }

    /// AWS says that there is no such thing.
    #[track_caller]
    pub fn refused(&self, words: &str) {
        let output = self.ask(words);
        assert!(output.stderr.contains("ResourceNotFound"), "{}{}", output.stdout, output.stderr);
    }

    fn ask(&self, words: &str) -> Output {
        let mut command = Command::new(tool("aws"));
        command.args(words.split_whitespace()).current_dir(self.folder().path()).env_clear();
        command.env("AWS_DEFAULT_OUTPUT", "text").envs(variables(self.folder())).envs(self.endpoints());
        finish(&mut command)
    }

    /// Gives these lines to a shell, as one who pastes them does.
    pub fn shell(&self, commands: &str) {
        let mut command = Command::new("sh");
        command.args(["-euc", commands]).current_dir(self.folder().path()).env_clear();
        command.envs(variables(self.folder())).envs(self.endpoints());
        finish(&mut command).expect_status(0);
    }

    /// Puts lines into a function's log, in the stream `one`.
    pub fn log(&self, name: &str, lines: &[&str]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let events = lines.iter().map(|line| serde_json::json!({"timestamp": now, "message": line}));
        let events = Value::Array(events.collect()).to_string();
        self.folder().write("events.json", events.as_bytes(), 0o644);
        let group = format!("--log-group-name /aws/lambda/{name} --log-stream-name one");
        self.aws(&format!("logs put-log-events {group} --log-events file://events.json"));
    }

    /// A function's settings.
    pub fn function(&self, name: &str) -> String {
        let fields = "Handler,Configuration.Runtime,Configuration.Timeout,Configuration.MemorySize,\
                      Configuration.Architectures[0],Configuration.Role,Configuration.State,Tags.*|[0]";
        let query = format!("[Configuration.{fields}]");
        self.aws(&format!("lambda get-function --function-name {name} --query {query}"))
            .replace("arn:aws:iam::123456789012:role/", "")
    }

    /// A function's code, by its hash.
    pub fn code(&self, name: &str) -> String {
        let functions = self.functions();
        let function = functions.iter().find(|function| function["FunctionName"] == name);
        function.unwrap_or_else(|| panic!("there is no {name}"))["CodeSha256"].to_string()
    }

    /// All that a deployment could leave, one a line: roles, log groups, functions. It is asked for often, and without the CLI,
    /// which takes half a second to start.
    pub fn everything(&self) -> String {
        let roles = self.post("iam", "", "Action=ListRoles&Version=2010-05-08");
        let roles = roles.split("<RoleName>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        let groups: Value = serde_json::from_str(&self.post("logs", "Logs_20140328.DescribeLogGroups", "{}")).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let groups = groups["logGroups"].as_array().unwrap().iter().map(|group| text(&group["logGroupName"]));
        let functions = self.functions();
        let functions = functions.iter().map(|function| text(&function["FunctionName"]));
        roles.chain(groups).chain(functions).collect::<Vec<_>>().join("\n")
    }

    fn functions(&self) -> Vec<Value> {
        let request =
            client().get(format!("{}/2015-03-31/functions/", self.url)).header("Authorization", scope("lambda"));
        let mut answer: Value =
            serde_json::from_str(&request.call().unwrap().body_mut().read_to_string().unwrap()).unwrap();
        answer["Functions"].as_array_mut().map(std::mem::take).expect("no list of functions")
    }

    fn post(&self, service: &str, target: &str, body: &str) -> String {
        let request = client().post(format!("{}/", self.url)).header("Authorization", scope(service));
        let mut answer = request.header("X-Amz-Target", target).send(body).unwrap();
        assert_eq!(answer.status(), 200, "{service}");
        answer.body_mut().read_to_string().unwrap()
    }
}

/// A header by which moto knows whom a request is for. It looks at no signature.
fn scope(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A folder with the examples and `build.sh`, an empty out/, and an empty tmp/ for what `deploy.sh` needs for a moment.
pub fn checkout() -> Folder {
    let folder = Folder::new();
    for name in ["examples", ".build", "build.sh"] {
        symlink(examples::root().join("..").join(name), folder.path().join(name)).unwrap();
    }
    for name in ["out", "tmp", "home"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

/// `deploy.sh` in this folder, with credentials and a region, and nowhere to go.
pub fn deploy_sh(folder: &Folder) -> Command {
    let mut command = Command::new("examples/deploy.sh");
    command.current_dir(folder.path()).env_clear().envs(variables(folder));
    command
}

fn variables(folder: &Folder) -> Vec<(&'static str, String)> {
    let below = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    vec![
        ("PATH", format!("{}:{}", tools().display(), files::search_path())),
        ("HOME", below("home")),
        ("TMPDIR", below("tmp")),
        ("AWS_ACCESS_KEY_ID", "any".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "any".to_owned()),
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
        // Nobody is asked for credentials that the test did not set.
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_MAX_ATTEMPTS", "1".to_owned()),
    ]
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Output {
    let child = files::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = child.wait_with_output().unwrap();
    Output {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
