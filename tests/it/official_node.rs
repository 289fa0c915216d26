//! AWS's own Node.js clients and `bootstrap`, side by side: the same function and event, the same answer, error and log.
//!
//! Their native parts are compiled when they are installed, hence `LAMBDA_STDIO_LARGE=1`. What is not the same on purpose
//! is in docs/node.md.

use crate::harness::{Answer, Call, Event, Function, Running, npm};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// A version of the client, and of Node.js as it goes with it.
#[derive(Clone, Copy, Debug)]
struct Client {
    package: &'static str,
    program: &'static str,
    node: u32,
}

/// An event behind which the process is not used any more.
const FATAL: &str = "\"fatal\"";

/// With callbacks.
const OLDER: Client = Client { package: "aws-lambda-ric@3.3.0", program: "bin/index.mjs", node: 20 };
/// Without.
const NEWER: Client = Client { package: "aws-lambda-ric@4.0.2", program: "index.mjs", node: 24 };

/// What can be seen of one event from the outside, less what is nobody's choice: ids, times, the task root.
#[derive(Debug, PartialEq)]
struct Seen {
    call: Call,
    content_type: Option<String>,
    body: String,
    cause: Option<Value>,
    log: Vec<String>,
}

impl Client {
    /// A function as both are given it.
    fn function(self, file: &str, source: &str) -> Function {
        let function = Function::empty().file(file, source).handler("app.handler").in_task_root().with_node(self.node);
        let environment = [
            ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs"),
            ("AWS_LAMBDA_FUNCTION_NAME", "name"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ];
        environment.iter().fold(function, |function, (name, value)| function.env(name, value))
    }

    /// Starts the official client with it.
    fn start(self, function: Function) -> Running {
        let (function, modules) = function.with_packages(self.package, &[self.package]);
        let program = modules.join("aws-lambda-ric").join(self.program);
        // Its log is its stdout.
        let line = "exec node \"$0\" \"$_HANDLER\" >&2";
        function.start_through(&["/bin/sh", "-c", line, program.to_str().unwrap()])
    }
}

/// What came of the events.
fn seen(running: &Running, events: &[&str], headers: &[(&str, &str)]) -> Vec<Seen> {
    let with_headers =
        |event: &str| headers.iter().fold(Event::new(event), |event, (name, value)| event.header(name, value));
    let ids: Vec<String> = events.iter().map(|event| running.call(with_headers(event)).0.id).collect();
    if running.watch().look(|seen| seen.exit.is_none()) && !events.contains(&FATAL) {
        running.wait_idle();
    }
    // What they have logged is all there when they have ended.
    running.signal(Signal::SIGTERM);
    running.exit();
    let plain = |text: &str| ids.iter().fold(text.to_owned(), |text, id| text.replace(id, "ID"));
    let log = running.stderr();
    let answers = ids.iter().map(|id| {
        let answer = running.answer(id);
        let header = |name: &str| answer.0.header(name).map(str::to_owned);
        let cause = header("Lambda-Runtime-Function-XRay-Error-Cause");
        Seen {
            call: answer.0.call,
            content_type: header("Content-Type").filter(|_| answer.0.call == Call::Response),
            body: plain(&body(&answer)),
            cause: cause
                .filter(|cause| !cause.is_empty())
                .and_then(|cause| told_to_x_ray(serde_json::from_str(&plain(&cause)).expect("JSON"))),
            log: log
                .lines()
                .filter(|line| line.contains(id.as_str()))
                .filter_map(|line| log_line(&plain(line)))
                .collect(),
        }
    });
    let answers = answers.collect();
    // What must hold of bootstrap need not hold of another client.
    running.watch().change(|seen| seen.violations.clear());
    answers
}

/// An answer's body; of an error the parts that are not the client's own frames.
fn body(answer: &Answer) -> String {
    if answer.0.call == Call::Response {
        return answer.text();
    }
    own_frames(answer.json()).to_string()
}

/// The same without the frames of the client, and of Node.js below it.
fn own_frames(mut value: Value) -> Value {
    match &mut value {
        Value::Array(values) => {
            // Of a frame with an URL the client says "file" and no line, and lines of the message are frames to it.
            values.retain(|value| value.get("path").is_none() || value["line"].is_number());
            let is_frame = |value: &Value| value.is_string() || value.get("path").is_some();
            let is_own =
                |value: &Value| ["aws-lambda-ric", "node:"].iter().any(|place| value.to_string().contains(place));
            let own = values.iter().position(|value| is_frame(value) && is_own(value));
            values.truncate(own.unwrap_or(values.len()));
            for value in values {
                *value = own_frames(value.take());
            }
        }
        Value::Object(members) => members.values_mut().for_each(|value| *value = own_frames(value.take())),
        _ => {}
    }
    value
}

/// What X-Ray is told, if there is a stack in it.
fn told_to_x_ray(cause: Value) -> Option<Value> {
    let mut cause = own_frames(cause);
    let exception = cause["exceptions"][0].take();
    let frames = exception["stack"].as_array()?;
    let paths: Vec<_> = frames.iter().map(|frame| &frame["path"]).collect();
    let told = cause["paths"].as_array()?;
    assert!(paths.iter().all(|path| told.contains(path)), "{cause}");
    (!frames.is_empty()).then(|| json!([cause["working_directory"], exception]))
}

/// A line of the log, its time left out, and the object in it without the client's own frames. Of `bootstrap`'s own, none.
fn log_line(line: &str) -> Option<String> {
    if line.starts_with('{') {
        let mut object: Value = serde_json::from_str(line).ok()?;
        object.as_object_mut()?.remove("timestamp")?;
        return Some(own_frames(object).to_string());
    }
    let (time, rest) = line.split_once('\t')?;
    assert!(time.ends_with('Z') && time.len() == 24, "{line}");
    let object = rest.split_once("\t{").and_then(|(head, object)| {
        let object: Value = serde_json::from_str(&format!("{{{object}")).ok()?;
        Some(format!("{head}\t{}", own_frames(object)))
    });
    Some(object.unwrap_or_else(|| rest.to_owned()))
}

/// Gives both the same, and finds the same.
#[track_caller]
fn same(client: Client, file: &str, source: &str, events: &[&str]) {
    same_with(client, |function| function, file, source, events);
}

#[track_caller]
fn same_with(client: Client, change: impl Fn(Function) -> Function, file: &str, source: &str, events: &[&str]) {
    let headers = [
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:name"),
        ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"),
        ("Lambda-Runtime-Client-Context", r#"{"custom":{"who":"Ada"}}"#),
        ("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#),
    ];
    let made = || change(client.function(file, source));
    let theirs = seen(&client.start(made()), events, &headers);
    let ours = seen(&made().start(), events, &headers);
    for (index, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        assert_eq!(theirs, ours, "theirs and ours, for {} with {client:?}", events[index]);
    }
}

/// Runs this with both clients, where much may be installed.
fn with_both(test: impl Fn(Client)) {
    if npm::is_large() {
        [OLDER, NEWER].into_iter().for_each(test);
    }
}

#[test]
fn answers_of_every_kind() {
    let source = "export const handler = async (event, context) => {
        switch (event) {
          case 'context': {
            const { getRemainingTimeInMillis, callbackWaitsForEmptyEventLoop, xRayTraceId, ...rest } = context;
            return Object.entries(rest).filter(([, value]) => typeof value !== 'function').sort();
          }
          case 'undefined': return undefined;
          case 'unicode': return { text: 'Zoë 😀 \\u2028', keys: { b: 1, a: 2 }, omitted: undefined, date: new Date(0) };
          case 'trace': return process.env._X_AMZN_TRACE_ID;
          case 'argv': return typeof process.argv[1];
          default: return event;
        }
      };";
    let events = ["{\"a\":[1,2.50,null]}", "\"context\"", "\"undefined\"", "\"unicode\"", "\"trace\"", "\"argv\"", "0"];
    with_both(|client| same(client, "app.mjs", source, &events));
}

#[test]
fn errors_of_every_kind() {
    let source = "class Own extends Error {
        constructor(message) { super(message); this.name = 'Own'; this.code = 'E7'; this.more = { a: [1] }; }
      }
      const deeper = (message) => { throw new Own(message); };
      exports.handler = async (event) => {
        if (event === 'own') deeper('why');
        if (event === 'lines') throw new RangeError('two\\nlines');
        if (event === 'delete') throw new TypeError('a\\x7fb');
        if (event === 'text') throw 'text';
        if (event === 'number') throw 7;
        if (event === 'getter') throw Object.defineProperty(new Error('x'), 'name', { get() { throw new Error('mine'); } });
        if (event === 'cause') throw new Error('outer', { cause: new Error('inner') });
        if (event === 'several') throw new AggregateError([new Error('one')], 'several');
        if (event === 'round') { const error = new Error('round'); error.self = error; throw error; }
        if (event === 'later') { await null; throw new Error('later'); }
        return event.a.b;
      };";
    let events = ["own", "lines", "delete", "text", "number", "cause", "several", "round", "later", "other"];
    let events = events.map(|event| format!("\"{event}\""));
    with_both(|client| same(client, "app.js", source, &events.each_ref().map(String::as_str)));
    // The older client's own report fails there.
    if npm::is_large() {
        same(NEWER, "app.js", source, &["\"getter\""]);
    }
}

#[test]
fn the_console_in_both_formats() {
    let source = "exports.handler = async () => {
        console.log('plain %s %d', 'words', 7, { a: { b: [1] } }, [undefined, null]);
        console.info({ an: 'object', error: Object.assign(new Error('in it'), { stack: 'its stack' }) });
        console.warn('two\\nlines');
        console.error('with', Object.assign(new RangeError('an error'), { stack: 'RangeError: an error\\n    at place' }));
        console.error(Object.assign(new Own('alone'), { stack: 'Own: alone', code: 7 }));
        console.debug('debug'); console.trace('trace'); console.fatal('fatal'); console.log(); console.log(7n, Symbol('s'));
        console.log(7n);
      };
      class Own extends Error {}";
    with_both(|client| {
        same(client, "app.js", source, &["1"]);
        same_with(client, |function| function.env("AWS_LAMBDA_LOG_FORMAT", "JSON"), "app.js", source, &["1"]);
        let filtered =
            |function: Function| function.env("AWS_LAMBDA_LOG_FORMAT", "JSON").env("AWS_LAMBDA_LOG_LEVEL", "WARN");
        same_with(client, filtered, "app.js", source, &["1"]);
    });
}

