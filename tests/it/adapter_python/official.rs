//! AWS's own client for Python, `awslambdaric` from `PyPI`, beside ours: the same function, the same events, the same interpreter,
//! and what comes back is compared, to the byte where both may be.

use crate::harness::tools::tool;
use crate::harness::{Answer, Call, Event, Function, Running};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::process::Command;

/// `case` of the event says what the handler does.
const SOURCE: &str = r#"
import collections, datetime, decimal, enum, json, logging, math, os, sys
from unittest import mock

Point = collections.namedtuple("Point", "x y")
class Color(enum.IntEnum): RED = 3
class Name(str, enum.Enum): ADA = "ada"
class Text(str): pass
class WithAsDict:
    def _asdict(self): return {"points": [Point(1, 2)]}
class LineFeed(Exception): pass
LineFeed.__name__ = "Line\nFeed"

def nested(levels, inner=0):
    for _ in range(levels): inner = [inner]
    return inner
def circular():
    value = {}
    value["in"] = [value]
    return value
def doubled():
    value = []
    value += [value, value]
    return value
def deeper(count):
    if count: return deeper(count - 1)
    raise RuntimeError("at the bottom")
def chained():
    try: {}["key"]
    except KeyError as error: raise ValueError("second") from error

ANSWERS = {
    "none": lambda: None,
    "numbers": lambda: [1, -0.0, 1e100, 0.1, 12345678901234567890123, True],
    "text": lambda: ["é \U0001f600", "\x00\x1f\x7f\u2028\"\\/", Text("t"), Name.ADA, ""],
    "top": lambda: "é\n",
    "large": lambda: "x\n\"" * 300000,
    "keys": lambda: {1: 1, 1.5: 2, None: 3, True: 4, Color.RED: 5, "é": 6, Name.ADA: 7},
    "bytes": lambda: {b"key": b"value", "list": [b"\xc3\xa9"]},
    "not text": lambda: [b"\xff"],
    "raw": lambda: b"\x00\xff",
    "enum": lambda: Color.RED,
    "tuples": lambda: ((1, 2), Point(1, Point((3,), None)), {"p": Point({}, [])}),
    "ordered": lambda: collections.OrderedDict([("b", Point(0, 1)), ("a", 2)]),
    "default": lambda: collections.defaultdict(list, a=[1]),
    "decimals": lambda: [decimal.Decimal(n) for n in ("1.10", "-0", "1E+2")],
    "decimal in a tuple": lambda: Point(decimal.Decimal("0.1"), 2),
    "asdict": lambda: WithAsDict(),
    "deep": lambda: nested(900),
    "deep tuples": lambda: nested(500, Point(1, 2)),
    "set": lambda: {"a": {1}},
    "date": lambda: datetime.date(2026, 1, 2),
    "class": lambda: object,
    "mock": lambda: {"client": mock.MagicMock()},
    "circular": circular,
    "doubled": doubled,
    "tuple as key": lambda: {(1, 2): 3},
    "decimal as key": lambda: {decimal.Decimal("1.5"): 1},
    "bytearray": lambda: bytearray(b"x"),
}

def fail(error): raise error
async def coroutine(): pass

DEEP = {
    "too deep": lambda: nested(100000),
}

NUMBERS = {
    "floats": lambda: [math.nan, -math.inf],
    "no numbers": lambda: [decimal.Decimal(n) for n in ("NaN", "-sNaN", "Infinity")],
}

ERRORS = {
    "message": lambda: fail(ValueError("é\n\tno")),
    "no message": lambda: fail(ValueError()),
    "key": lambda: {}["key"],
    "line feed": lambda: fail(LineFeed("x")),
    "chained": chained,
    "again and again": lambda: deeper(50),
    "four times": lambda: deeper(4),
    "generated": lambda: exec("def f():\n  1/0\nf()"),
    "syntax": lambda: exec("def f(:"),
    "import": lambda: __import__("no_such_module"),
    "exception group": lambda: fail(OSError(2, "No such file", "x")),
}

def about(context):
    values = dict(vars(context))
    del values["_epoch_deadline_time_in_ms"]
    return [repr(values), repr(context), type(context).__name__, context.w3c(), type(context.identity).__name__,
            0 < context.get_remaining_time_in_millis() <= 60000, os.environ.get("_X_AMZN_TRACE_ID")]

def log():
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    logger.info("hi %s", "é")
    logger.debug("unseen")
    logger.log(25, "between")
    logger.warning({"order": 7}, extra={"more": [1]})
    try: {}["key"]
    except KeyError: logger.exception("failed")
    print("printed", end=" ")
    print("without an end", file=sys.stderr, end="")
    print()
    return [type(handler).__name__ for handler in logging.getLogger().handlers], logging.getLogger().level

