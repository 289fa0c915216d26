//! The part of Lambda that keeps customer-managed runtimes, which moto has not; and in front of moto's Lambda, what a function
//! with such a runtime must have.
//!
//! It refuses what the models refuse, and what AWS's documents say is refused: a version that is there cannot be made anew, an
//! alias needs a version that is ACTIVE, a runtime goes when its versions and aliases have gone.

use super::model::{Model, Taken};
use crate::harness::http::{self, Wire, client};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const PREFIX: &str = "arn:aws:lambda:eu-west-1:123456789012:runtime/";
const TIME: &str = "2026-11-25T12:00:00.000Z";

#[derive(Default)]
struct State {
    /// By name: the runtime, and its versions and aliases, each as it is shown.
    runtimes: BTreeMap<String, Value>,
    versions: BTreeMap<(String, String), Value>,
    aliases: BTreeMap<(String, String), Value>,
    policies: BTreeMap<String, String>,
    /// What functions have that moto does not keep.
    configurations: BTreeMap<String, Value>,
    /// Images that the registry has, each with what becomes of a version of it.
    images: BTreeMap<String, &'static str>,
    /// So many versions were made: they are that many seconds apart.
    made: usize,
    /// All calls that change something, but dry runs.
    changes: Vec<String>,
}

/// The server; its thread ends with the tests.
pub struct LambdaCore {
    pub url: String,
    state: Arc<Mutex<State>>,
}

type Answer = Result<(u16, Value), (u16, &'static str, String)>;

impl LambdaCore {
    /// In front of moto at this address.
    pub fn start(moto: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (core, lambda) = (Model::named("lambda-core/2026-04-30"), Model::named("lambda/2015-03-31"));
        let server = Arc::new(Server { core, lambda, moto: moto.to_owned(), state: Arc::clone(&state) });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(&stream));
            }
        });
        Self { url, state }
    }

    /// The registry has this image. Of a version of it becomes this state.
    pub fn image(&self, uri: &str, becomes: &'static str) {
        self.state.lock().unwrap().images.insert(uri.to_owned(), becomes);
    }

    /// There is a runtime as `deploy.sh` makes it, with these versions, and `live` at the last of them.
    pub fn has(&self, runtime: &str, versions: &[&str]) {
        let uri = |version: &str| format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{runtime}:{version}");
        for version in versions {
            self.image(&uri(version), "ACTIVE");
        }
        let mut state = self.state.lock().unwrap();
        let mut call = |operation: &str, members: Value| {
            let Value::Object(members) = members else { unreachable!() };
            state.answer(operation, &members).unwrap_or_else(|error| panic!("{operation}: {error:?}"));
        };
        call("CreateRuntime", json!({"Name": runtime, "Description": "lambda-stdio: runs any program"}));
        for version in versions {
            call("CreateRuntimeVersion", json!({"RuntimeName": runtime, "Name": version, "ImageUri": uri(version)}));
            call("GetRuntimeVersion", json!({"RuntimeName": runtime, "Name": version}));
        }
        let last = versions.last().unwrap();
        call("CreateRuntimeAlias", json!({"RuntimeName": runtime, "Name": "live", "RuntimeVersion": last}));
    }

    /// What was changed since this was asked, one a line.
    pub fn changes(&self) -> String {
        std::mem::take(&mut self.state.lock().unwrap().changes).join("\n")
    }

    pub fn policy(&self, runtime: &str) -> Option<String> {
        self.state.lock().unwrap().policies.get(&format!("{PREFIX}{runtime}")).cloned()
    }

    /// What a function's `RuntimeConfig` is.
    pub fn configuration(&self, function: &str) -> Option<Value> {
        self.state.lock().unwrap().configurations.get(function).cloned()
    }

    /// The states of a runtime, its versions and its aliases.
    pub fn states(&self, runtime: &str) -> String {
        let state = self.state.lock().unwrap();
        let of = |all: &BTreeMap<(String, String), Value>| {
            let mine = all.iter().filter(|((name, _), _)| name == runtime);
            let states = mine.map(|((_, name), value)| format!(" {name}={}", value["State"].as_str().unwrap()));
            states.collect::<Vec<_>>().concat()
        };
        let top = state.runtimes.get(runtime).map_or("none", |runtime| runtime["State"].as_str().unwrap());
        format!("{top}{}{}", of(&state.versions), of(&state.aliases))
    }
}

