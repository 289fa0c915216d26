//! Messages, section 4 of the contract: what a handler that greets with `lambda-stdio/1 ready` is told, and all that it may
//! say. The handlers speak by hand, so that they can say it wrongly, too.

use crate::harness::speaking::SPEAKING;
use crate::harness::{Call, Event, Function, Running, Shell, hex};
use serde_json::{Value, json};

/// A function whose handler is this Python program behind the prelude.
fn speaking(script: &str) -> Function {
    Function::python(&format!("{SPEAKING}{script}"))
}

/// The same, with the greeting said and the body of `for headers, body in events():` given.
fn answering(body: &str) -> Function {
    let body = format!("    {}", body.replace('\n', "\n    "));
    speaking(&format!("emit('lambda-stdio/1 ready\\n')\nfor headers, body in events():\n{body}"))
}

/// Answers with its process id, so that a test sees whether it is the same one.
const PID: &str = "write(str(os.getpid()))";

#[track_caller]
fn pid(function: &Running) -> String {
    function.call("{}").response_text().to_owned()
}

/// Sends the event, expects this error, and that a new process answers the next one.
#[track_caller]
fn replaced(function: &Running, event: &str, kind: &str, contains: &str) {
    let before = pid(function);
    let message = function.call(event).error(kind);
    assert!(message.contains(contains), "{event}: {message}");
    assert_ne!(pid(function), before, "{event}");
}

// --- In -------------------------------------------------------------------------------------------------------------

#[test]
fn every_header_comes_with_the_event() {
    let function = answering("write(json.dumps(headers))").start();
    let event = Event::new("{}")
        .deadline_header("4102444800123")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f")
        .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1")
        .header("Lambda-Runtime-Client-Context", "{\"a\": 1}")
        .header("Lambda-Runtime-Cognito-Identity", "")
        .header("Lambda-Runtime-Aws-Tenant-Id", "Zoë")
        .header("Lambda-Runtime-Something-New", "yes")
        .header("X-Else", "no");
    let wanted = json!({
        "Lambda-Runtime-Aws-Request-Id": event.id,
        "Lambda-Runtime-Deadline-Ms": "4102444800123",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
        "Lambda-Runtime-Client-Context": "{\"a\": 1}",
        "Lambda-Runtime-Aws-Tenant-Id": "Zoë",
        "Lambda-Runtime-Something-New": "yes",
        "Content-Type": "application/json",
        "Content-Length": "2",
    });
    assert_eq!(function.call(event).json(), wanted);
}

#[test]
fn the_bytes_of_an_event_are_untouched() {
    let body = b"{\r\n\t\"a\" : \"\xc3\xbc\",\n\n\"n\": 1.0\r\n}\n\n";
    let function = answering("write(b'\"' + binascii.hexlify(body) + b'\"')").start();
    let wanted = format!("\"{}\"", hex(body));
    assert_eq!(function.call(body.as_slice()).response_text(), wanted);
    assert_eq!(function.call(Event::new(body.as_slice()).chunked()).response_text(), wanted);
    assert_eq!(function.call("").response_text(), "\"\"", "an event may be empty");
}

#[test]
fn large_events_and_answers_pass_each_other() {
    // Answers without having read, as far as the pipe goes: neither side may wait for the other.
    let function = answering("write(b'[\"' + b'x' * 6000000 + b'\"]')\nwrite(body)").start();
    let event = format!("\"{}\"", "y".repeat(6_000_000));
    assert_eq!(function.call(event.as_str()).response().len(), 6_000_004);
    function.wait_log("dropped");
}

#[test]
fn an_answer_may_come_before_the_event_was_read() {
    let script = "emit('lambda-stdio/1 ready\\n')
while sys.stdin.buffer.read(1):
    write('\"early\"')
    headers = read()[0]
";
    let function = speaking(script).start();
    let event = format!("\"{}\"", "y".repeat(3_000_000));
    for _ in 0..3 {
        assert_eq!(function.call(event.as_str()).response_text(), "\"early\"");
    }
}

// --- Out: responses -------------------------------------------------------------------------------------------------

#[test]
fn both_line_ends_and_any_case_are_understood() {
    for end in ["\\n", "\\r\\n"] {
        let script = format!(
            "emit('lambda-stdio/1 ready{end}')
for headers, body in events():
    emit('CONTENT-length:  3 {end}x-other:{end}{end}[1]')
"
        );
        let function = speaking(&script).start();
        for _ in 0..3 {
            assert_eq!(function.call("{}").response_text(), "[1]");
        }
        assert!(!function.stderr().contains("WARN"), "{}", function.story());
    }
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let script = "for byte in b'Content-Type: text/plain\\r\\nContent-Length: 5\\r\\n\\r\\nhello':
    emit(bytes([byte]))";
    let answer = answering(script).start().call("{}");
    assert_eq!(answer.response_text(), "hello");
}

