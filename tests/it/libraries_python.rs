//! Libraries that functions in Python bring along, each with a typical handler: agents, frameworks, tracers. What they have to
//! do with the runtime is looked at, not what they do elsewhere: what they would send to their makers is printed, or goes to a
//! socket of the test's.
//!
//! They are installed from `PyPI` where `LAMBDA_STDIO_LARGE=1` (200 MB), and else the tests say that they are not run.

use crate::harness::files::search_path;
use crate::harness::{Event, Function, need};
use serde_json::{Value, json};
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// What is installed.
const LIST: &str = include_str!("../python-libraries.txt");
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:shop";

/// The folder with a Python that has them; none where nobody wants them.
#[track_caller]
fn libraries() -> Option<&'static Path> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if std::env::var_os("LAMBDA_STDIO_LARGE").is_none_or(|value| value != "1") {
        eprintln!("this test installs much: LAMBDA_STDIO_LARGE=1 runs it");
        return None;
    }
    Some(FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python-libraries");
        let installed = folder.join("installed.txt");
        if fs::read_to_string(&installed).is_ok_and(|text| text == LIST) {
            return folder.join("bin");
        }
        let _ = fs::remove_dir_all(&folder);
        let run = |program: &Path, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success(),
                "{} {arguments:?} failed (python3-venv is needed, too): {told}",
                program.display()
            );
        };
        run(&need("python3"), &["-m", "venv", folder.to_str().unwrap()]);
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python-libraries.txt");
        let pip = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", list];
        run(&folder.join("bin/pip"), &pip);
        fs::write(installed, LIST).unwrap();
        folder.join("bin")
    }))
}

/// A function with them, and with the environment that Lambda has.
fn function(bin: &Path, source: &str) -> Function {
    let function = Function::empty().file("app.py", source).handler("app.handler");
    let function = function.with_folder_in_place(bin.parent().unwrap());
    let path = format!("{}:{}", bin.display(), search_path());
    let home = function.folder().to_owned();
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
    ]
    .into_iter()
    .fold(function.env("PATH", path).env("HOME", home), |function, (name, value)| function.env(name, value))
}

fn event(body: &Value) -> Event {
    Event::new(body.to_string())
        .header("Lambda-Runtime-Trace-Id", TRACE)
        .header("Lambda-Runtime-Invoked-Function-Arn", ARN)
}

/// A request as a function URL or an HTTP API has it.
fn http(path: &str) -> Value {
    json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "cookies": [],
        "headers": {"host": "example.org"}, "isBase64Encoded": false, "requestContext": {"accountId": "1", "apiId": "a",
        "domainName": "example.org", "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
        "userAgent": "x"}, "requestId": "r", "stage": "$default", "timeEpoch": 0}})
}

/// The daemon that X-Ray's libraries send segments to, and its address.
fn daemon() -> (UdpSocket, String) {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[track_caller]
fn segment(socket: &UdpSocket) -> Value {
    let mut buffer = vec![0; 65536];
    let size = socket.recv(&mut buffer).expect("a segment for X-Ray's daemon");
    let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
    serde_json::from_str(text.split_once('\n').expect("a head and a segment").1).unwrap()
}

#[test]
fn powertools() {
    let Some(bin) = libraries() else { return };
    let source = "
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
logger, metrics, tracer, app = Logger(service='shop'), Metrics(namespace='shop', service='web'), Tracer(service='shop'), APIGatewayHttpResolver()
@app.get('/orders/<number>')
@tracer.capture_method
def order(number):
    logger.info('an order', extra={'number': number})
    metrics.add_metric(name='orders', unit='Count', value=1)
    return {'number': number}
@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context): return app.resolve(event, context)
";
    let (socket, address) = daemon();
    let function = function(bin, source).env("AWS_XRAY_DAEMON_ADDRESS", address).start();
    let event = event(&http("/orders/7"));
    let id = event.id.clone();
    let answer = function.call(event).json();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("{\"number\":\"7\"}")), "{answer}");
    function.wait_log("\"_aws\"");
    let log = function.stderr();
    let line = log.lines().find(|line| line.contains("an order")).unwrap_or_else(|| panic!("{log}"));
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        [&line["function_request_id"], &line["function_arn"], &line["cold_start"], &line["correlation_id"]],
        [&json!(id), &json!(ARN), &json!(true), &json!("r")]
    );
    let segment = segment(&socket);
    assert_eq!(segment["trace_id"], "1-5759e988-bd862e3fe1be46a994272793", "{segment}");
}

#[test]
fn xray_sdk() {
    let Some(bin) = libraries() else { return };
    let source = "
from aws_xray_sdk.core import patch_all, xray_recorder
patch_all()
@xray_recorder.capture('## work')
def work(): return xray_recorder.current_subsegment().name
def handler(event, context): return work()
";
    let (socket, address) = daemon();
    let function = function(bin, source).env("AWS_XRAY_DAEMON_ADDRESS", address).start();
    assert_eq!(function.call(event(&json!({}))).json(), "## work");
    let segment = segment(&socket);
    let wanted = ["## work", "53995c3f42cd8ad8", "1-5759e988-bd862e3fe1be46a994272793"];
    assert_eq!([&segment["name"], &segment["parent_id"], &segment["trace_id"]], wanted.map(Value::from).each_ref());
}

