//! One conversation of many events, whose connection breaks at any place: each event gets one answer or one error, which is
//! sent again only where nobody can have said that it was taken. And nothing grows with the conversation.

use super::{goes_on, odd_response, send};
use crate::harness::raw::{Line, Raw, given};
use crate::harness::watch::LIMIT;
use crate::harness::{Call, Event, Function, Random, Running, procfs};
use std::time::Instant;

/// Where no time is said: so many events.
const EVENTS: usize = 300;

/// The largest event, in bytes.
const LARGEST: usize = 300_000;

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// After so many events nothing new is kept.
const WARM: usize = 40;

/// How the wait for an event, and the event itself, are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Well,
    /// The connection closes first, and the event comes over the next one.
    OverAnother,
    /// It comes, and the connection is gone by the time of its answer.
    ThenClosed,
    /// The connection closes somewhere in its body.
    Cut,
}

/// How an answer is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Well,
    /// The connection closes behind the status, which is what counts.
    Told,
    /// It closes before that is whole.
    Unsaid,
    /// It is broken off when all of the answer has come.
    BrokenOff,
    /// The same, when only its beginning has.
    BrokenOffEarly,
}

struct Conversation {
    random: Random,
    raw: Raw,
    function: Running,
    connection: Option<Line>,
    number: usize,
}

impl Conversation {
    fn connection(&mut self) -> Line {
        self.connection.take().unwrap_or_else(|| self.accept())
    }

    fn accept(&self) -> Line {
        let connection = self.raw.accept_within(LIMIT);
        connection.unwrap_or_else(|| panic!("nobody connected\n{}", self.function.story()))
    }

    fn event(&mut self) -> Event {
        self.number += 1;
        let size = if self.random.one_in(8) { self.random.below(LARGEST) } else { self.random.below(400) };
        let event = Event::new(format!("{{\"n\":{},\"x\":\"{}\"}}", self.number, "y".repeat(size)));
        if self.random.one_in(2) { event.chunked() } else { event }
    }

    /// One event, from the question to what is said to its answer.
    fn turn(&mut self) {
        let (event, way) = (self.event(), self.random.below(8));
        let way = match way {
            // One that was opened for this very question is not asked twice.
            0 if self.connection.is_some() => Given::OverAnother,
            1 => Given::ThenClosed,
            2 => Given::Cut,
            _ => Given::Well,
        };
        let mut connection = self.connection();
        connection.expect(Call::Next);
        if way == Given::OverAnother {
            drop(connection);
            connection = self.accept();
            connection.expect(Call::Next);
        }
        match way {
            Given::Cut => {
                let mut bytes = given(&event);
                let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                // Where the last chunk has come, all of the event has.
                let end = bytes.len() - if event.chunked { LAST_CHUNK.len() } else { 1 };
                bytes.truncate(head + self.random.below(end + 1 - head));
                send(&mut self.random, &mut connection, &bytes);
                drop(connection);
            }
            Given::ThenClosed => {
                connection.give(&event);
                drop(connection);
            }
            Given::Well | Given::OverAnother => {
                let (bytes, closes) = odd_response(&mut self.random, 200, event.headers_now(), &event.body);
                send(&mut self.random, &mut connection, &bytes);
                self.connection = (!closes).then_some(connection);
            }
        }
        let treated = [Taken::Well, Taken::Told, Taken::Unsaid, Taken::BrokenOff, Taken::BrokenOffEarly]
            [self.random.below(10).saturating_sub(5)];
        // An answer is sent twice at most.
        let treated = if way == Given::ThenClosed && treated != Taken::Told { Taken::Well } else { treated };
        self.answer(&event, treated, way == Given::Cut);
    }

    fn answer(&mut self, event: &Event, way: Taken, is_cut: bool) {
        let mut connection = self.connection();
        if way == Taken::BrokenOffEarly {
            connection.read_bytes(100);
            connection.reset();
            connection = self.accept();
            check(&mut connection, event, is_cut);
        } else {
            check(&mut connection, event, is_cut);
            match way {
                Taken::Told => {
                    connection.write(b"HTTP/1.1 202 Accepted\r\nContent-Le");
                    return;
                }
                Taken::Unsaid | Taken::BrokenOff => {
                    if way == Taken::Unsaid {
                        connection.write(b"HTTP/1.1 20");
                        drop(connection);
                    } else {
                        connection.reset();
                    }
                    connection = self.accept();
                    check(&mut connection, event, is_cut);
                }
                Taken::Well | Taken::BrokenOffEarly => {}
            }
        }
        let status = [200, 202, 299, 400, 403, 410, 413][self.random.below(7)];
        let (bytes, closes) = odd_response(&mut self.random, status, Vec::new(), b"{\"status\":\"OK\"}");
        send(&mut self.random, &mut connection, &bytes);
        self.connection = (!closes).then_some(connection);
    }
}

/// What is posted is to this event.
#[track_caller]
fn check(connection: &mut Line, event: &Event, is_cut: bool) {
    let (call, id, wire) = connection.read().expect("an answer");
    let text = String::from_utf8_lossy(&wire.body);
    assert_eq!(id, event.id, "{call:?}: {text}");
    if is_cut {
        let told = text.contains("Runtime.UnmarshalError");
        assert!(call == Call::Error && told, "{call:?}, {} of {} bytes: {text}", text.len(), event.body.len());
    } else {
        assert_eq!((call, wire.body.as_slice()), (Call::Response, event.body.as_slice()));
    }
}

#[test]
fn each_event_gets_one_answer_wherever_its_connection_breaks() {
    let started = Instant::now();
    let (random, raw) = (Random::seeded("FUZZ_SEED"), Raw::listen());
    let function = Function::bash("exec cat").mode("loop").served_by(&raw).start();
    let mut conversation = Conversation { random, raw, function, connection: None, number: 0 };
    let mut warm = None;
    while goes_on(conversation.number, EVENTS, started) {
        conversation.turn();
        if conversation.number == WARM {
            warm = Some((procfs::resident(conversation.function.pid()), procfs::threads(conversation.function.pid())));
        }
    }
    // It waits for its next event, as it has before.
    let mut connection = conversation.connection();
    connection.expect(Call::Next);
    let (pid, (resident, threads)) = (conversation.function.pid(), warm.expect("that many events"));
    assert_eq!(procfs::threads(pid), threads);
    assert!(procfs::descriptors(pid) < 32, "{} descriptors", procfs::descriptors(pid));
    // An event and its answer twice, and buffers.
    let grown = procfs::peak_memory(pid).saturating_sub(resident);
    assert!(grown < 4 * LARGEST as u64 + (2 << 20), "{grown} bytes more\n{}", conversation.function.story());
    println!("{} events in {:.1?}, {grown} bytes more", conversation.number, started.elapsed());
}
