//! The Runtime API, well-behaved and not: addresses, headers, status codes, connections.

use crate::harness::raw::Raw;
use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Reply};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const ECHO: &str = "while IFS= read -r e; do echo \"$e\"; done";

fn echo() -> Function {
    Function::bash(ECHO)
}

/// The same, with a child in the background, both of which hold the line `alive` for as long as they live.
fn holding_a_line() -> Function {
    Function::bash(&format!("exec 9> alive; sleep 1000 & {ECHO}")).lifeline("alive")
}

#[test]
fn the_address_may_have_a_path_or_a_scheme() {
    for (scheme, path) in
        [("", ""), ("", "/.rt/my-function"), ("http://", ""), ("http://", "/a/path"), ("http://", "/.rt/NAME")]
    {
        echo().api_scheme(scheme).api_path(path).event("1").expect_response("1").run();
    }
}

#[test]
fn headers_are_as_lambda_wants_them() {
    // The server checks each call for its user agent, its content type, its error type and the echo of the nonce.
    let error = r#"{"errorMessage":"m","errorType":"Type"}"#;
    let nonce =
        |body: &str| Event::new(body).header("Lambda-Runtime-Invocation-Id", &format!("nonce-of-{}", body.len()));
    let function = echo().start();
    function.call(nonce("1"));
    function.call(nonce(error)).error("Type");
    function.call("1");
    function.call(error).error("Type");
    let answers = function.requests(Call::Response, 2);
    assert_eq!(answers[0].header("Lambda-Runtime-Invocation-Id"), Some("nonce-of-1"));
    assert_eq!(answers[1].header("Lambda-Runtime-Invocation-Id"), None);
    let host = answers[0].header("Host").unwrap();
    assert_eq!(host, function.server().address().to_string());
}

#[test]
fn one_connection_is_kept_for_everything() {
    let function = echo().start();
    for number in 0..50 {
        function.call(number.to_string());
    }
    function.wait_idle();
    let connections = function.watch().look(|seen| seen.requests.iter().map(|request| request.connection).max());
    assert_eq!(connections, Some(1));
}

#[test]
fn no_content_type_and_no_length_are_fine() {
    let long = format!("\"{}\"", "x".repeat(100_000));
    // The first event comes over a new connection, the others over one that is kept.
    let mut function = echo();
    for _ in 0..3 {
        function = function.event(Event::new("1").without_content_type()).expect_response("1");
        function = function.event(Event::new(long.clone()).chunked()).expect_response(long.clone());
        function = function.event(Event::new("2").chunked()).expect_response("2");
        function = function.event(long.clone()).expect_response(long.clone());
    }
    function.run();
}

#[test]
fn headers_of_any_size_and_number_arrive() {
    let function = Function::bash("while read -r e; do cat \"$LAMBDA_CONTEXT_FILE\"; done").start();
    for (length, others) in [(10, 0), (20_000, 0), (100_000, 60), (10, 100), (3_000, 0), (10, 0)] {
        let mut event = Event::new("1").header("Lambda-Runtime-Client-Context", &"c".repeat(length));
        for number in 0..others {
            event = event.header(&format!("Lambda-Runtime-Other-{number}"), "value");
        }
        let context = function.call(event).json();
        assert_eq!(context["clientContext"].as_str().map(str::len), Some(length));
    }
}

#[test]
fn an_answer_in_pieces_is_put_together() {
    let body = format!("\"{}\"", "x".repeat(1000));
    let mut function = echo();
    for _ in 0..3 {
        function = function.reply(Call::Next, Reply::InPieces).reply(Call::Response, Reply::InPieces);
        function = function.event(body.clone()).expect_response(body.clone());
    }
    function.event("2").expect_response("2").run();
}

#[test]
fn a_slow_answer_is_waited_for() {
    for call in [Call::Next, Call::Response] {
        let function = echo().reply(call, Reply::Held).start();
        let id = function.send("1");
        function.requests(call, 1);
        // Nothing else may come while it waits.
        let other = |seen: &mut crate::harness::watch::Seen| {
            let count = seen.requests.iter().filter(|request| request.call == call).count();
            (count > 1 || seen.exit.is_some()).then_some(())
        };
        assert!(function.watch().wait_within(Duration::from_secs(2), other).is_err(), "{}", function.story());
        function.server().release();
        assert_eq!(function.answer(&id).response(), b"1");
        assert_eq!(function.call("2").response(), b"2");
    }
}

#[test]
fn a_204_on_next_is_asked_again() {
    let mut function = echo();
    for _ in 0..5 {
        function = function.reply(Call::Next, Reply::Status(204));
    }
    let function = function.event("1").expect_response("1").run();
    assert_eq!(function.requests_so_far(Call::Next)[..6].iter().filter(|request| request.status == 204).count(), 5);
}