struct Server {
    core: Model,
    lambda: Model,
    moto: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Ok(Some(wire)) = http::read_request(&mut reader, |_| ()) {
            let bytes = if wire.path.starts_with("/2026-") { answer(self.core(&wire)) } else { self.lambda(&wire) };
            if (&*stream).write_all(&bytes).is_err() {
                return;
            }
        }
    }

    fn core(&self, wire: &Wire) -> Answer {
        let models = [&self.core, &self.lambda];
        let found = models.iter().find_map(|model| model.request(&wire.method, &wire.path, &wire.headers, &wire.body));
        let Some(taken) = found else { return Err((404, "UnknownOperationException", wire.path.clone())) };
        let Taken { operation, members } = taken.map_err(|problem| (400, "InvalidParameterValueException", problem))?;
        let mut state = self.state.lock().unwrap();
        let dry = members.get("DryRun") == Some(&Value::Bool(true));
        if !operation.starts_with("Get") && !operation.starts_with("List") && !dry {
            let words = ["RuntimeName", "Name", "RuntimeVersion", "RuntimeAlias"];
            let words: Vec<_> = words.iter().filter_map(|word| members.get(*word)?.as_str()).collect();
            state.changes.push(format!("{operation} {}", words.join(" ")));
        }
        state.answer(&operation, &members)
    }

    /// moto's answer, to a request that was looked at first.
    fn lambda(&self, wire: &Wire) -> Vec<u8> {
        let mut body = wire.body.clone();
        let found = self.lambda.request(&wire.method, &wire.path, &wire.headers, &wire.body);
        let mut name = String::new();
        if let Some(Ok(taken)) = &found
            && ["CreateFunction", "UpdateFunctionConfiguration"].contains(&taken.operation.as_str())
        {
            taken.members["FunctionName"].as_str().unwrap().clone_into(&mut name);
            let mut state = self.state.lock().unwrap();
            if let Err(error) = state.function(&name, &taken.members) {
                return answer(Err(error));
            }
            let mut members: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            members.remove("RuntimeConfig");
            body = serde_json::to_vec(&members).unwrap();
        } else if let Some(Err(problem)) = found {
            return answer(Err((400, "InvalidParameterValueException", problem)));
        }
        let mut request =
            ureq::http::Request::builder().method(wire.method.as_str()).uri(format!("{}{}", self.moto, wire.path));
        for (key, value) in &wire.headers {
            if !["host", "content-length", "transfer-encoding", "expect", "connection"]
                .contains(&key.to_lowercase().as_str())
            {
                request = request.header(key, value);
            }
        }
        let answered = if body.is_empty() {
            client().run(request.body(()).unwrap())
        } else {
            client().run(request.body(body).unwrap())
        };
        let mut answered = answered.unwrap();
        let status = answered.status().as_u16();
        let headers = ["content-type", "x-amzn-errortype"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), answered.headers().get(*key)?.to_str().ok()?.to_owned())));
        let headers: Vec<_> = headers.collect();
        let bytes = answered.body_mut().read_to_vec().unwrap();
        let mut state = self.state.lock().unwrap();
        if status >= 400 && !name.is_empty() {
            state.configurations.remove(&name);
        }
        let Ok(mut shown) = serde_json::from_slice::<Value>(&bytes) else {
            return http::answer(status, &headers, &bytes, false);
        };
        // Lists have it, and so has a function that is shown.
        let (functions, top) = (shown["Functions"].as_array().is_some(), "FunctionName");
        if functions {
            shown["Functions"].as_array_mut().unwrap().iter_mut().for_each(|function| state.show(function));
        } else if shown[top].is_string() {
            state.show(&mut shown);
        } else if shown["Configuration"].is_object() {
            state.show(&mut shown["Configuration"]);
        }
        http::answer(status, &headers, &serde_json::to_vec(&shown).unwrap(), false)
    }
}

impl State {
    /// Whether Lambda would take this function's settings. Its `RuntimeConfig` is kept.
    fn function(&mut self, name: &str, members: &Map<String, Value>) -> Result<(), (u16, &'static str, String)> {
        let wrong = |problem: String| Err((400, "InvalidParameterValueException", problem));
        let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
        match (text("Runtime"), members.get("RuntimeConfig")) {
            ("custom", None) => return wrong("Runtime custom wants RuntimeConfig".to_owned()),
            ("custom", Some(config)) => {
                let (Some(arn), Some(alias)) = (config["RuntimeArn"].as_str(), config["RuntimeAlias"].as_str()) else {
                    return wrong(format!("RuntimeConfig is not whole: {config}"));
                };
                if let Some(runtime) = arn.strip_prefix(PREFIX) {
                    let alias = self.aliases.get(&(runtime.to_owned(), alias.to_owned()));
                    if alias.is_none_or(|alias| alias["State"] != "ACTIVE") {
                        return wrong(format!("{runtime} has no such alias"));
                    }
                }
                if text("PackageType") == "Image" {
                    return wrong("a container image has its own runtime".to_owned());
                }
                self.configurations.insert(name.to_owned(), config.clone());
            }
            ("", None) => {}
            (_, None) => drop(self.configurations.remove(name)),
            (runtime, Some(_)) => return wrong(format!("{runtime} has no RuntimeConfig")),
        }
        Ok(())
    }

