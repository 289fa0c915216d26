//! Events in a row under AWS's emulator, a few seconds for each way to talk, or `SOAK_SECONDS`: answers, errors of the function's
//! own, crashes, and in a long run time-outs. Each answer is the event's own, the sandbox stays the same, and so does its memory.

use crate::cgi;
use crate::harness::{Function, number_from, procfs};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long each goes on where nothing else is said, and from when on there are time-outs, which take seconds.
const SHORT: u64 = 3;
const LONG: u64 = 20;

/// How many events it takes until memory has its size, how much it may grow from then on, and after how many the log is looked
/// through.
const WARM: usize = 50;
const GROWTH: u64 = 8 << 20;
const ROUND: usize = 100;

const LOOP: &str = r#"$| = 1;
while (my $e = <STDIN>) {
    my ($n, $do) = $e =~ /"n":(\d+),"do":"(\w+)"/;
    if ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Soak.Staged\"}\n" }
    elsif ($do eq 'crash') { exit 3 }
    elsif ($do eq 'hang') { sleep 1000 }
    else { print "{\"n\":$n}\n" }
}
"#;

const FILTER: &str = r#"my $e = join '', <STDIN>;
my ($n, $do) = $e =~ /"n":(\d+),"do":"(\w+)"/;
if ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Soak.Staged\"}"; exit 1 }
elsif ($do eq 'crash') { exit 3 }
elsif ($do eq 'hang') { sleep 1000 }
print "{\"n\":$n}";
"#;

const CGI: &str = r#"my $e = join '', <STDIN>;
my ($n, $do) = $e =~ /"n":(\d+),"do":"(\w+)"/;
if ($do eq 'crash') { exit 3 }
if ($do eq 'hang') { sleep 1000 }
print "Status: ", $do eq 'error' ? 500 : 200, "\nContent-Type: application/json\n\n{\"n\":$n}";
"#;

/// A function, so that the adapter speaks messages.
const FUNCTION: &str = "import os, time
def handler(event, context):
    if event['do'] == 'error': raise type('Staged', (Exception,), {})('n=%d' % event['n'])
    if event['do'] == 'crash': os._exit(3)
    if event['do'] == 'hang': time.sleep(1000)
    return {'n': event['n']}
";

const JSONRPC: &str = r#"$| = 1;
while (my $e = <STDIN>) {
    my ($id) = $e =~ /"id":(\d+)/ or next;
    my ($n, $do) = $e =~ /"n":(\d+),"do":"(\w+)"/;
    if (!defined $n) { print "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-11-25\"}}\n"; next }
    if ($do eq 'crash') { exit 3 }
    if ($do eq 'hang') { sleep 1000 }
    my $said = $do eq 'error' ? "\"error\":{\"code\":1,\"message\":\"n=$n\"}" : "\"result\":{\"n\":$n}";
    print "{\"jsonrpc\":\"2.0\",\"id\":$id,$said}\n";
}
"#;

/// A way to talk: what is sent, and what comes back.
struct Way {
    name: &'static str,
    event: fn(&str) -> String,
    /// Where in the answer the function's own is.
    answer: fn(&Value) -> Value,
    /// Whether this is the error of this event, or this crash or time-out.
    error: fn(&Value, usize) -> bool,
    fault: fn(&Value, &str) -> bool,
}

fn staged(answer: &Value, number: usize) -> bool {
    let kind = answer["errorType"].as_str().unwrap_or_default();
    kind.ends_with("Staged") && answer["errorMessage"] == format!("n={number}")
}

fn kind(answer: &Value, kind: &str) -> bool {
    answer["errorType"] == kind
}

const PLAIN: Way = Way { name: "loop", event: str::to_owned, answer: Value::clone, error: staged, fault: kind };

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
}

fn message(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"m","params":{params}}}"#)
}