#[test]
fn the_content_type_is_passed_on() {
    let function =
        answering("write(b'\\0\\xff\\r\\n', content_type=json.loads(body)) if body != b'{}' else write('{}')");
    let function = function.start();
    for content_type in ["image/png", "text/html; charset=utf-8", "application/vnd.awslambda.http-integration-response"]
    {
        let answer = function.call(format!("\"{content_type}\""));
        assert_eq!(answer.response(), b"\0\xff\r\n");
        assert_eq!(answer.0.header("Content-Type"), Some(content_type));
    }
    let answer = function.call("{}");
    assert_eq!(answer.0.header("Content-Type"), Some("application/json"), "what it is without saying");
}

#[test]
fn an_answer_may_be_empty_and_is_not_looked_at() {
    let function = answering("write(json.loads(body), content_type='text/plain')").start();
    for body in ["", "no JSON", "\n", "{\"errorMessage\":\"an answer all the same\"}", "Content-Length: 1"] {
        assert_eq!(function.call(json!(body).to_string()).response_text(), body);
    }
}

#[test]
fn of_output_json_is_made() {
    let script = "write(binascii.unhexlify(json.loads(body)), content_type='application/vnd.lambda-stdio.output')";
    let function = answering(script).start();
    for (output, wanted) in [
        ("{\"b\":1.0, \"a\":12345678901234567890}\n", "{\"b\":1.0, \"a\":12345678901234567890}"),
        ("42", "42"),
        ("", "null"),
        ("two\nlines \"quoted\"\n", "\"two\\nlines \\\"quoted\\\"\""),
        ("nul \0", "\"nul \\u0000\""),
        ("{oops", "\"{oops\""),
    ] {
        let answer = function.call(format!("\"{}\"", hex(output.as_bytes())));
        assert_eq!(answer.value(), wanted);
        assert_eq!(answer.0.header("Content-Type"), Some("application/json"));
    }
    function.call("\"ff\"").error("Runtime.MarshalError");
    assert_eq!(function.call("\"31\"").value(), "1", "it lives on");
}

#[test]
fn an_answer_that_is_too_large_is_an_error_and_the_handler_lives_on() {
    let script =
        format!("if body == b'1': write(b'x' * 6291557)\nelif body == b'2': write(b'7' * 6291556)\nelse: {PID}");
    let function = answering(&script).start();
    let before = pid(&function);
    let message = function.call("1").error("Function.ResponseSizeTooLarge");
    assert!(message.contains("6291557"), "{message}");
    assert_eq!(function.call("2").response().len(), 6_291_556);
    assert_eq!(pid(&function), before);
}

// --- Out: errors ----------------------------------------------------------------------------------------------------

#[test]
fn an_error_has_its_type_in_the_header_and_the_handler_lives_on() {
    let error = r#"{"errorMessage":"no \"kiwis\"","errorType":"Order.Empty","stackTrace":["a","b"]}"#;
    let script = format!(
        "if body == b'{{}}': {PID}\nelse: write(body, lambda_runtime_function_error_type='Order.Empty', lambda_runtime_function_xray_error_cause='{{\"paths\":[]}}')"
    );
    let function = answering(&script).start();
    let before = pid(&function);
    let answer = function.call(error);
    assert_eq!(answer.error("Order.Empty"), "no \"kiwis\"");
    assert_eq!(answer.text(), error, "posted as it is");
    assert_eq!(answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause"), Some("{\"paths\":[]}"));
    assert_eq!(answer.0.header("Content-Type"), Some("application/vnd.aws.lambda.error+json"));
    function.wait_log("Order.Empty: no \"kiwis\"");
    assert_eq!(pid(&function), before);
}

#[test]
fn the_header_says_that_it_is_an_error_whatever_the_body_is() {
    let script = "write(json.loads(body), lambda_runtime_function_error_type='Function.Odd')";
    let function = answering(script).start();
    for body in ["\"words\"", "{\"errorMessage\":1}", "{\"errorMessage\":\"m\",\"errorType\":\"Other\"}", "[]"] {
        let answer = function.call(json!(body).to_string());
        assert!(answer.0.call == Call::Error, "{body}: {}", answer.0);
        assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("Function.Odd"));
        assert_eq!(answer.text(), body);
    }
}