    fn show(&self, function: &mut Value) {
        if let Some(config) = self.configurations.get(function["FunctionName"].as_str().unwrap_or_default()) {
            function["RuntimeConfig"] = config.clone();
        }
    }

    fn answer(&mut self, operation: &str, members: &Map<String, Value>) -> Answer {
        let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if operation.ends_with("ResourcePolicy") {
            return self.policy(operation, &text("ResourceArn"), &text("Policy"));
        }
        let runtime = if operation == "CreateRuntime" { text("Name") } else { text("RuntimeName") };
        let runtime = runtime.strip_prefix(PREFIX).unwrap_or(&runtime).to_owned();
        let key = (runtime.clone(), text("Name"));
        let missing = |what: &str| Err((404, "ResourceNotFoundException", format!("there is no {what}")));
        let conflict = |what: String| Err((409, "ResourceConflictException", what));
        if !["CreateRuntime", "ListRuntimes"].contains(&operation) && !self.runtimes.contains_key(&runtime) {
            return missing(&runtime);
        }
        let gone = self.runtimes.get(&runtime).is_some_and(|runtime| runtime["State"] != "ACTIVE");
        if gone && !operation.starts_with("Get") && !operation.starts_with("List") && operation != "RestoreRuntime" {
            return conflict(format!("{runtime} is deleted"));
        }
        let of = |all: &BTreeMap<(String, String), Value>| {
            all.iter().filter(|((name, _), _)| *name == runtime).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        match operation {
            "CreateRuntime" if self.runtimes.contains_key(&runtime) => conflict(format!("{runtime} is there")),
            "CreateRuntime" => {
                let shown = json!({"Name": runtime, "Arn": format!("{PREFIX}{runtime}"), "Description": text("Description"),
                    "State": "ACTIVE", "Created": TIME, "LastModified": TIME});
                self.runtimes.insert(runtime, shown.clone());
                Ok((202, shown))
            }
            "GetRuntime" => Ok((200, self.runtimes[&runtime].clone())),
            "ListRuntimeVersions" => Ok((200, json!({"Items": of(&self.versions)}))),
            "ListRuntimeAliases" => Ok((200, json!({"Items": of(&self.aliases)}))),
            "CreateRuntimeVersion" => self.make_version(key, &text("ImageUri"), members.get("DryRun")),
            "GetRuntimeVersion" => match self.versions.get_mut(&key) {
                None => missing(&key.1),
                Some(version) => {
                    let shown = version.clone();
                    // It is made while one looks on.
                    if shown["State"] == "CREATING" {
                        version["State"] = json!(self.images[shown["ResolvedUri"].as_str().unwrap()]);
                        return Ok((200, version.clone()));
                    }
                    Ok((200, shown))
                }
            },
            "CreateRuntimeAlias" | "UpdateRuntimeAlias" => {
                let version = text("RuntimeVersion");
                let found = self.versions.get(&(runtime.clone(), version.clone()));
                match (found, self.aliases.contains_key(&key), operation) {
                    (None, ..) => return missing(&version),
                    (Some(found), ..) if found["State"] != "ACTIVE" => {
                        return conflict(format!("{version} is not ACTIVE"));
                    }
                    (_, true, "CreateRuntimeAlias") => return conflict(format!("{} is there", key.1)),
                    (_, false, "UpdateRuntimeAlias") => return missing(&key.1),
                    _ => {}
                }
                let shown = json!({"Name": key.1, "Arn": format!("{PREFIX}{runtime}/alias/{}", key.1), "RuntimeVersion": version,
                    "RuntimeVersionArn": format!("{PREFIX}{runtime}/version/{version}"), "State": "ACTIVE",
                    "Compatibility": found.unwrap()["Compatibility"], "RuntimeName": runtime, "Created": TIME, "LastModified": TIME});
                self.aliases.insert(key, shown.clone());
                Ok((if operation == "CreateRuntimeAlias" { 201 } else { 200 }, shown))
            }
            "GetRuntimeAlias" => {
                self.aliases.get(&key).map_or_else(|| missing(&key.1), |alias| Ok((200, alias.clone())))
            }
            "DeleteRuntimeAlias" | "DeleteRuntimeVersion" | "DeleteRuntime" => self.delete(operation, &runtime, &key),
            "RestoreRuntime" => {
                let at = |name: &str| (runtime.clone(), text(name));
                let place = if members.contains_key("RuntimeVersion") {
                    self.versions.get_mut(&at("RuntimeVersion"))
                } else if members.contains_key("RuntimeAlias") {
                    self.aliases.get_mut(&at("RuntimeAlias"))
                } else {
                    self.runtimes.get_mut(&runtime)
                };
                let Some(place) = place else { return missing("such thing") };
                if place["State"] != "PENDING_DELETION" {
                    return conflict("it is not deleted".to_owned());
                }
                place["State"] = json!("ACTIVE");
                let arn = place["Arn"].clone();
                Ok((200, json!({"RuntimeName": runtime, "Arn": arn, "State": "ACTIVE", "LastModified": TIME})))
            }
            _ => Err((404, "UnknownOperationException", operation.to_owned())),
        }
    }

    fn make_version(&mut self, key: (String, String), uri: &str, dry: Option<&Value>) -> Answer {
        if self.versions.contains_key(&key) {
            return Err((409, "ResourceConflictException", format!("{} is there", key.1)));
        }
        let ours = uri.starts_with("123456789012.dkr.ecr.eu-west-1.amazonaws.com/");
        if !ours || !self.images.contains_key(uri) {
            return Err((400, "InvalidParameterValueException", format!("there is no image {uri}")));
        }
        self.made += 1;
        let time = format!("2026-11-25T12:00:{:02}.000Z", self.made);
        let shown = json!({"Name": key.1, "Arn": format!("{PREFIX}{}/version/{}", key.0, key.1), "ResolvedUri": uri,
            "State": "CREATING", "Created": time, "LastModified": time, "Compatibility":
            {"Architectures": ["x86_64", "arm64"], "IntegrationModels": ["RuntimeAPI"], "ManagedInstances": "NotSupported"}});
        if dry != Some(&Value::Bool(true)) {
            self.versions.insert(key, shown.clone());
        }
        Ok((201, shown))
    }

    fn delete(&mut self, operation: &str, runtime: &str, key: &(String, String)) -> Answer {
        let is_left = |all: &BTreeMap<(String, String), Value>, like: &dyn Fn(&Value) -> bool| {
            all.iter().any(|((name, _), value)| name == runtime && value["State"] != "PENDING_DELETION" && like(value))
        };
        let versions = is_left(&self.versions, &|_| true);
        let used = is_left(&self.aliases, &|alias| alias["RuntimeVersion"] == key.1.as_str());
        let (place, kept) = match operation {
            "DeleteRuntimeAlias" => (self.aliases.get_mut(key), false),
            "DeleteRuntimeVersion" => (self.versions.get_mut(key), used),
            _ => (self.runtimes.get_mut(runtime), versions),
        };
        let Some(place) = place else { return Err((404, "ResourceNotFoundException", "there is none".to_owned())) };
        if kept {
            return Err((409, "ResourceConflictException", "it is still used".to_owned()));
        }
        place["State"] = json!("PENDING_DELETION");
        Ok((202, json!({})))
    }

    fn policy(&mut self, operation: &str, arn: &str, policy: &str) -> Answer {
        match operation {
            "PutResourcePolicy" if serde_json::from_str::<Map<String, Value>>(policy).is_err() => {
                Err((400, "InvalidParameterValueException", "the policy is no JSON object".to_owned()))
            }
            "PutResourcePolicy" => {
                self.policies.insert(arn.to_owned(), policy.to_owned());
                Ok((200, json!({"Policy": policy, "RevisionId": "1"})))
            }
            _ if self.policies.remove(arn).is_none() => {
                Err((404, "ResourceNotFoundException", "there is no policy".to_owned()))
            }
            _ => Ok((204, json!({}))),
        }
    }
}

fn answer(answer: Answer) -> Vec<u8> {
    let json = ("Content-Type".to_owned(), "application/json".to_owned());
    match answer {
        Ok((status, body)) => http::answer(status, &[json], &serde_json::to_vec(&body).unwrap(), false),
        Err((status, kind, message)) => {
            let kind = ("x-amzn-ErrorType".to_owned(), kind.to_owned());
            let body = json!({"Type": "User", "message": message, "Message": message});
            http::answer(status, &[json, kind], &serde_json::to_vec(&body).unwrap(), false)
        }
    }
}