#[test]
fn sentry() {
    let Some(bin) = libraries() else { return };
    let agent = "
import json, sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.transport import Transport
class Printed(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event:
            last = event['exception']['values'][-1]
            frames = [frame['filename'] for frame in last.get('stacktrace', {}).get('frames', [])]
            print('SENTRY', json.dumps([last['type'], last['value'], frames, event.get('extra', {}).get('lambda', {}).get('aws_request_id')]))
    def flush(self, timeout, callback=None): print('FLUSHED')
sentry_sdk.init(dsn='http://key@127.0.0.1:1/1', integrations=[AwsLambdaIntegration(timeout_warning=True)], transport=Printed)
";
    let function =
        function(bin, &format!("{agent}\ndef handler(event, context): raise ValueError('no kiwis')")).start();
    let event = event(&json!({}));
    let id = event.id.clone();
    assert_eq!(function.call(event).error("ValueError"), "no kiwis");
    function.wait_log("FLUSHED");
    // The user's frames, and none of the adapter.
    function.wait_log(&format!("SENTRY [\"ValueError\", \"no kiwis\", [\"app.py\"], \"{id}\"]"));
    let failing = self::function(bin, &format!("{agent}\nraise RuntimeError('no table')"));
    failing.expect_init_error("RuntimeError", "no table").run().wait_log("SENTRY [\"RuntimeError\", \"no table\"");
}

#[test]
fn honeybadger() {
    let Some(bin) = libraries() else { return };
    let source = "
from honeybadger import honeybadger, connection
from honeybadger.contrib import AWSLambdaPlugin
honeybadger.configure(api_key='none', environment='production', force_report_data=True)
connection.send_notice = lambda config, notice: print('HONEYBADGER', notice.payload['error']['class'], notice.payload['request']['action'])
import honeybadger.core; honeybadger.core.send_notice = connection.send_notice
def handler(event, context): raise ValueError('no kiwis')
";
    let function = function(bin, source).start();
    assert_eq!(function.call(event(&json!({}))).error("ValueError"), "no kiwis");
    function.wait_log("HONEYBADGER ValueError app.handler");
}

#[test]
fn opentelemetry() {
    let Some(bin) = libraries() else { return };
    // As its layer does it: a wrapper module is the handler, and the user's is in ORIG_HANDLER.
    let wrapper = "
import importlib, os, sys
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.to_json(indent=None) + '\\n')))
AwsLambdaInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
module, name = os.environ['ORIG_HANDLER'].rsplit('.', 1)
handler = getattr(importlib.import_module(module), name)
";
    let source = "
import logging
def handler(event, context):
    logging.warning('a line')
    if 'fail' in event: raise ValueError('no kiwis')
    return [__name__, event]
";
    let function = function(bin, source).file("otel_wrapper.py", wrapper).env("ORIG_HANDLER", "app.handler");
    let function = function.handler("otel_wrapper.handler").start();
    let event = event(&json!({"a": 1}));
    let id = event.id.clone();
    assert_eq!(function.call(event).json(), json!(["app", {"a": 1}]));
    function.wait_log(&format!("\"faas.invocation_id\": \"{id}\""));
    function.wait_log(&format!("Z\t{id}\ta line\n"));
    function.call(self::event(&json!({"fail": 1}))).error("ValueError");
    function.wait_log("\"exception.type\": \"ValueError\"");
}

#[test]
fn datadog() {
    let Some(bin) = libraries() else { return };
    let source = "
import logging
from datadog_lambda.metric import lambda_metric
from datadog_lambda.wrapper import datadog_lambda_wrapper
@datadog_lambda_wrapper
def handler(event, context):
    logging.getLogger().warning('a line')
    lambda_metric('orders', 1, tags=['a:b'])
    if 'fail' in event: raise ValueError('no kiwis')
    return event
";
    let function = function(bin, source)
        .env("DD_FLUSH_TO_LOG", "true")
        .env("DD_TRACE_ENABLED", "true")
        .env("DD_LOGS_INJECTION", "true")
        .env("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false")
        .env("DD_REMOTE_CONFIGURATION_ENABLED", "false")
        .env("DD_SITE", "localhost")
        .start();
    let event = event(&json!({"a": 1}));
    let id = event.id.clone();
    assert_eq!(function.call(event).json(), json!({"a": 1}));
    function.wait_log(&format!("Z\t{id}\t[dd.trace_id="));
    function.wait_log("\"m\":\"orders\"");
    function.call(self::event(&json!({"fail": 1}))).error("ValueError");
}