#[test]
fn callbacks_of_the_older_client() {
    if !npm::is_large() {
        return;
    }
    let source = "exports.handler = (event, context, callback) => {
        if (event === 'callback') callback(null, 1);
        if (event === 'twice') { callback(null, 1); callback(null, 2); context.succeed(3); }
        if (event === 'later') setTimeout(() => callback(null, 1), 5);
        if (event === 'error') callback(new RangeError('why'));
        if (event === 'text') callback('why');
        if (event === 'done') context.done(null, 1);
        if (event === 'fail') context.fail(new RangeError('why'));
        if (event === 'failed') context.fail();
        if (event === 'succeed') setImmediate(() => context.succeed({ a: 1 }));
        if (event === 'timer') return setTimeout(() => context.succeed(1), 1);
        if (event === 'promise') { callback(null, 1); return Promise.resolve(2); }
        if (event === 'rejected') { callback(null, 1); return Promise.reject(new Error('late')); }
        if (event === 'first') { setTimeout(() => callback(null, 2), 5); return Promise.resolve(1); }
        if (event === 'thrown') throw new RangeError('why');
        if (event === 'at once') { context.callbackWaitsForEmptyEventLoop = false; callback(null, 1); }
      };";
    let events = [
        "callback", "twice", "later", "error", "text", "done", "fail", "failed", "succeed", "timer", "promise",
        "rejected", "first", "thrown", "at once", "nothing",
    ];
    let events = events.map(|event| format!("\"{event}\""));
    same(OLDER, "app.js", source, &events.each_ref().map(String::as_str));
}