#[test]
fn of_an_error_in_words_an_object_is_made_with_the_end_of_stderr() {
    let script = "print('first', 'second', sep='\\n', file=sys.stderr)
write(json.loads(body), content_type='application/vnd.lambda-stdio.output', lambda_runtime_function_error_type='Function.Sad')";
    let function = answering(script).start();
    let answer = function.call("\"it is \\\"broken\\\"\"");
    assert_eq!(answer.error("Function.Sad"), "it is \"broken\"");
    assert_eq!(answer.stack(), ["first", "second"]);
    // An object that is an error already stays what it is.
    let own = r#"{"errorMessage":"mine"}"#;
    assert_eq!(function.call(json!(own).to_string()).text(), own);
}

#[test]
fn stderr_is_the_log() {
    let function = answering("print('working on', body.decode(), file=sys.stderr, flush=True)\nwrite(body)").start();
    for number in 0..20 {
        function.call(number.to_string());
        function.wait_log(&format!("working on {number}\n"));
    }
}

// --- Which event an answer is for -----------------------------------------------------------------------------------

#[test]
fn an_answer_may_name_its_event_and_others_are_dropped() {
    let script = "write('\"of another event\"', lambda_runtime_aws_request_id='8476a536-e9f4-11e8-9739-ffffffffffff')
write(body, Lambda_Runtime_Aws_Request_Id=headers['Lambda-Runtime-Aws-Request-Id'])";
    let function = answering(script).start();
    for event in ["1", "2", "3"] {
        assert_eq!(function.call(event).response_text(), event);
    }
    function.wait_log("8476a536-e9f4-11e8-9739-ffffffffffff");
    assert!(!function.stderr().contains("of another event"), "answers are not logged:\n{}", function.story());
}

#[test]
fn a_second_answer_is_not_that_of_the_next_event() {
    // The first half of it is there before the next event comes, the other half after.
    let script = "emit('Content-Length: 7\\n\\n', body, b'      Content-Length: 8')
open('half', 'w').write('half\\n')
emit('\\n\\n\"late..\"')";
    let function = answering(script).pipe("half").start();
    for event in ["1", "2", "3"] {
        let id = function.send(event);
        function.pipe("half").hear();
        assert_eq!(function.answer(&id).response_text(), format!("{event}      "));
    }
    function.wait_log("dropped");
}

#[test]
fn messages_behind_the_answer_are_dropped() {
    let script = "extra = b'\\nContent-Length: 7\\n\\n\"extra\"'
emit(b'Content-Length: %d\\n\\n' % len(body) + body + extra + extra)";
    let function = answering(script).start();
    for number in 0..20 {
        assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
    }
}

// --- Broken messages ------------------------------------------------------------------------------------------------

#[test]
fn what_is_no_message_is_a_marshal_error_and_the_handler_is_replaced() {
    let script = format!(
        "if body == b'{{}}': {PID}
else: emit(*json.loads(body))
sys.stderr.write('seen\\n')"
    );
    let function = answering(&script).start();
    for (broken, contains) in [
        ("stray print\n\n", "stray print"),
        ("stray: print\n\n", "Content-Length"),
        ("Content-Length: 2x\n\n{}", "2x"),
        ("Content-Length: -2\n\n{}", "-2"),
        ("Content-Length:\n\n{}", "Content-Length"),
        (": 2\nContent-Length: 2\n\n{}", "\": 2\""),
        ("{\"a\":1}\n\n", "is no header line"),
    ] {
        replaced(&function, &json!([broken]).to_string(), "Runtime.MarshalError", contains);
    }
    for (broken, contains) in [
        ("Content-Length: 99999999999999999999\n\n{}", "longer than"),
        ("Content-Length: 999999999\n\n{}", "999999999"),
    ] {
        replaced(&function, &json!([broken]).to_string(), "Function.ResponseSizeTooLarge", contains);
    }
}

#[test]
fn a_head_has_64_kib() {
    let script = format!(
        "if body == b'{{}}': {PID}
elif body == b'1': write('\"well\"', x='x' * 60000)
else: emit('x: ' + 'x' * 70000)"
    );
    let function = answering(&script).start();
    assert_eq!(function.call("1").response_text(), "\"well\"");
    replaced(&function, "2", "Runtime.MarshalError", "64 KiB");
}

#[test]
fn what_is_broken_between_events_costs_no_event() {
    let function = answering("emit('Content-Length: 5\\n\\n%5da stray print\\n\\n' % os.getpid())").start();
    for _ in 0..5 {
        assert_ne!(pid(&function), pid(&function));
    }
    function.wait_log("a stray print");
}

// --- Ready, and the end ---------------------------------------------------------------------------------------------

