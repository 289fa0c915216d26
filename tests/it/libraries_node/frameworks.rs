//! middy, serverless-http with express, hono, Powertools for TypeScript, the SDK for durable execution.

use super::receiver::Receiver;
use super::{event, request, with};
use crate::harness::npm;
use serde_json::{Value, json};
use std::time::Duration;

const MIDDY: [&str; 2] = ["@middy/core@7.9.2", "@middy/http-json-body-parser@7.9.2"];
const HTTP: [&str; 3] = ["serverless-http@4.0.0", "express@5.3.0", "hono@4.13.19"];
const POWERTOOLS: [&str; 4] = [
    "@aws-lambda-powertools/logger@2.36.0",
    "@aws-lambda-powertools/metrics@2.36.0",
    "@aws-lambda-powertools/tracer@2.36.0",
    "@aws-lambda-powertools/batch@2.35.0",
];
const DURABLE: [&str; 1] = ["@aws/durable-execution-sdk-js@2.4.0"];

#[test]
fn middy() {
    if !npm::is_large() {
        return;
    }
    let source = "import middy from '@middy/core';
      import parser from '@middy/http-json-body-parser';
      const inner = async (event, context, { signal }) => {
        if (event.body.sleep) await new Promise((resolve) => setTimeout(resolve, 60000));
        return { statusCode: 200, body: 'Hello ' + event.body.name };
      };
      export const handler = middy({ timeoutEarlyInMillis: 500, timeoutEarlyResponse: () => ({ statusCode: 408 }) })
        .use(parser())
        .onError((request) => { request.response = { statusCode: request.error.statusCode ?? 500 }; })
        .handler(inner);";
    let function = with("middy", &MIDDY).file("app.mjs", source).start();
    let answer = function.call(request("POST", "/", "{\"name\":\"Ada\"}")).json();
    assert_eq!(answer, json!({"statusCode": 200, "body": "Hello Ada"}));
    assert_eq!(function.call(request("POST", "/", "{")).json()["statusCode"], 422);
    // It answers by itself before its time is up.
    let slow = request("POST", "/", "{\"sleep\":true}").deadline_in(Duration::from_secs(2));
    assert_eq!(function.call(slow).json()["statusCode"], 408);
}

#[test]
fn express_by_serverless_http() {
    if !npm::is_large() {
        return;
    }
    let source = "const express = require('express');
      const serverless = require('serverless-http');
      const app = express();
      app.use(express.json());
      app.post('/hello', (request, response) => response.status(201).json({ hello: request.body.name, who: request.query.who }));
      app.get('/fail', () => { throw new Error('why'); });
      exports.handler = serverless(app);";
    let function = with("http", &HTTP).file("app.js", source).start();
    let answer = function.call(request("POST", "/hello", "{\"name\":\"Ada\"}")).json();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(answer["body"], json!({"hello": "Ada", "who": "Ada"}).to_string());
    assert_eq!(function.call(request("GET", "/fail", "")).json()["statusCode"], 500);
    assert_eq!(function.call(request("GET", "/nowhere", "")).json()["statusCode"], 404);
}

#[test]
fn hono_in_one_piece_and_as_a_stream() {
    if !npm::is_large() {
        return;
    }
    let source = "import { Hono } from 'hono';
      import { stream } from 'hono/streaming';
      import { handle, streamHandle } from 'hono/aws-lambda';
      const app = new Hono();
      app.post('/hello', async (c) => c.json({ hello: (await c.req.json()).name, who: c.req.query('who') }, 201));
      app.get('/stream', (c) => stream(c, async (out) => { await out.write('one '); await out.write('two'); }));
      export const handler = handle(app);
      export const streaming = streamHandle(app);";
    let function = with("http", &HTTP).file("app.mjs", source).start();
    let answer = function.call(request("POST", "/hello", "{\"name\":\"Ada\"}")).json();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(201), &json!("{\"hello\":\"Ada\",\"who\":\"Ada\"}")));
    let function = with("http", &HTTP).file("app.mjs", source).handler("app.streaming").start();
    let answer = function.call(request("GET", "/stream", ""));
    let (prelude, body) = answer.response_text().split_once("\0\0\0\0\0\0\0\0").expect("a prelude");
    let prelude: Value = serde_json::from_str(prelude).expect("JSON");
    assert_eq!((&prelude["statusCode"], body), (&json!(200), "one two"));
}