#[test]
fn a_synchronous_value_of_the_newer_client() {
    if npm::is_large() {
        same(NEWER, "app.js", "exports.handler = (event) => event;", &["{\"a\":1}", "null", "\"text\"", "0"]);
        same(NEWER, "app.js", "exports.handler = (event, context) => [event, context.functionName];", &["1"]);
    }
}

#[test]
fn streams() {
    let source = "export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
        if (event === 'plain') { stream.write('ä'); stream.write(Buffer.of(0, 255)); stream.write({ a: 1 }); stream.end(); }
        if (event === 'typed') { stream.setContentType('text/x'); stream.write('x'); stream.end(); }
        if (event === 'http') {
          stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, cookies: ['a=b'] });
          stream.write('<p>'); stream.end();
        }
        if (event === 'piped') {
          const { pipeline } = await import('node:stream/promises');
          const { Readable } = await import('node:stream');
          await pipeline(Readable.from(['a', 'b']), stream);
        }
        if (event === 'late') { stream.write('a'); setTimeout(() => stream.end(), 5); }
        if (event === 'returned') { stream.write('a'); stream.end(); return 7; }
      });";
    let events = ["plain", "typed", "http", "piped", "late", "returned"].map(|event| format!("\"{event}\""));
    with_both(|client| same(client, "app.mjs", source, &events.each_ref().map(String::as_str)));
}