#[test]
fn no_event_is_asked_for_before_the_greeting() {
    let function = speaking(&format!(
        "print('loading', file=sys.stderr, flush=True)
open('go').readline()
emit('lambda-stdio/1 ready\\n')
for headers, body in events(): {PID}
"
    ));
    let function = function.pipe("go").start();
    function.wait_log("loading");
    assert!(function.requests_so_far(Call::Next).is_empty(), "{}", function.story());
    function.pipe("go").ring();
    assert_eq!(pid(&function), pid(&function));
}

#[test]
fn only_what_comes_before_the_first_event_is_a_greeting() {
    let script = "import sys\nfor line in sys.stdin: print('lambda-stdio/1 ready\\n' + line, flush=True)";
    let function = Function::python(script).event("[1]").expect_response("[1]").run();
    // It is a loop's text.
    function.wait_log("lambda-stdio/1 ready");
}

#[test]
fn another_version_is_no_greeting() {
    for greeting in ["lambda-stdio/2 ready", "lambda-stdio/1 readying", "lambda-stdio/1"] {
        let script = format!("import sys\nprint('{greeting}', flush=True)\nfor line in sys.stdin: print(line)");
        Function::python(&script).event("[1]").expect_response("[1]").expect_log(greeting).run();
    }
}

#[test]
fn an_error_object_in_place_of_a_greeting_is_the_init_error() {
    let error =
        r#"{"errorMessage":"no module named \"kiwi\"","errorType":"Runtime.ImportModuleError","stackTrace":["x"]}"#;
    let script = format!("emit({error:?})\nsys.exit(1)");
    let function = speaking(&script).expect_init_error("Runtime.ImportModuleError", "no module named \"kiwi\"").run();
    let report = &function.requests_so_far(Call::Init)[0];
    assert_eq!(String::from_utf8_lossy(&report.body), error, "posted as it is");
}

#[test]
fn an_error_object_that_spans_lines_is_one_too() {
    let script = "print(json.dumps({'errorMessage': 'm', 'errorType': 'T', 'stackTrace': []}, indent=2))\nsys.exit(3)";
    speaking(script).expect_init_error("T", "m").run();
}

#[test]
fn words_in_place_of_a_greeting_are_not() {
    let function = speaking("print('{no module')\nsys.exit('why')").expect_init_error("Runtime.ExitError", "status 1");
    let function = function.run();
    let report: Value = serde_json::from_slice(&function.requests_so_far(Call::Init)[0].body).unwrap();
    assert!(report["stackTrace"].to_string().contains("why"), "{report}");
    assert!(function.stderr().contains("{no module"), "{}", function.story());
}

#[test]
fn a_death_in_the_middle_is_an_exit_error() {
    let script = format!(
        "if body == b'{{}}': {PID}
else:
    sys.stderr.write('the last words\\n')
    emit('Content-Length: 10\\n\\n12345')
    sys.exit(int(body))"
    );
    let function = answering(&script).start();
    replaced(&function, "3", "Runtime.ExitError", "exit status 3");
    let answer = function.call("0");
    answer.error("Runtime.ExitError");
    assert_eq!(answer.stack(), ["the last words"]);
}

#[test]
fn an_end_after_the_answer_costs_no_event() {
    let function = answering("write(body)\nsys.exit(int(body))").start();
    for event in ["0", "3", "0", "0"] {
        assert_eq!(function.call(event).response_text(), event);
    }
    assert!(function.stderr().contains("exit status 3"), "{}", function.story());
}

#[test]
fn an_end_while_idle_costs_no_event() {
    let script = "emit('lambda-stdio/1 ready\\n')
if not os.path.exists('/tmp/again'):
    open('/tmp/again', 'w')
    open('go').readline()
    sys.exit(1)
for headers, body in events(): write(body)
";
    let function = speaking(script).pipe("go").start();
    function.wait_idle();
    function.pipe("go").ring();
    assert_eq!(function.call("[1]").response_text(), "[1]");
}

#[test]
fn no_answer_in_time_is_a_time_out_and_the_handler_is_replaced() {
    let script = format!("if body == b'{{}}': {PID}\nelse: emit('Content-Length: 9\\n\\n12'); open('never').read()");
    let function = answering(&script).pipe("never").start();
    let before = pid(&function);
    let answer = function.call(Event::new("1").deadline_in(std::time::Duration::from_millis(600)));
    answer.error("Runtime.InvokeTimeout");
    assert_ne!(pid(&function), before);
}

#[test]
fn the_end_of_input_ends_the_handler_on_a_shell() {
    let script = format!(
        "#!/usr/bin/env python3\n{SPEAKING}\nemit('lambda-stdio/1 ready\\n')\nfor headers, body in events(): write(body)\n"
    );
    let shell = Shell::new(&script).stdin("{\"a\":1} [2,\n3] 4").run();
    shell.expect_status(0).expect_stdout("{\"a\":1}\n[2,3]\n4\n");
}