#[test]
fn a_403_or_500_on_next_ends_it_at_once() {
    for status in [403, 500] {
        let function = holding_a_line().reply(Call::Next, Reply::Status(status)).start();
        assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
        function.pipe("alive").wait_dead();
        assert_eq!(function.requests_so_far(Call::Next).len(), 1, "it must not loop");
        assert!(function.stderr().contains(&status.to_string()), "{}", function.story());
    }
}

#[test]
fn a_refused_answer_is_logged_and_that_is_all() {
    for call in [Call::Response, Call::Error] {
        for status in [400, 403, 410, 413] {
            let function = echo().reply(call, Reply::Status(status)).start();
            let body = if call == Call::Error { r#"{"errorMessage":"m"}"# } else { "1" };
            assert_eq!(function.call(body).0.call, call);
            assert_eq!(function.call("2").response(), b"2", "it goes on");
            function.wait_log(&status.to_string());
            // A second answer to the first event would have failed the test by itself; so would an error for a refused answer.
            assert_eq!(function.requests_so_far(Call::Error).len(), usize::from(call == Call::Error));
        }
    }
}

#[test]
fn a_500_on_an_answer_ends_it() {
    for (call, body) in [(Call::Response, "1"), (Call::Error, r#"{"errorMessage":"m"}"#)] {
        let function = holding_a_line().reply(call, Reply::Status(500)).start();
        function.call(body);
        assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
        function.pipe("alive").wait_dead();
        assert_eq!(function.requests_so_far(Call::Next).len(), 1);
    }
}

#[test]
fn a_success_may_be_200() {
    let function = echo().reply(Call::Response, Reply::Status(200));
    let function = function.event("1").expect_response("1").event("2").expect_response("2").run();
    assert!(!function.stderr().contains("WARN"), "{}", function.story());
}

#[test]
fn a_connection_that_is_closed_between_calls_is_opened_again() {
    for call in [Call::Next, Call::Response] {
        for reply in [Reply::ThenClose, Reply::SayClose] {
            let function = echo().reply(call, reply).start();
            for number in 1..=3 {
                assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
            }
        }
    }
}

#[test]
fn an_answer_that_was_lost_is_sent_once_more() {
    let function = echo().reply(Call::Response, Reply::Drop);
    let function = function.event("1").expect_response("1").event("2").expect_response("2").run();
    assert_eq!(function.requests_so_far(Call::Response).len(), 3);
    let error = r#"{"errorMessage":"m","errorType":"T"}"#;
    let function = echo().reply(Call::Error, Reply::Drop);
    function.event(error).expect_error("T", "m").event("2").expect_response("2").run();
}

#[test]
fn an_answer_that_arrived_unnoticed_is_refused_the_second_time() {
    let function = echo().reply(Call::Response, Reply::TakeAndDrop);
    let function = function.event("1").expect_response("1").event("2").expect_response("2").run();
    function.wait_idle();
    let sent = function.requests_so_far(Call::Response);
    assert_eq!(sent.iter().map(|request| request.status).collect::<Vec<_>>(), [202, 403, 202]);
}

#[test]
fn an_answer_that_is_lost_twice_ends_it() {
    let function = echo().reply(Call::Response, Reply::Drop).reply(Call::Response, Reply::Drop).start();
    function.send("1");
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert_eq!(function.requests_so_far(Call::Response).len(), 2);
}

#[test]
fn a_lost_next_is_asked_again_on_a_connection_that_was_in_use() {
    let function = echo().start();
    function.call("1");
    function.wait_idle();
    // The next `/next` is the one behind this event's answer, on a connection that has served before.
    function.server().reply(Call::Next, Reply::Drop);
    function.call("2");
    assert_eq!(function.call("3").response(), b"3");
}

#[test]
fn a_lost_next_on_a_new_connection_ends_it() {
    let function = echo().reply(Call::Next, Reply::Drop).start();
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert_eq!(function.requests_so_far(Call::Next).len(), 1);
}

#[test]
fn an_api_that_is_not_there_ends_it() {
    // The near end of a connection: a port that no other test can get, and on which nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let started = Instant::now();
    let function = echo().env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}")).start();
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert!(function.stderr().contains("refused"), "{}", function.story());
}

#[test]
fn an_api_that_is_slower_than_the_handler_is_waited_for() {
    let (address, listen) = Raw::listen_later();
    let function =
        echo().env("AWS_LAMBDA_RUNTIME_API", address.to_string()).env("AWS_LAMBDA_LOG_LEVEL", "DEBUG").start();
    function.wait_log("nobody listens at");
    let raw = listen();
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    connection.give(&Event::new("1"));
    assert_eq!(connection.expect(Call::Response).1.body, b"1");
    // Once it has been there, it is not waited for.
    drop((raw, connection));
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
}

#[test]
fn an_address_that_is_none_ends_it() {
    for address in ["not an address", "https://127.0.0.1:1", "127.0.0.1:notaport"] {
        let function = echo().env("AWS_LAMBDA_RUNTIME_API", address).start();
        assert!(matches!(function.exit(), Exit::Status(1 | 2)), "{address}: {}", function.story());
        assert!(!function.stderr().is_empty());
    }
}