fn soak(way: &Way, function: Function) {
    let seconds = number_from("SOAK_SECONDS").unwrap_or(SHORT);
    let function = function.timeout(3).start_emulated();
    let (mut counts, mut longest, mut warm, mut number) = ([0; 4], Duration::ZERO, (0, 0), 0);
    let (began, length) = (Instant::now(), Duration::from_secs(seconds));
    while began.elapsed() < length || number <= WARM {
        number += 1;
        let deed = match number {
            _ if seconds >= LONG && number % 300 == 0 => 3,
            _ if number % 20 == 13 => 2,
            _ if number % 10 == 7 => 1,
            _ => 0,
        };
        let name = ["answer", "error", "crash", "hang"][deed];
        counts[deed] += 1;
        let sent = Instant::now();
        let (status, answer) = function.call((way.event)(&format!(r#"{{"n":{number},"do":"{name}"}}"#)));
        let is_right = status == 200
            && match deed {
                0 => (way.answer)(&answer) == json!({"n": number}),
                1 => (way.error)(&answer, number),
                2 => (way.fault)(&answer, "Runtime.ExitError"),
                _ => (way.fault)(&answer, "Runtime.InvokeTimeout"),
            };
        assert!(is_right, "{}: event {number}, {name}: {status} {answer}\n{}", way.name, function.story());
        if deed < 3 {
            longest = longest.max(sent.elapsed());
        }
        if number == WARM {
            warm = (function.bootstrap(), procfs::resident(function.bootstrap()));
        }
        if number % ROUND == 0 {
            function.settle();
        }
    }
    function.settle();
    let bootstrap = function.bootstrap();
    let resident = procfs::resident(bootstrap);
    println!(
        "{} under RIE: {number} events in {:.1?}: {} answers, {} errors, {} crashes, {} time-outs; {longest:.1?} at most; \
         resident {} KiB after {WARM} events, {} KiB at the end; no reset",
        way.name,
        began.elapsed(),
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        warm.1 / 1024,
        resident / 1024
    );
    assert_eq!(bootstrap, warm.0, "{}: another bootstrap\n{}", way.name, function.story());
    assert!(resident <= warm.1 + GROWTH, "{}: memory grew from {} to {resident}", way.name, warm.1);
}

#[test]
fn a_loop_goes_on() {
    soak(&PLAIN, Function::of("perl", LOOP).mode("loop"));
}

#[test]
fn a_oneshot_goes_on() {
    soak(&Way { name: "oneshot", ..PLAIN }, Function::of("perl", FILTER).mode("oneshot"));
}

#[test]
fn a_filter_in_auto_goes_on() {
    soak(&Way { name: "auto, a filter", ..PLAIN }, Function::of("perl", FILTER));
}

#[test]
fn messages_go_on() {
    let function = Function::empty().file("app.py", FUNCTION).handler("app.handler");
    soak(&Way { name: "messages", ..PLAIN }, function);
}

#[test]
fn a_oneshot_that_streams_goes_on() {
    // Its error would be a stream like any other: it crashes instead.
    let way = Way { name: "oneshot that streams", error: |answer, _| kind(answer, "Runtime.ExitError"), ..PLAIN };
    let script = FILTER.replace(
        "'error') { print \"{\\\"errorMessage\\\":\\\"n=$n\\\",\\\"errorType\\\":\\\"Soak.Staged\\\"}\";",
        "'error') {",
    );
    assert!(!script.contains("Staged"));
    soak(&way, Function::of("perl", &script).mode("oneshot").env("HANDLER_RESPONSE", "streaming"));
}

#[test]
fn cgi_goes_on() {
    let way = Way {
        name: "CGI",
        event: cgi::request,
        answer: body,
        error: |answer, number| answer["statusCode"] == 500 && body(answer) == json!({"n": number}),
        fault: |answer, kind| answer["statusCode"] == if kind == "Runtime.ExitError" { 502 } else { 504 },
    };
    soak(&way, Function::of("perl", CGI).mode("cgi"));
}

#[test]
fn a_json_rpc_server_goes_on() {
    let way = Way {
        name: "JSON-RPC",
        event: message,
        answer: |answer| answer["result"].clone(),
        error: |answer, number| answer["error"] == json!({"code": 1, "message": format!("n={number}")}),
        ..PLAIN
    };
    soak(&way, Function::of("perl", JSONRPC).mode("jsonrpc"));
}
