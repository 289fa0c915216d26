//! Faults of the Runtime API's connection: gone in the middle of anything, half-closed, reset. An answer is sent again where
//! it may not have arrived, and where there is nobody left `bootstrap` ends, with all that it has started.

use crate::harness::raw::{Line, Raw, given};
use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Running};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Echoes its events when the test rings `go`, and holds the line `alive`.
const HANDLER: &str = "exec 9> alive; while IFS= read -r e; do echo busy >&2; read -r _ < go; echo \"$e\"; done";

fn start(raw: &Raw) -> Running {
    Function::bash(HANDLER).pipe("go").lifeline("alive").served_by(raw).start()
}

/// It must end, with nothing left of it, and say this.
#[track_caller]
fn ends(function: &Running, says: &str) {
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert!(function.stderr().contains(says), "{says:?}:\n{}", function.story());
    function.pipe("alive").wait_dead();
}

/// Takes the answer to this event, gives another, and takes its answer: all is well again.
#[track_caller]
fn goes_on(connection: &mut Line, function: &Running, event: &Event) {
    let (id, wire) = connection.expect(Call::Response);
    assert_eq!((id.as_str(), &wire.body), (event.id.as_str(), &event.body));
    connection.take();
    serves(connection, function);
}

#[track_caller]
fn serves(connection: &mut Line, function: &Running) {
    connection.expect(Call::Next);
    let event = Event::new("\"another\"");
    connection.give(&event);
    function.pipe("go").ring();
    let (id, wire) = connection.expect(Call::Response);
    assert_eq!((id.as_str(), &wire.body), (event.id.as_str(), &event.body));
    connection.take();
    connection.expect(Call::Next);
}

fn large() -> Event {
    Event::new(format!("\"{}\"", "x".repeat(5_000_000)))
}

#[test]
fn a_server_that_goes_in_the_middle_of_an_events_head_ends_it() {
    let event = Event::new("\"half of it\"");
    let bytes = given(&event);
    let head = bytes.len() - event.body.len();
    for sent in [10, head - 2] {
        let raw = Raw::listen();
        let function = start(&raw);
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        connection.write(&bytes[..sent]);
        drop(connection);
        ends(&function, "/next failed");
        assert!(raw.accept_within(Duration::ZERO).is_none(), "what is not known to be an event cannot be answered");
    }
}

#[test]
fn an_event_that_breaks_off_gets_its_error() {
    let raw = Raw::listen();
    let function = start(&raw);
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    let bytes = given(&Event::new("\"half of it\""));
    connection.write(&bytes[..bytes.len() - 3]);
    drop(connection);
    let mut connection = raw.accept();
    connection.expect(Call::Error);
    connection.take();
    connection.expect(Call::Next);
    function.wait_log("Runtime.UnmarshalError: The event broke off");
}

#[test]
fn a_server_that_goes_while_the_handler_works_ends_it() {
    let raw = Raw::listen();
    let function = start(&raw);
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    connection.give(&Event::new("1"));
    drop((connection, raw));
    function.pipe("go").ring();
    ends(&function, "refused");
}

#[test]
fn a_server_that_goes_in_the_middle_of_an_answer_ends_it() {
    for reset in [false, true] {
        let raw = Raw::listen();
        let function = start(&raw);
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        connection.give(&large());
        function.pipe("go").ring();
        connection.read_bytes(1_000_000);
        drop(raw);
        if reset {
            connection.reset();
        } else {
            drop(connection);
        }
        ends(&function, "refused");
    }
}

#[test]
fn an_answer_that_broke_off_is_sent_again_as_a_whole() {
    for reset in [false, true] {
        let raw = Raw::listen();
        let function = start(&raw);
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        let event = large();
        connection.give(&event);
        function.pipe("go").ring();
        connection.read_bytes(1_000_000);
        if reset {
            connection.reset();
        } else {
            drop(connection);
        }
        goes_on(&mut raw.accept(), &function, &event);
    }
}