def handler(event, context):
    case = event.get("case")
    if case == "context": return about(context)
    if case == "log": return log()
    if case == "event": return event
    return {**ANSWERS, **DEEP, **NUMBERS, **ERRORS}[case]()
"#;

/// A function with both, from the same interpreter, which is the one that has awslambdaric.
fn function(source: &str) -> Function {
    let function = Function::empty().file("app.py", source).handler("app.handler").in_task_root().with_tools();
    function
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11")
        .env("AWS_LAMBDA_FUNCTION_NAME", "shop")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop")
}

struct Both {
    ours: Running,
    theirs: Running,
}

fn both(of: impl Fn() -> Function) -> Both {
    // It logs on stdout, where nothing is allowed.
    let official = ["/bin/sh", "-c", "exec python3 -m awslambdaric app.handler >&2"];
    Both { ours: of().start(), theirs: of().start_through(&official) }
}

impl Both {
    fn call(&self, event: &Event) -> (Answer, Answer) {
        (self.ours.call(event.clone()), self.theirs.call(event.clone()))
    }

    /// Both must answer alike; gives our answer.
    #[track_caller]
    fn same(&self, case: &str) -> Answer {
        let event = Event::new(serde_json::json!({ "case": case }).to_string());
        let (ours, theirs) = self.call(&event);
        assert_eq!(ours.0.call, theirs.0.call, "{case}: {} and {}", ours.0, theirs.0);
        let (text, wanted) = (ours.text(), theirs.text());
        assert!(text == wanted, "{case}: ours {text:.3000}\ntheirs {wanted:.3000}");
        if ours.0.call == Call::Response {
            assert_eq!(ours.0.header("Content-Type"), theirs.0.header("Content-Type"), "{case}");
        } else {
            Self::same_cause(&ours, &theirs);
        }
        ours
    }

    /// X-Ray is told the same, but for the order of the paths.
    #[track_caller]
    fn same_cause(ours: &Answer, theirs: &Answer) {
        let cause = |answer: &Answer| {
            let text = answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause").unwrap_or_default();
            let mut json: Value = serde_json::from_str(text).unwrap();
            json["paths"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
            json
        };
        let (mut ours, theirs) = (cause(ours), cause(theirs));
        let stack = theirs["exceptions"][0]["stack"].as_array().unwrap();
        // A header is kept short: the last frames are what tells.
        let own = ours["exceptions"][0]["stack"].as_array().unwrap();
        assert!(own.len() == stack.len() || own.len() == 60 && stack.len() > 60, "{ours} {theirs}");
        assert_eq!(own[..], stack[stack.len() - own.len()..]);
        ours["exceptions"][0]["stack"] = theirs["exceptions"][0]["stack"].clone();
        assert_eq!(ours, theirs);
    }

    /// The lines of both logs from the handler, with the times left out.
    fn logs(&self) -> [Vec<String>; 2] {
        [&self.ours, &self.theirs].map(|function| {
            let log = function.stderr();
            // A record of several lines is one entry: bootstrap has no other way to say so than CR.
            let log = log.replace('\r', "\n");
            log.lines().map(without_time).collect()
        })
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        // What is never allowed is said of ours, not of theirs.
        self.theirs.signal(Signal::SIGKILL);
        if !std::thread::panicking() {
            self.theirs.exit();
        }
        self.theirs.watch().change(|seen| seen.violations.clear());
    }
}

/// The line with its digits left out where a time stands.
fn without_time(line: &str) -> String {
    let is_time = |word: &str| word.starts_with("20") && word.ends_with('Z') && word.contains('T');
    let words: Vec<_> = line.split_inclusive(['\t', '"']).collect();
    words.iter().map(|word| if is_time(word.trim_end_matches(['\t', '"'])) { "TIME\t" } else { word }).collect()
}

/// The names in a table of the source.
fn cases(table: &str) -> Vec<&'static str> {
    let (_, rest) = SOURCE.split_once(&format!("{table} = {{\n")).unwrap();
    let lines = rest.split_once("\n}").unwrap().0.lines();
    lines.map(|line| line.trim().trim_start_matches('"').split('"').next().unwrap()).collect()
}