#[test]
fn new_relic() {
    let Some(bin) = libraries() else { return };
    let source = "
import newrelic.agent
newrelic.agent.initialize()
from newrelic_lambda.lambda_handler import lambda_handler
@lambda_handler()
def handler(event, context):
    if 'fail' in event: raise ValueError('no kiwis')
    return event
";
    let function = function(bin, source)
        .env("NEW_RELIC_SERVERLESS_MODE_ENABLED", "true")
        .env("NEW_RELIC_ACCOUNT_ID", "1")
        .env("NEW_RELIC_TRUSTED_ACCOUNT_KEY", "1")
        .env("NEW_RELIC_NO_CONFIG_FILE", "true")
        .env("NEW_RELIC_LOG", "stderr")
        .start();
    for _ in 0..2 {
        assert_eq!(function.call(event(&json!({"a": 1}))).json(), json!({"a": 1}));
    }
    // It is an array of JSON on stdout, and nobody's answer.
    function.wait_log("\"NR_LAMBDA_MONITORING\"");
    function.call(event(&json!({"fail": 1}))).error("ValueError");
}

#[test]
fn mangum_with_fastapi() {
    let Some(bin) = libraries() else { return };
    let source = "
from fastapi import FastAPI
from mangum import Mangum
app = FastAPI()
@app.get('/orders/{number}')
async def order(number: int): return {'number': number}
@app.get('/fail')
async def fail(): raise ValueError('no kiwis')
handler = Mangum(app, lifespan='auto')
";
    let function = function(bin, source).start();
    let answer = function.call(event(&http("/orders/7"))).json();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("{\"number\":7}")), "{answer}");
    assert_eq!(function.call(event(&http("/orders/x"))).json()["statusCode"], 422);
    assert_eq!(function.call(event(&http("/fail"))).json()["statusCode"], 500);
}

#[test]
fn chalice() {
    let Some(bin) = libraries() else { return };
    let source = "
from chalice import Chalice
app = Chalice(app_name='shop')
app.log.setLevel('INFO')
@app.route('/orders/{number}')
def order(number):
    app.log.info('an order')
    return {'number': number, 'id': app.lambda_context.aws_request_id}
@app.lambda_function()
def pure(event, context): return event
";
    let request = json!({"resource": "/orders/{number}", "path": "/orders/7", "httpMethod": "GET", "headers": {},
        "multiValueHeaders": {}, "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": {"number": "7"}, "stageVariables": null, "body": null, "isBase64Encoded": false,
        "requestContext": {"httpMethod": "GET", "resourcePath": "/orders/{number}", "identity": {"sourceIp": "192.0.2.1"}}});
    let function = function(bin, source).handler("app.app").start();
    let event = event(&request);
    let id = event.id.clone();
    let answer = function.call(event).json();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(answer["body"], format!("{{\"number\":\"7\",\"id\":\"{id}\"}}"), "{answer}");
    function.wait_log("shop - INFO - an order");
    let pure = self::function(bin, source).handler("app.pure").start();
    assert_eq!(pure.call(self::event(&json!([1]))).json(), json!([1]));
}

#[test]
fn durable_execution_sdk() {
    let Some(bin) = libraries() else { return };
    let source = "
from aws_durable_execution_sdk_python import DurableContext, durable_execution, durable_step
class Service:  # what the durable execution's service would say
    def checkpoint_durable_execution(self, **request):
        print('CHECKPOINT', [update['Action'] for update in request['Updates']])
        operations = [dict(Id=u['Id'], Type=u['Type'], Status={'START': 'STARTED', 'SUCCEED': 'SUCCEEDED'}[u['Action']],
            StepDetails={'Result': u.get('Payload')}) for u in request['Updates']]
        return {'CheckpointToken': 'next', 'NewExecutionState': {'Operations': operations, 'NextMarker': ''}}
@durable_step
def add(step, a, b): return a + b
@durable_execution(boto3_client=Service())
def handler(event, context: DurableContext):
    return context.step(add(event['a'], 2), name='add')
";
    let start = json!({"DurableExecutionArn": format!("{ARN}/durable-execution/1/2"), "CheckpointToken": "first",
        "InitialExecutionState": {"Operations": [{"Id": "2", "Type": "EXECUTION", "Status": "STARTED",
            "ExecutionDetails": {"InputPayload": "{\"a\": 1}"}}], "NextMarker": ""}});
    let function = function(bin, source).start();
    for _ in 0..2 {
        let answer = function.call(event(&start)).json();
        assert_eq!((&answer["Status"], &answer["Result"]), (&json!("SUCCEEDED"), &json!("3")), "{answer}");
    }
    function.wait_log("CHECKPOINT");
}

#[test]
fn boto3() {
    let Some(bin) = libraries() else { return };
    let source = "
import boto3
client = boto3.client('sts')
def handler(event, context): return [client.meta.region_name, client.meta.config.user_agent]
";
    let answer = function(bin, source).start().call(event(&json!({}))).json();
    assert_eq!(answer[0], "eu-west-1");
    // It says where it runs.
    assert!(answer[1].as_str().unwrap().contains("exec-env/AWS_Lambda_python3."), "{answer}");
}
