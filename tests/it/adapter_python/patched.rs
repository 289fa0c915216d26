//! What Sentry, Honeybadger, Datadog and others look for in AWS's runtime and put something around: they find it, and it is called.

use super::python;
use serde_json::json;

/// How the libraries find it, one after the other.
const FIND: &str = "
import sys
main = sys.modules['__main__']
bootstraps = [sys.modules['bootstrap'], main.bootstrap, main.awslambdaricmain.bootstrap]
assert all(one is bootstraps[0] for one in bootstraps)
bootstrap = bootstraps[0]
assert not hasattr(bootstrap, 'handle_http_request')  # Python 3.6 had that
calls = []
";

#[test]
fn what_is_put_around_the_runtimes_functions_is_called() {
    let source = format!(
        "{FIND}
old = bootstrap.handle_event_request
def handle_event_request(lambda_runtime_client, request_handler, *args, **kwargs):
    def wrapped(event, context, *more, **options):
        calls.append('handler')
        return request_handler(event, context, *more, **options)
    calls.append([type(lambda_runtime_client).__name__, len(args), sorted(kwargs)])
    return old(lambda_runtime_client, wrapped, *args, **kwargs)
bootstrap.handle_event_request = handle_event_request
Client = bootstrap.LambdaRuntimeClient
def around(name):
    function = getattr(Client, name)
    def inner(self, *args, **kwargs):
        calls.append([name, args[0]])
        return function(self, *args, **kwargs)
    setattr(Client, name, inner)
for name in ('post_invocation_result', 'post_invocation_error'): around(name)
def handler(event, context):
    if event == 'fail': raise ValueError('no')
    return calls"
    );
    let function = python(&source).start();
    let first = function.send("1");
    let called = json!([["LambdaRuntimeClient", 10, []], "handler"]);
    assert_eq!(function.answer(&first).json(), called);
    let second = function.send("\"fail\"");
    assert_eq!(function.answer(&second).error("ValueError"), "no");
    let seen = function.call("1").json();
    let wanted = json!([
        ["LambdaRuntimeClient", 10, []],
        "handler",
        ["post_invocation_result", first],
        ["LambdaRuntimeClient", 10, []],
        "handler",
        ["post_invocation_error", second],
        ["LambdaRuntimeClient", 10, []],
        "handler"
    ]);
    assert_eq!(seen, wanted);
}

#[test]
fn an_error_of_the_start_goes_through_its_function_too() {
    let source = format!(
        "{FIND}
old = bootstrap.LambdaRuntimeClient.post_init_error
def post_init_error(*args, **kwargs):
    print('reported', args[1]['errorType'], args[1]['errorMessage'], len(args[1]['stackTrace']), flush=True)
    return old(*args, **kwargs)
bootstrap.LambdaRuntimeClient.post_init_error = post_init_error
raise RuntimeError('no table')"
    );
    let function = python(&source).expect_init_error("RuntimeError", "no table").run();
    function.wait_log("reported RuntimeError no table 1");
}

#[test]
fn the_marshaller_may_be_another() {
    let source = "from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from awslambdaric.lambda_context import LambdaContext
import awslambdaric.bootstrap
class Mine(LambdaMarshaller):
    def unmarshal_request(self, request, content_type='application/json'): return request
    def marshal_response(self, response): return b'<' + response + b'>', 'text/xml'
LambdaRuntimeClient.marshaller = Mine()
def handler(event, context):
    assert isinstance(context, LambdaContext) and awslambdaric.bootstrap.handle_event_request
    return event";
    let answer = python(source).start().call("{x}");
    assert_eq!(answer.response_text(), "<{x}>");
    assert_eq!(answer.0.header("Content-Type"), Some("text/xml"));
}

#[test]
fn the_handler_of_the_log_has_the_name_and_the_formatter_that_are_looked_for() {
    let source = "import logging
for handler in logging.getLogger().handlers:
    if handler.__class__.__name__ == 'LambdaLoggerHandler' and isinstance(handler.formatter, logging.Formatter):
        line = '[%(levelname)s]\\t%(asctime)s.%(msecs)03dZ\\t%(aws_request_id)s\\t[dd.trace_id=7]\\t%(message)s\\n'
        handler.setFormatter(logging.Formatter(line, '%Y-%m-%dT%H:%M:%S'))
def handler(event, context): logging.error('a line')";
    let function = python(source).start();
    let id = function.send("{}");
    function.answer(&id);
    function.wait_log(&format!("Z\t{id}\t[dd.trace_id=7]\ta line\n"));
}

#[test]
fn what_the_user_puts_in_the_place_of_json_is_not_for_events() {
    let source = "import json
def loads(*args, **kwargs): raise RuntimeError('not mine')
json.loads = json.dumps = json.JSONDecoder.decode = json.JSONEncoder.encode = loads
def handler(event, context):
    return event";
    // simplejson is what AWS's runtime has: nothing of this would reach it.
    assert_eq!(python(source).start().call("[1]").json(), json!([1]));
}