#[test]
fn what_nobody_catches() {
    if !npm::is_large() {
        return;
    }
    let waits = "await new Promise((resolve) => setTimeout(resolve, 60000));";
    let thrown = "setTimeout(() => { throw Object.assign(new RangeError('later'), { code: 'E7' }); });";
    same(OLDER, "app.js", &format!("exports.handler = async () => {{ {thrown} {waits} }};"), &[FATAL]);
}

/// What is reported of a start that fails: the error's type, its message, and the user's own frames.
fn failure(running: &Running) -> Value {
    running.exit();
    running.watch().change(|seen| seen.violations.clear());
    let report = running.requests_so_far(Call::Init).pop().unwrap_or_else(|| panic!("no report: {}", running.story()));
    let body: Value = serde_json::from_slice(&report.body).expect("JSON");
    json!([report.header("Lambda-Runtime-Function-Error-Type"), body["errorType"], body["errorMessage"]])
}

#[test]
fn failures_at_the_start() {
    if !npm::is_large() {
        return;
    }
    for source in [
        "exports.handler = {",
        "",
        "exports.handler = 7;",
        "throw new RangeError('no table');",
        "exports.handler = () => {}; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';",
    ] {
        let made = || NEWER.function("app.js", source);
        assert_eq!(failure(&NEWER.start(made())), failure(&made().start()), "theirs and ours, for {source}");
    }
}

#[test]
fn the_order_of_files() {
    let own = |file: &str| {
        let export = if file.contains(".mjs") { "export const" } else { "exports." };
        format!("{export} handler = async () => '{file}'; {export} prod = {{ handler: async () => 'prod in {file}' }};")
    };
    with_both(|client| {
        for (setting, files) in [
            ("app.handler", &["app.js", "app.mjs", "app.cjs"][..]),
            ("app.handler", &["app.mjs", "app.cjs"]),
            ("app.prod.handler", &["app.js", "app.prod.js"]),
            ("sub/app.handler", &["app.js", "sub/app.mjs"]),
        ] {
            let made = || {
                let function = client.function("unused.js", "").handler(setting);
                files.iter().fold(function, |function, file| function.file(file, own(file)))
            };
            let call = |running: &Running| seen(running, &["1"], &[]).remove(0).body;
            assert_eq!(call(&client.start(made())), call(&made().start()), "{setting} of {files:?} with {client:?}");
        }
    });
}
