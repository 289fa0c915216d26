//! Agents: Sentry, OpenTelemetry, Datadog, New Relic, the X-Ray SDK.

use super::receiver::Receiver;
use super::{event, with};
use crate::harness::{Function, npm};
use serde_json::json;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

const SENTRY: [&str; 1] = ["@sentry/aws-serverless@10.75.2"];
const OPENTELEMETRY: [&str; 3] = [
    "@opentelemetry/api@1.9.1",
    "@opentelemetry/sdk-trace-node@2.12.0",
    "@opentelemetry/instrumentation-aws-lambda@0.66.0",
];
const DATADOG: [&str; 2] = ["datadog-lambda-js@12.143.0", "dd-trace@6.21.0"];
const NEW_RELIC: [&str; 1] = ["newrelic@14.5.1"];
const X_RAY: [&str; 1] = ["aws-xray-sdk-core@3.12.0"];

/// The same handler as a script and as a module: it fails on demand.
const SCRIPT: (&str, &str) = (
    "app.js",
    "exports.handler = async (event) => { if (event.fail) throw new RangeError('no kiwis'); return { ok: event.number }; };",
);
const MODULE: (&str, &str) = (
    "app.mjs",
    "export const handler = async (event) => { if (event.fail) throw new RangeError('no kiwis'); return { ok: event.number }; };",
);

#[test]
fn sentry_before_the_handler() {
    if !npm::is_large() {
        return;
    }
    for ((file, source), preload) in [(SCRIPT, "--require"), (SCRIPT, "--import"), (MODULE, "--import")] {
        let collector = Receiver::start("{}");
        let function = with("sentry", &SENTRY).file(file, source);
        let function = function.env("NODE_OPTIONS", format!("{preload} @sentry/aws-serverless/awslambda-auto"));
        let function = function.env("SENTRY_DSN", format!("http://key@127.0.0.1:{}/1", collector.port)).start();
        assert_eq!(function.call(event("{\"number\":7}")).json(), json!({"ok": 7}), "{file} {preload}");
        assert_eq!(function.call(event("{\"fail\":true}")).error("RangeError"), "no kiwis");
        let (line, body) = collector.wait("no kiwis");
        assert!(line.contains("/api/1/envelope/") && body.contains("\"RangeError\""), "{line} {body}");
    }
}

#[test]
fn sentry_around_the_handler() {
    if !npm::is_large() {
        return;
    }
    let source = "const Sentry = require('@sentry/aws-serverless');
      Sentry.init({ dsn: process.env.SENTRY_DSN });
      exports.handler = Sentry.wrapHandler(async (event) => { if (event.fail) throw new RangeError('no kiwis'); return 7; });";
    let collector = Receiver::start("{}");
    let function = with("sentry", &SENTRY).file("app.js", source);
    let function = function.env("SENTRY_DSN", format!("http://key@127.0.0.1:{}/1", collector.port)).start();
    assert_eq!(function.call(event("{}")).json(), 7);
    assert_eq!(function.call(event("{\"fail\":true}")).error("RangeError"), "no kiwis");
    collector.wait("no kiwis");
}

#[test]
fn opentelemetry() {
    if !npm::is_large() {
        return;
    }
    let preload = "
      const { register } = require('node:module');
      const { pathToFileURL } = require('node:url');
      register('@opentelemetry/instrumentation/hook.mjs', pathToFileURL(__filename));
      const { NodeTracerProvider, SimpleSpanProcessor, ConsoleSpanExporter } = require('@opentelemetry/sdk-trace-node');
      const { registerInstrumentations } = require('@opentelemetry/instrumentation');
      const { AwsLambdaInstrumentation } = require('@opentelemetry/instrumentation-aws-lambda');
      const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] });
      provider.register();
      registerInstrumentations({ tracerProvider: provider, instrumentations: [new AwsLambdaInstrumentation()] });";
    for (file, source) in [SCRIPT, MODULE] {
        let function = with("opentelemetry", &OPENTELEMETRY).file(file, source).file("preload.cjs", preload);
        let options = "--require /var/task/preload.cjs";
        let function = function.env("NODE_OPTIONS", options).start();
        let id = function.send(event("{\"number\":7}"));
        assert_eq!(function.answer(&id).json(), json!({"ok": 7}), "{file}");
        function.wait_log("traceId");
        function.wait_log(&format!("'faas.execution': '{id}'"));
        assert_eq!(function.call(event("{\"fail\":true}")).error("RangeError"), "no kiwis");
        function.wait_log("'exception.message': 'no kiwis'");
    }
}

