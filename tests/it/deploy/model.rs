//! A service's model, as botocore has it: which call a request is, and whether the service could take it.

use crate::harness::need;
use crate::harness::tools::tool;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where botocore keeps its models: what `AWS_DATA_PATH` is to name, for the AWS CLI to know what is newer than it.
pub fn models() -> PathBuf {
    let libraries = tool("python").with_file_name("").join("../lib").read_dir().unwrap();
    let place = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().join("site-packages/botocore/data");
    libraries.map(place).find(|place| place.is_dir()).expect("no botocore among the tools: ./build.sh test installs it")
}

pub struct Model(Value);

/// A request that the service could take.
#[derive(Debug)]
pub struct Taken {
    pub operation: String,
    pub members: Map<String, Value>,
}

impl Model {
    pub fn named(service: &str) -> Self {
        let file = models().join(service).join("service-2.json.gz");
        let output = Command::new(need("gzip")).args(["-dc"]).arg(&file).output().unwrap();
        Self(serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
    }

    fn shape(&self, name: &str) -> &Value {
        &self.0["shapes"][name]
    }

    /// The call that this is, with its members checked; `None` if the service has none such.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Option<Result<Taken, String>> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (operation, in_path) = self.0["operations"].as_object().unwrap().iter().find_map(|(name, operation)| {
            let fits = operation["http"]["method"] == method;
            let template = operation["http"]["requestUri"].as_str().unwrap().trim_end_matches('/');
            let found = fits.then(|| match_path(template, path.trim_end_matches('/'))).flatten()?;
            Some((name, found))
        })?;
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let shape = self.0["operations"][operation]["input"]["shape"].as_str().unwrap();
        // Where all of the body is one member, that is a file or an event, and not looked at.
        let body = if self.shape(shape)["payload"].is_string() { b"" } else { body };
        let mut members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            _ if body.is_empty() => Map::new(),
            _ => return Some(Err("the body is no JSON object".to_owned())),
        };
        for (name, member) in self.shape(shape)["members"].as_object().unwrap() {
            let wire = member["locationName"].as_str().unwrap_or(name);
            let text = match member["location"].as_str() {
                Some("uri") => in_path.get(wire).cloned(),
                Some("querystring") => query.get(wire).cloned(),
                Some("header") => {
                    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(wire)).map(|(_, value)| value.clone())
                }
                _ => continue,
            };
            if let Some(text) = text {
                let kind = &self.shape(member["shape"].as_str().unwrap())["type"];
                let number = kind == "integer" || kind == "long";
                let value = if number { text.parse::<i64>().map_or(text.into(), Value::from) } else { text.into() };
                members.insert(name.clone(), value);
            }
        }
        let members = Value::Object(members);
        let mut patterns = Vec::new();
        let checked = self.check(operation, shape, &members, &mut patterns).and_then(|()| check_patterns(&patterns));
        let Value::Object(members) = members else { unreachable!() };
        Some(checked.map(|()| Taken { operation: operation.clone(), members }))
    }

    /// Whether a value is of this shape. Its patterns are left for all at once.
    fn check(&self, at: &str, name: &str, value: &Value, patterns: &mut Vec<[String; 3]>) -> Result<(), String> {
        let shape = self.shape(name);
        let bounds = |number: i64| {
            let (min, max) = (shape["min"].as_i64(), shape["max"].as_i64());
            if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                return Err(format!("{at} is {number}, and must be between {min:?} and {max:?}"));
            }
            Ok(())
        };
        let length = |count: usize| bounds(i64::try_from(count).unwrap());
        match (shape["type"].as_str().unwrap(), value) {
            ("structure", Value::Object(fields)) => {
                for required in shape["required"].as_array().into_iter().flatten() {
                    if !fields.contains_key(required.as_str().unwrap()) {
                        return Err(format!("{at}: {required} is missing"));
                    }
                }
                for (field, value) in fields {
                    let Some(member) = shape["members"][field]["shape"].as_str() else {
                        return Err(format!("{at} has no member {field}"));
                    };
                    self.check(&format!("{at}.{field}"), member, value, patterns)?;
                }
                Ok(())
            }
            ("list", Value::Array(items)) => {
                length(items.len())?;
                let member = shape["member"]["shape"].as_str().unwrap();
                items.iter().try_for_each(|item| self.check(at, member, item, patterns))
            }
            ("map", Value::Object(pairs)) => {
                let member = shape["value"]["shape"].as_str().unwrap();
                pairs.values().try_for_each(|value| self.check(at, member, value, patterns))
            }
            ("string", Value::String(text)) => {
                length(text.chars().count())?;
                if shape["enum"].as_array().is_some_and(|all| !all.contains(value)) {
                    return Err(format!("{at} cannot be {text}"));
                }
                if let Some(pattern) = shape["pattern"].as_str() {
                    patterns.push([at.to_owned(), pattern.to_owned(), text.clone()]);
                }
                Ok(())
            }
            ("integer" | "long", Value::Number(number)) => bounds(number.as_i64().unwrap_or(i64::MIN)),
            ("boolean", Value::Bool(_)) | ("blob", Value::String(_)) => Ok(()),
            (kind, value) => Err(format!("{at} is {value}, and no {kind}")),
        }
    }
}

/// The patterns are regular expressions, which Python reads, but for classes of Unicode's.
fn check_patterns(patterns: &[[String; 3]]) -> Result<(), String> {
    let script = r"
import json, re, sys
for at, pattern, text in json.load(sys.stdin):
    plain = pattern.replace(r'\p{C}', r'\x00-\x1f\x7f-\x9f').replace(r'\p{L}\p{Z}\p{N}', r'\w\s')
    if not re.fullmatch(plain, text):
        print(at, 'is', text, 'and must be', pattern)
";
    let mut command = Command::new(tool("python"));
    let mut python = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(&serde_json::to_vec(patterns).unwrap()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "a pattern that Python cannot read: {patterns:?}");
    let complaint = String::from_utf8(output.stdout).unwrap();
    if complaint.is_empty() { Ok(()) } else { Err(complaint.trim().to_owned()) }
}

/// The values of the names in braces.
fn match_path(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    let mut found = BTreeMap::new();
    loop {
        match (template.next(), path.next()) {
            (None, None) => return Some(found),
            (Some(place), Some(value)) => match place.strip_prefix('{').and_then(|place| place.strip_suffix('}')) {
                Some(name) => drop(found.insert(name.trim_end_matches('+').to_owned(), decode(value))),
                None if place == value => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex: Vec<u8> = if byte == b'%' { rest.by_ref().take(2).collect() } else { Vec::new() };
        let code = std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(byte));
    }
    String::from_utf8(bytes).unwrap()
}