#[test]
fn answers_are_the_same_to_the_byte() {
    // The former escapes what is not ASCII, the latter does not.
    for version in ["AWS_Lambda_python3.11", "AWS_Lambda_python3.12"] {
        let both = both(|| function(SOURCE).env("AWS_EXECUTION_ENV", version));
        let cases = cases("ANSWERS");
        assert!(cases.len() > 20, "{cases:?}");
        for case in cases {
            both.same(case);
        }
        let (ours, theirs) = both.call(&Event::new(r#"{"case":"too deep"}"#));
        for answer in [ours, theirs] {
            let words = "Unable to marshal response: maximum recursion depth exceeded";
            assert!(answer.json()["errorMessage"].as_str().unwrap().starts_with(words), "{}", answer.0);
        }
        for case in self::cases("NUMBERS") {
            both.same(case);
        }
        // AWS's runtime answers with what JSON lacks, too.
        both.ours.watch().change(|seen| seen.violations.retain(|what| !what.contains("the body is not JSON")));
    }
}

#[test]
fn errors_are_the_same_to_the_byte_and_so_is_what_xray_is_told() {
    let both = both(|| function(SOURCE).env("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"));
    for case in cases("ERRORS") {
        let answer = both.same(case);
        assert_eq!(answer.0.call, Call::Error, "{case}");
    }
}

#[test]
fn events_and_contexts_are_the_same() {
    let both = both(|| function(SOURCE));
    let clients = [
        "",
        "{}",
        r#"{"client":{"app_title":"Zoë"},"custom":{"a":1},"w3c":{"traceparent":"00-1","x":1,"baggage":2}}"#,
        "{x",
    ];
    for client in clients {
        let mut event = Event::new(r#"{"case":"context"}"#)
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:shop")
            .header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
            .header("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i"}"#);
        if !client.is_empty() {
            event = event.header("Lambda-Runtime-Client-Context", client);
        }
        let (ours, theirs) = both.call(&event);
        assert_eq!(ours.text(), theirs.text(), "{client}");
    }
    let (ours, theirs) = both.call(&Event::new(r#"{"case":"event","é":["\ud83d\ude00",-0,1.0]}"#));
    assert_eq!(ours.text(), theirs.text());
    // simplejson has words of its own for what is wrong, and that is not worth having it.
    for event in ["{x", "", "\"\\x\"", "[1,]", "{\"a\":\"\u{1}\"}"] {
        let (ours, theirs) = both.call(&Event::new(event));
        for answer in [ours, theirs] {
            let json = answer.json();
            assert_eq!(json["errorType"], "Runtime.UnmarshalError", "{event}: {}", answer.0);
            assert!(json["errorMessage"].as_str().unwrap().starts_with("Unable to unmarshal input: "), "{}", answer.0);
        }
    }
}

#[test]
fn the_log_is_the_same() {
    for (format, level) in [("Text", ""), ("Text", "INFO"), ("JSON", ""), ("JSON", "warn"), ("JSON", "TRACE")] {
        let both = both(|| function(SOURCE).env("AWS_LAMBDA_LOG_FORMAT", format).env("AWS_LAMBDA_LOG_LEVEL", level));
        both.same("log");
        for function in [&both.ours, &both.theirs] {
            function.wait_log("without an end");
        }
        let [ours, theirs] = both.logs();
        assert!(theirs.iter().any(|line| line.contains("KeyError")), "{theirs:?}");
        // In JSON bootstrap makes an object of a line that is none; it has its own tests.
        let is_own = |line: &String| line.contains("printed") || line.contains("the handler ");
        let ours: Vec<_> = ours.into_iter().filter(|line| !is_own(line)).collect();
        let theirs: Vec<_> = theirs.into_iter().filter(|line| !line.contains("printed")).collect();
        assert_eq!(ours, theirs, "{format} {level}");
    }
}

#[test]
fn what_cannot_be_loaded_is_the_same_error() {
    for source in ["import nope", "def handler(:", "x = 1", "raise RuntimeError('é')", "from decimal import nope"] {
        let both = both(|| function(source));
        let [ours, theirs] = [&both.ours, &both.theirs].map(|function| {
            function.exit();
            let report = Answer(function.requests_so_far(Call::Init)[0].clone());
            let json = report.json();
            (
                json["errorType"].clone(),
                json["errorMessage"].clone(),
                report.0.header("Lambda-Runtime-Function-Error-Type").map(str::to_owned),
            )
        });
        assert_eq!(ours, theirs, "{source}");
    }
}

#[test]
fn answers_are_made_json_in_about_the_time_that_awss_client_takes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/python-answers.py");
    // The ratios that were measured are in docs/python.md; far above them something is wrong.
    let output = Command::new(tool("python3")).args([script, "--limit", "2.5"]).output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && told.contains("| 100,000 integers, escaped |"), "{told}");
}
