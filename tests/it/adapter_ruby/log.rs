//! Ruby's Logger writes as it does in AWS's own runtime, and what a Ruby function finds in AWS's it finds here.

use super::{handling, ruby};
use crate::harness::Event;
use crate::harness::sandbox::TASK_ROOT;
use serde_json::{Value, json};
use std::path::Path;

/// The lines of the log that have this in them.
fn lines(log: &str, contains: &str) -> Vec<String> {
    log.lines().filter(|line| line.contains(contains)).map(str::to_owned).collect()
}

const LOGS: &str = "LOG = Logger.new($stdout, progname: 'shop')
def handler(event:, context:)
  LOG.debug('a debug line')
  LOG.info { 'an info line ü' }
  LOG.warn([1, nil])
  begin
    raise ArgumentError, 'no kiwis'
  rescue ArgumentError => e
    LOG.error(e)
  end
  Logger.new('/tmp/own.log').info('in a file')
  1
end
";

#[test]
fn a_log_line_has_the_request_id() {
    let function = ruby(LOGS).start();
    let id = function.send("{}");
    function.answer(&id).response();
    function.wait_log("no kiwis (ArgumentError)");
    let log = function.stderr();
    let info = lines(&log, "an info line");
    assert_eq!(info.len(), 1, "{log}");
    assert!(info[0].starts_with("I, [2"), "{info:?}");
    assert!(info[0].ends_with(&format!("]  INFO {id} -- shop: an info line ü")), "{info:?}");
    assert!(lines(&log, "a debug line")[0].ends_with(&format!("] DEBUG {id} -- shop: a debug line")));
    assert!(lines(&log, "-- shop: [1, nil]")[0].starts_with("W, "));
    let file = function.tmp().read("own.log");
    assert!(file.ends_with("INFO -- : in a file\n"), "another's format is its own: {file}");
}

#[test]
fn as_json_it_is_an_object_and_the_level_is_the_functions() {
    let function = ruby(LOGS).env("AWS_LAMBDA_LOG_FORMAT", "JSON").env("AWS_LAMBDA_LOG_LEVEL", "INFO").start();
    let id = function.send("{}");
    function.answer(&id).response();
    function.wait_log("no kiwis");
    let log = function.stderr();
    assert!(!log.contains("a debug line"), "{log}");
    let entry = |contains: &str| serde_json::from_str::<Value>(&lines(&log, contains)[0]).unwrap();
    let info = entry("an info line");
    assert_eq!((&info["level"], &info["message"]), (&json!("INFO"), &json!("an info line ü")));
    assert_eq!((&info["requestId"], &info["logger"]), (&json!(id), &json!("shop")));
    assert!(info["timestamp"].as_str().unwrap().ends_with('Z'), "{info}");
    let error = entry("no kiwis");
    assert_eq!((&error["errorType"], &error["errorMessage"]), (&json!("ArgumentError"), &json!("no kiwis")));
    assert!(error["stackTrace"][0].as_str().unwrap().contains("function.rb:7"), "{error}");
    assert!(error["location"].as_str().unwrap().ends_with("function.rb:handler:7"), "{error}");
}

#[test]
fn a_logger_keeps_what_it_was_told() {
    let source = "LOG = Logger.new($stderr, level: :debug, formatter: proc { |severity, *, message| \"#{severity}=#{message}\\n\" })
def handler(event:, context:) = LOG.debug('mine')";
    let function = ruby(source).env("AWS_LAMBDA_LOG_LEVEL", "ERROR").start();
    function.call("{}").response();
    function.wait_log("DEBUG=mine\n");
}

#[test]
fn x_ray_is_told_the_frames() {
    let function = handling("raise ArgumentError, \"no ü\"");
    let answer = function.call("{}");
    answer.error("Function<ArgumentError>");
    let cause = answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause").unwrap();
    assert!(cause.is_ascii());
    let cause: Value = serde_json::from_str(cause).unwrap();
    let exception = &cause["exceptions"][0];
    assert_eq!((&exception["message"], &exception["type"]), (&json!("no ü"), &json!("Function<ArgumentError>")));
    let frame = &exception["stack"][0];
    assert_eq!((&frame["line"], &frame["label"]), (&json!(2), &json!("handler")));
    assert_eq!(frame["path"], json!(Path::new(TASK_ROOT).join("function.rb")));
    assert_eq!(cause["paths"][0], frame["path"]);
    assert_eq!(cause["working_directory"], json!(TASK_ROOT));
}

#[test]
fn files_may_have_the_names_of_rubys_own() {
    let mut function = ruby("def handler(event:, context:) = Logger.new($stdout).info(event.to_json)");
    for name in
        ["json", "logger", "stringio", "time", "set", "monitor", "date", "english", "did_you_mean", "error_highlight"]
    {
        function = function.file(&format!("{name}.rb"), "raise 'taken for another'");
    }
    let function = function.start();
    assert_eq!(function.call("{}").response_text(), "true");
    function.call("{oops").error("Runtime.UnmarshalError");
    assert_eq!(function.call(Event::new("1")).response_text(), "true");
}

#[test]
fn libraries_are_looked_for_where_awss_runtime_does() {
    let body = "[ENV['GEM_PATH'], $LOAD_PATH.first(2), RbConfig::CONFIG['ruby_version'], ENV['AWS_EXECUTION_ENV']]";
    let function = handling(body);
    let found = function.call("{}").json();
    let (root, version) = (TASK_ROOT.to_owned(), found[2].as_str().unwrap().to_owned());
    assert_eq!(found[0], json!(format!("{root}/vendor/bundle/ruby/{version}:/opt/ruby/gems/{version}:")));
    assert_eq!(found[1], json!([root, "/opt/ruby/lib"]));
    let short: Vec<_> = version.split('.').take(2).collect();
    assert_eq!(found[3], json!(format!("AWS_Lambda_ruby{}", short.join("."))));
}

#[test]
fn what_a_preload_prints_is_log() {
    let preload = "puts 'preloaded', '{\"a\":1}'\nENV.delete('RUBYOPT')\nsystem 'echo from a child'";
    let function = ruby("puts 'loading'\ndef handler(event:, context:) = [event]").file("preload.rb", preload);
    let option = "-r/var/task/preload.rb".to_owned();
    let function = function.env("RUBYOPT", option).start();
    for event in ["1", "2"] {
        assert_eq!(function.call(event).response_text(), format!("[{event}]"));
    }
    for line in ["preloaded\n", "{\"a\":1}\n", "from a child\n", "loading\n"] {
        function.wait_log(line);
    }
}