/// A handler with all four; its fourth kind of line is for the trace, which goes to a daemon by UDP.
const WITH_POWERTOOLS: &str = "
    const { Logger } = require('@aws-lambda-powertools/logger');
    const { Metrics } = require('@aws-lambda-powertools/metrics');
    const { Tracer } = require('@aws-lambda-powertools/tracer');
    const { BatchProcessor, EventType, processPartialResponse } = require('@aws-lambda-powertools/batch');
    const logger = new Logger({ serviceName: 'service' });
    const metrics = new Metrics({ namespace: 'space', serviceName: 'service' });
    const tracer = new Tracer({ serviceName: 'service' });
    exports.handler = async (event, context) => {
      logger.addContext(context);
      logger.appendKeys({ key: event.key });
      // Where there may be several events, this must belong to one.
      const processor = new BatchProcessor(EventType.SQS);
      if (event.Records) return processPartialResponse(event, (record) => JSON.parse(record.body), processor, { context });
      logger.info('before', { traced: tracer.isTracingEnabled() });
      await new Promise((resolve) => setTimeout(resolve, 20));
      metrics.addMetric('count', 'Count', event.key);
      metrics.publishStoredMetrics();
      logger.info('after');
      return { id: tracer.getRootXrayTraceId() };
    };";

#[test]
fn powertools() {
    if !npm::is_large() {
        return;
    }
    let function = with("powertools", &POWERTOOLS).file("app.js", WITH_POWERTOOLS).start();
    let id = function.send(event("{\"key\":1}"));
    assert_eq!(function.answer(&id).json()["id"], "1-5759e988-bd862e3fe1be46a994272793");
    function.wait_log("\"after\"");
    let log = function.stderr();
    let objects: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let said =
        |message: &str| objects.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&said("before")["function_request_id"], &said("before")["traced"]), (&json!(id), &json!(true)));
    assert!(objects.iter().any(|line| line["count"] == 1 && line["_aws"].is_object()), "{log}");
    let records = json!({"Records": [{"messageId": "a", "body": "1"}, {"messageId": "b", "body": "{"}]});
    let failures = function.call(event(&records.to_string())).json();
    assert_eq!(failures, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
}

#[test]
fn powertools_with_several_events_at_once() {
    if !npm::is_large() {
        return;
    }
    let function = with("powertools", &POWERTOOLS).file("app.js", WITH_POWERTOOLS).workers(4);
    let function = function.env("AWS_LAMBDA_MAX_CONCURRENCY", "4").start();
    let ids: Vec<_> = (1..=4).map(|key| function.send(event(&json!({"key": key}).to_string()))).collect();
    for id in &ids {
        function.answer(id).response();
        function.wait_log(id);
    }
    function.wait_idle();
    let log = function.stderr();
    // Each event's keys are in its own lines.
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (index, id) in ids.iter().enumerate() {
        let own: Vec<_> =
            lines.iter().filter(|line| line["message"] == "after" && line["key"] == json!(index + 1)).collect();
        let [line] = own.as_slice() else { panic!("{id}: {log}") };
        assert_eq!(line["xray_trace_id"], "1-5759e988-bd862e3fe1be46a994272793", "{line}");
    }
}

#[test]
fn durable_execution() {
    if !npm::is_large() {
        return;
    }
    let source = "import { withDurableExecution } from '@aws/durable-execution-sdk-js';
      export const handler = withDurableExecution(async (event, context) => {
        const doubled = await context.step('double', async () => event.number * 2);
        return { doubled };
      });";
    // What Lambda's own service keeps of an execution.
    let service = Receiver::start("{\"CheckpointToken\":\"next\",\"NewExecutionState\":{\"Operations\":[]}}");
    let function = with("durable", &DURABLE).file("app.mjs", source);
    let function = function.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", service.port));
    // Lambda's user has a home, if none that is there; this one is nobody.
    let function = function.env("HOME", "/home/sbx_user1051").start();
    let input = json!({
        "DurableExecutionArn": "arn:aws:lambda:eu-west-1:123456789012:function:name:1/durable-execution/a/b",
        "CheckpointToken": "first",
        "InitialExecutionState": {"Operations": [{
            "Id": "execution", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 1_767_225_600_000_u64,
            "ExecutionDetails": {"InputPayload": "{\"number\":21}"},
        }]},
    });
    let answer = function.call(event(&input.to_string())).json();
    assert_eq!(answer, json!({"Status": "SUCCEEDED", "Result": "{\"doubled\":42}"}));
    let (line, body) = service.wait("double");
    assert!(line.contains("/checkpoint") && body.contains("\"first\""), "{line} {body}");
}