#[test]
fn datadog() {
    if !npm::is_large() {
        return;
    }
    let with_metric = |(file, source): (&'static str, &str)| {
        let import = if file == MODULE.0 {
            "import datadog from 'datadog-lambda-js';"
        } else {
            "const datadog = require('datadog-lambda-js');"
        };
        (
            file,
            format!(
                "{import} {}",
                source.replace(
                    "return {",
                    "datadog.sendDistributionMetric('kiwis', event.number, 'kind:green'); return {"
                )
            ),
        )
    };
    for (file, source) in [with_metric(SCRIPT), with_metric(MODULE)] {
        let function = with("datadog", &DATADOG).file(file, source);
        let function = function
            .handler("node_modules/datadog-lambda-js/dist/handler.handler")
            .env("DD_LAMBDA_HANDLER", "app.handler");
        let function =
            function.env("DD_FLUSH_TO_LOG", "true").env("DD_API_KEY", "none").env("DD_TRACE_ENABLED", "true");
        let function = function.env("DD_REMOTE_CONFIGURATION_ENABLED", "false").start();
        assert_eq!(function.call(event("{\"number\":7}")).json(), json!({"ok": 7}), "{file}");
        function.wait_log("\"m\":\"kiwis\"");
        assert_eq!(function.call(event("{\"fail\":true}")).error("RangeError"), "no kiwis");
    }
}

#[test]
fn new_relic() {
    if !npm::is_large() {
        return;
    }
    let source = "const newrelic = require('newrelic');
      exports.handler = newrelic.setLambdaHandler(async (event) => {
        newrelic.recordCustomEvent('Kiwis', { number: event.number });
        if (event.fail) throw new RangeError('no kiwis');
        return { ok: event.number };
      });";
    let options = |function: Function| {
        let function = function.env("NEW_RELIC_SERVERLESS_MODE_ENABLED", "true").env("NEW_RELIC_APP_NAME", "name");
        let function = function.env("NEW_RELIC_ACCOUNT_ID", "1").env("NEW_RELIC_NO_CONFIG_FILE", "true");
        let pipe = "/tmp/no-pipe";
        function
            .env("NEW_RELIC_LOG_ENABLED", "false")
            .env("NEWRELIC_PIPE_PATH", pipe)
            .env("NODE_OPTIONS", "--require newrelic")
    };
    let function = options(with("newrelic", &NEW_RELIC).file("app.js", source)).start();
    assert_eq!(function.call(event("{\"number\":7}")).json(), json!({"ok": 7}));
    function.wait_log("NR_LAMBDA_MONITORING");
    assert_eq!(function.call(event("{\"fail\":true}")).error("RangeError"), "no kiwis");
}

#[test]
fn the_x_ray_sdk() {
    if !npm::is_large() {
        return;
    }
    let daemon = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    daemon.set_read_timeout(Some(Duration::from_secs(40))).expect("a time limit");
    let source = "const xray = require('aws-xray-sdk-core');
      exports.handler = async (event) => xray.captureAsyncFunc('kiwis', async (segment) => {
        segment.addAnnotation('number', event.number);
        segment.close();
        return { ok: event.number };
      });";
    let function = with("xray", &X_RAY).file("app.js", source);
    let function =
        function.env("AWS_XRAY_DAEMON_ADDRESS", daemon.local_addr().expect("an address").to_string()).start();
    assert_eq!(function.call(event("{\"number\":7}")).json(), json!({"ok": 7}));
    let mut packet = vec![0; 65536];
    let length = daemon.recv(&mut packet).expect("a segment");
    let segment = String::from_utf8_lossy(&packet[..length]).into_owned();
    assert!(segment.contains("1-5759e988-bd862e3fe1be46a994272793") && segment.contains("\"kiwis\""), "{segment}");
}