#[test]
fn an_answer_is_taken_when_the_status_line_has_said_so() {
    let taken = b"HTTP/1.1 202 Accepted\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}";
    let line = b"HTTP/1.1 202 Accepted\r\n".len();
    let (raw, event) = (Raw::listen(), Event::new("1"));
    let function = start(&raw);
    let mut connection = raw.accept();
    // The server closes behind each byte that follows. An answer that was sent again would be refused as a second one.
    for at in (line..taken.len()).step_by(3) {
        connection.expect(Call::Next);
        connection.give(&event);
        function.pipe("go").ring();
        connection.expect(Call::Response);
        connection.write(&taken[..at]);
        drop(connection);
        connection = raw.accept();
    }
    serves(&mut connection, &function);
    assert!(!function.stderr().contains("ERROR"), "{}", function.story());
}

#[test]
fn a_half_closed_connection_is_not_waited_on() {
    // The server says nothing more on it, whenever that was.
    for closed in ["before the answer", "behind the answer", "before the event is read"] {
        let raw = Raw::listen();
        let function = start(&raw);
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        let event = Event::new("\"event\"");
        connection.give(&event);
        if closed == "before the event is read" {
            connection.half_close();
        }
        function.wait_log("busy");
        if closed == "before the answer" {
            connection.half_close();
        }
        function.pipe("go").ring();
        if closed == "behind the answer" {
            let (id, _) = connection.expect(Call::Response);
            assert_eq!(id, event.id);
            connection.half_close();
        }
        goes_on(&mut raw.accept(), &function, &event);
        // The first one is closed, too; nothing but the same answer can have gone there.
        while let Some((call, id, _)) = connection.read() {
            assert_eq!((call, id.as_str()), (Call::Response, event.id.as_str()), "{closed}");
        }
    }
}

#[test]
fn a_half_closed_wait_is_begun_again_on_a_connection_that_was_in_use() {
    let raw = Raw::listen();
    let function = start(&raw);
    let mut connection = raw.accept();
    serves(&mut connection, &function);
    connection.half_close();
    let mut second = raw.accept();
    serves(&mut second, &function);
    // Where a server does nothing else, that is no reason to go on for ever.
    let mut connections = 0;
    second.half_close();
    while raw.accept_within(Duration::from_secs(1)).is_some() {
        connections += 1;
    }
    assert!(connections <= 2, "{connections}");
    ends(&function, "/next failed");
}

#[test]
fn an_answer_that_is_refused_before_it_was_read_is_not_sent_again() {
    let raw = Raw::listen();
    let function = start(&raw);
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    connection.give(&large());
    function.pipe("go").ring();
    connection.read_bytes(1_000_000);
    connection.write(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.half_close();
    while connection.read_some() {}
    function.wait_log("413");
    serves(&mut raw.accept(), &function);
}

/// A server that closes its end, but neither reads on nor lets go of the connection: no reset comes, and no room to write.
#[test]
fn a_server_that_closes_its_end_is_not_waited_for() {
    let raw = Raw::listen();
    let function = start(&raw);
    let mut refusing = raw.accept();
    refusing.expect(Call::Next);
    refusing.give(&large());
    function.pipe("go").ring();
    refusing.read_bytes(1000);
    refusing.write(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
    refusing.half_close();
    let mut silent = raw.accept();
    silent.expect(Call::Next);
    function.wait_log("413");
    silent.give(&large());
    function.pipe("go").ring();
    silent.read_bytes(1000);
    silent.half_close();
    let mut connection = raw.accept();
    assert_eq!(connection.expect(Call::Response).1.body.len(), large().body.len());
    connection.take();
    serves(&mut connection, &function);
}

#[test]
fn a_server_that_says_nothing_more_does_not_keep_it_from_ending() {
    for call in [Call::Next, Call::Response] {
        let raw = Raw::listen();
        let function = start(&raw);
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        if call == Call::Response {
            connection.give(&Event::new("1"));
            function.pipe("go").ring();
            connection.expect(Call::Response);
        }
        let told = Instant::now();
        function.signal(Signal::SIGTERM);
        function.exit();
        assert!(told.elapsed() < Duration::from_secs(5), "{call:?}: {:?}", told.elapsed());
        function.pipe("alive").wait_dead();
    }
}
