//! Ruby functions, as AWS's own Ruby runtime has them: `function.handler` in function.rb, `event:` and `context:`.

use crate::harness::{Call, Event, Function, Running};
use serde_json::{Value, json};
use std::time::Duration;

mod log;

/// A function whose function.rb holds this.
fn ruby(source: &str) -> Function {
    Function::empty().file("function.rb", source).handler("function.handler")
}

/// The same with this as the body of its handler.
fn handling(body: &str) -> Running {
    ruby(&format!("def handler(event:, context:)\n{body}\nend\n")).start()
}

// --- Calls ----------------------------------------------------------------------------------------------------------

#[test]
fn a_method_gets_the_event_and_its_result_is_the_answer() {
    let function = handling("{ hello: event['name'], list: [1, 2.5, nil, true] }");
    let answer = function.call(r#"{"name":"Zoë \ud83d\ude00"}"#);
    assert_eq!(answer.json(), json!({"hello": "Zoë 😀", "list": [1, 2.5, null, true]}));
    assert_eq!(answer.0.header("Content-Type"), Some("application/json"));
}

#[test]
fn every_kind_of_event_and_answer() {
    let function = handling("event");
    for value in ["null", "1", "\"text\"", "[]", "{}", "true", "12345678901234567890123", "\"\\u0000\""] {
        assert_eq!(function.call(value).response_text(), value);
    }
}

#[test]
fn anybody_may_run_a_function() {
    let function = ruby("def handler(event:, context:) = [event, Process.uid.zero?]").start_with_processes(64);
    assert_eq!(function.call("1").response_text(), "[1,false]");
}

#[test]
fn a_class_method_is_named_with_its_class() {
    let source = "
module Handlers
  class Orders
    def self.create(event:, context:)
      \"#{self} creates #{event['item']}\"
    end
  end
end
";
    let function = ruby(source).handler("function.Handlers::Orders.create").start();
    assert_eq!(function.call(r#"{"item":"tea"}"#).response_text(), "\"Handlers::Orders creates tea\"");
}

#[test]
fn a_file_may_be_in_a_folder_and_load_others() {
    let function = Function::empty()
        .file("app/function.rb", "require_relative 'near'\nrequire 'lib/far'\ndef go(event:, context:) = [near, far]")
        .file("app/near.rb", "def near = 'near'")
        .file("lib/far.rb", "def far = 'far'")
        .handler("app/function.go")
        .start();
    assert_eq!(function.call("{}").json(), json!(["near", "far"]));
}

#[test]
fn a_method_may_take_both_in_one() {
    // Documented by AWS: a method with one parameter gets them in a hash.
    let function = ruby("def handler(both) = both.keys").start();
    assert_eq!(function.call("{}").json(), json!(["event", "context"]));
}

#[test]
fn what_is_loaded_once_is_kept() {
    let function = ruby("$count = 0\ndef handler(event:, context:) = [$count += 1, @own = (@own || 0) + 1]").start();
    assert_eq!(function.call("{}").response_text(), "[1,1]");
    assert_eq!(function.call("{}").response_text(), "[2,2]");
}

#[test]
fn gems_in_vendor_bundle_are_found() {
    let folder = "vendor/bundle/ruby/API";
    let source = "require 'kiwi'\ndef handler(event:, context:) = Kiwi";
    // The folder has the name of Ruby's ABI, which Ruby knows.
    let script = "require 'fileutils'; FileUtils.mv('vendor/bundle/ruby/API', \"vendor/bundle/ruby/#{RbConfig::CONFIG['ruby_version']}\")";
    let function = ruby(source)
        .file(
            &format!("{folder}/specifications/kiwi-1.0.gemspec"),
            "Gem::Specification.new { |s| s.name = 'kiwi'; s.version = '1.0'; s.summary = 'k'; s.authors = ['k'] }",
        )
        .file(&format!("{folder}/gems/kiwi-1.0/lib/kiwi.rb"), "Kiwi = 'a gem'");
    let moved = std::process::Command::new(crate::harness::need("ruby"))
        .args(["-e", script])
        .current_dir(function.folder())
        .status()
        .unwrap();
    assert!(moved.success());
    assert_eq!(function.start().call("{}").response_text(), "\"a gem\"");
}

// --- Context --------------------------------------------------------------------------------------------------------

#[test]
fn the_context_has_all_that_awss_has() {
    let body =
        "names = %i[aws_request_id invoked_function_arn deadline_ms client_context identity tenant_id function_name
                function_version memory_limit_in_mb log_group_name log_stream_name]
     names.to_h { |name| [name, context.public_send(name)] }";
    let function = ruby(&format!("def handler(event:, context:)\n{body}\nend\n"))
        .env("AWS_LAMBDA_FUNCTION_NAME", "orders")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/orders")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]7f")
        .start();
    let event = Event::new("{}")
        .deadline_header("4102444800123")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:orders")
        .header("Lambda-Runtime-Client-Context", r#"{"client":{"app_title":"t"}}"#)
        .header("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#)
        .header("Lambda-Runtime-Aws-Tenant-Id", "blue");
    let wanted = json!({
        "aws_request_id": event.id,
        "invoked_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:orders",
        "deadline_ms": 4_102_444_800_123_u64,
        "client_context": {"client": {"app_title": "t"}},
        "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
        "tenant_id": "blue",
        "function_name": "orders",
        "function_version": "$LATEST",
        "memory_limit_in_mb": "128",
        "log_group_name": "/aws/lambda/orders",
        "log_stream_name": "2026/11/22/[$LATEST]7f",
    });
    assert_eq!(function.call(event).json(), wanted);
    // The next event has none of it.
    let bare = function.call("{}").json();
    for name in ["client_context", "identity", "tenant_id"] {
        assert_eq!(bare[name], Value::Null, "{name}");
    }
    // cargo-lambda leaves it in base64.
    let odd = function.call(Event::new("{}").header("Lambda-Runtime-Client-Context", "eyJhIjoxfQ==")).json();
    assert_eq!(odd["client_context"], "eyJhIjoxfQ==");
}

#[test]
fn the_remaining_time_is_that_of_the_event() {
    let function = handling("context.get_remaining_time_in_millis");
    let left = function.call(Event::new("{}").deadline_in(Duration::from_secs(30))).json().as_u64().unwrap();
    assert!((20_000..=30_000).contains(&left), "{left}");
    // No deadline, and an emulator's: Lambda's longest time.
    for event in [Event::new("{}").without_deadline(), Event::new("{}").deadline_header("600000")] {
        let left = function.call(event).json().as_u64().unwrap();
        assert!((800_000..=900_000).contains(&left), "{left}");
    }
}

#[test]
fn the_trace_is_that_of_the_event() {
    let function = handling("[ENV['_X_AMZN_TRACE_ID'], `echo -n $_X_AMZN_TRACE_ID`]");
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1";
    assert_eq!(function.call(Event::new("{}").header("Lambda-Runtime-Trace-Id", trace)).json(), json!([trace, trace]));
    assert_eq!(function.call("{}").json(), json!([null, ""]));
}

// --- Output ---------------------------------------------------------------------------------------------------------

#[test]
fn prints_go_to_the_log_and_there_is_no_input() {
    let function = handling(
        "puts 'with puts'\n$stdout.print \"with print\\n\"\nSTDOUT.write \"with write\\n\"\nwarn 'with warn'
         system 'echo from a child; cat'\n[gets, $stdin.read, ARGV]",
    );
    assert_eq!(function.call("{}").json(), json!([null, "", []]));
    for line in ["with puts", "with print", "with write", "with warn", "from a child"] {
        function.wait_log(&format!("{line}\n"));
    }
}

#[test]
fn an_io_is_an_answer_of_bytes() {
    let function = handling("require 'stringio'\nStringIO.new(\"\\x00\\xff\\r\\n\".b)");
    let answer = function.call("{}");
    assert_eq!(answer.response(), b"\0\xff\r\n");
    assert_eq!(answer.0.header("Content-Type"), Some("application/unknown"), "as AWS's runtime has it");
}

#[test]
fn the_marshaller_may_be_replaced() {
    let source = "
module AwsLambda
  class Marshaller
    def self.marshall_request(request) = \"#{request['Content-Type']} #{request.body}\"
    def self.marshall_response(result) = [result, 'text/plain']
  end
end
def handler(event:, context:) = event
";
    let answer = ruby(source).start().call("[1]");
    assert_eq!(answer.response_text(), "application/json [1]");
    assert_eq!(answer.0.header("Content-Type"), Some("text/plain"));
}

#[test]
fn three_megabytes_go_both_ways_under_any_locale() {
    let event = format!("[\"{}\"]", "ü".repeat(1_500_000));
    for locale in ["C", "POSIX", "C.UTF-8"] {
        let function = ruby("def handler(event:, context:) = event").env("LC_ALL", locale).start();
        assert_eq!(function.call(event.as_str()).response_text(), event, "{locale}");
    }
}

// --- Errors ---------------------------------------------------------------------------------------------------------

#[test]
fn an_exception_is_an_error_as_awss_runtime_has_it_and_the_process_lives_on() {
    let source = "class Sad < StandardError; end
$count = 0
def fail_with(kind)
  case kind
  when 'own' then raise Sad, 'no \"kiwis\" ü'
  when 'argument' then raise ArgumentError
  when 'name' then nothing_of_the_kind
  when 'bytes' then raise \"\\xff!\"
  when 'exit' then exit 3
  when 'abort' then abort 'abandoned'
  when 'throw' then throw :it
  when 'memory' then raise NoMemoryError
  when 'stack' then fail_with('stack')
  end
end
def handler(event:, context:)
  $count += 1
  fail_with(event)
  $count
end
";
    let function = ruby(source).start();
    for (event, kind, contains) in [
        ("own", "Function<Sad>", "no \"kiwis\" ü"),
        ("argument", "Function<ArgumentError>", "ArgumentError"),
        ("name", "Function<NameError>", "nothing_of_the_kind"),
        ("bytes", "Function<RuntimeError>", "\u{fffd}!"),
        ("exit", "Function<SystemExit>", "exit"),
        ("abort", "Function<SystemExit>", "abandoned"),
        ("throw", "Function<UncaughtThrowError>", ":it"),
        ("memory", "Function<NoMemoryError>", ""),
        ("stack", "Function<SystemStackError>", "stack level too deep"),
    ] {
        let answer = function.call(json!(event).to_string());
        let message = answer.error(kind);
        assert!(message.contains(contains), "{event}: {message}");
        let stack = answer.stack();
        let lines = |line: &String| line.contains("function.rb:") && line.contains("fail_with");
        assert!(stack.iter().any(lines), "{event}: {stack:?}");
        assert!(!stack.iter().any(|line| line.starts_with("-e:")), "the adapter's own lines are of no use: {stack:?}");
        assert!(stack.len() <= 100, "{}", stack.len());
    }
    assert_eq!(function.call("\"well\"").response_text(), "10");
}

#[test]
fn a_result_that_is_not_json_is_a_marshal_error() {
    let body =
        "{ 'nan' => Float::NAN, 'bytes' => \"\\xff\\xfe\", 'loop' => [].tap { |list| list << list } }.fetch(event, 1)";
    let function = handling(body);
    for event in ["nan", "bytes", "loop"] {
        function.call(json!(event).to_string()).error("Runtime.MarshalError");
    }
    assert_eq!(function.call("\"well\"").response_text(), "1");
}

#[test]
fn an_event_that_is_not_json_is_an_unmarshal_error() {
    let function = handling("event");
    function.call("{oops").error("Runtime.UnmarshalError");
    assert_eq!(function.call(Event::new("{}").without_content_type()).response_text(), "{}");
}

#[test]
fn what_cannot_be_loaded_is_an_init_error() {
    for (source, kind, contains) in [
        ("require 'kiwi'", "Runtime.ImportModuleError", "kiwi"),
        ("def handler(", "Runtime.UserCodeSyntaxError", "function.rb:1"),
        ("def other(event:, context:) = 1", "Runtime.HandlerNotFound", "handler"),
        ("raise KeyError, 'no key'", "Init<KeyError>", "no key"),
        ("exit 0", "Init<SystemExit>", "exit"),
    ] {
        let function = ruby(source).expect_init_error(kind, contains).run();
        assert_eq!(function.requests_so_far(Call::Init).len(), 1, "{source}");
    }
    let function = ruby("def handler(event:, context:) = 1").handler("function.Orders.create");
    function.expect_init_error("Runtime.HandlerNotFound", "Orders.create").run();
}

#[test]
fn the_time_out_kills_it_and_the_next_event_finds_another() {
    let function = handling("sleep if event == 'sleep'\nProcess.pid");
    let before = function.call("1").json();
    function.call(Event::new("\"sleep\"").deadline_in(Duration::from_millis(600))).error("Runtime.InvokeTimeout");
    assert_ne!(function.call("1").json(), before);
}
