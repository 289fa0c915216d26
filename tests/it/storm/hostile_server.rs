//! A Runtime API that attacks: it closes at any byte, answers oddly, slowly or not at all, and lets nobody read the log. What HTTP
//! allows must be served, an event that broke off gets its error, and an answer is sent again where it may not have arrived. Where
//! it has left nobody to talk to, `bootstrap` may end, with a reason, and is started anew.

use super::course::{self, Counts, any_of, soak};
use super::deeds::Deed;
use super::forms::Came;
use super::life::{Life, answer};
use crate::harness::raw::given;
use crate::harness::watch::LIMIT;
use crate::harness::{Call, Event, Random};
use crate::hostile::{odd_response, send};
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

const EVENTS: usize = 300;

/// How long a server that takes nothing is waited for. Its event's deadline is before that.
const UNTAKEN: Duration = Duration::from_secs(1);

const IDS: &[&str] = &["a b", "a#b", "..", "a/../../x", "%2e", "a?b=c", "\u{e9}", "x%0d%0ay", "."];

/// The storm: the server, its events, and what came of them.
struct Server {
    random: Random,
    life: Life,
    number: usize,
    counts: Counts,
    ends: usize,
    most: usize,
    resident: u64,
    peak: u64,
}

/// How a response goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Whole,
    Slow,
}

impl Server {
    fn write(&mut self, bytes: &[u8], pace: Pace) {
        let line = self.life.line.as_mut().unwrap();
        if pace == Pace::Whole {
            return send(&mut self.random, line, bytes);
        }
        for piece in bytes.chunks((bytes.len() / 20).max(1)) {
            line.write(piece);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Answers one `/next`, well or not, and sees to what comes of the event.
    fn serve(&mut self) {
        let handler = self.life.handler;
        let deed = any_of(handler.deeds, &mut self.random);
        self.number += 1;
        let mut event = handler.form.event(self.number, deed);
        match self.random.below(100) {
            0..30 => {
                let bytes = given(&event);
                self.write(&bytes, Pace::Whole);
            }
            30..45 => {
                let (bytes, closes) = odd_response(&mut self.random, 200, event.headers_now(), &event.body);
                self.write(&bytes, Pace::Whole);
                if closes {
                    self.life.line = None;
                }
            }
            45..50 => {
                let bytes = given(&event);
                self.write(&bytes, Pace::Slow);
            }
            50..70 => {
                event.id = self.random.one_of(IDS).to_owned();
                let bytes = given(&event);
                self.write(&bytes, Pace::Whole);
            }
            70..80 => return self.break_off_body(&event),
            80..90 => return self.refuse_next(),
            90..94 => return self.break_off_head(&event),
            94..97 => return self.say_length_oddly(&event),
            _ => return self.take_nothing(&handler.form.event(self.number, &handler.deeds[0]).deadline_in(UNTAKEN)),
        }
        self.take_answer(&event, deed);
    }

    /// The id is known, and a part of the body is missing.
    fn break_off_body(&mut self, event: &Event) {
        let bytes = given(event);
        let missing = self.random.below(event.body.len()) + 1;
        self.life.cut(&bytes, bytes.len() - missing);
        let Some((call, id, wire)) = self.life.request() else { return };
        assert_eq!((call, &id), (Call::Error, &event.id), "{}", self.life.function.story());
        let answer = answer(call, id, wire, event);
        answer.error("Runtime.UnmarshalError");
        self.counts.add(Came::Error);
        self.life.line().take();
    }

    /// There is no event, and the server says so in many ways.
    fn refuse_next(&mut self) {
        match self.random.below(4) {
            0 => self.life.line().write(b"HTTP/1.1 204 No Content\r\n\r\n"),
            1 => {
                // One that was asked before is asked again on a new connection, and then no more.
                self.life.may_end = Some("closed without an event");
                self.life.line = None;
            }
            2 => {
                self.life.may_end = Some("/next was refused");
                let status = [400, 403, 404, 500, 503][self.random.below(5)];
                let (bytes, _) = odd_response(&mut self.random, status, Vec::new(), b"{\"errorType\":\"Staged\"}");
                self.write(&bytes, Pace::Whole);
                self.life.line = None;
            }
            _ => {
                self.life.may_end = Some("an event without an id");
                self.life.line().write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
            }
        }
    }

    /// It breaks off before it can be known to be an event.
    fn break_off_head(&mut self, event: &Event) {
        self.life.may_end = Some("an event's head broke off");
        let bytes = given(event);
        let at = self.random.below(bytes.len() - event.body.len() - 1);
        self.life.cut(&bytes, at);
    }

    /// Lengths that are none: refused, and if the event is known by then, it gets its error.
    fn say_length_oddly(&mut self, event: &Event) {
        self.life.may_end = Some("an odd length");
        let length = event.body.len();
        let said = match self.random.below(5) {
            0 => format!("Content-Length: +{length}"),
            1 => format!("Content-Length: {length}\r\nContent-Length: {}", length + 1),
            2 => "Content-Length: ffffffffffffffff".to_owned(),
            3 => "Content-Length: 99999999999999999999".to_owned(),
            _ => format!("Content-Length: -{length}"),
        };
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        for (name, value) in event.headers_now() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let bytes = [head.as_bytes(), said.as_bytes(), b"\r\n\r\n", &event.body].concat();
        self.write(&bytes, Pace::Whole);
        self.life.line().half_close();
        let Some((call, id, _)) = self.life.request() else { return };
        if call == Call::Next {
            return self.serve();
        }
        assert_eq!((call, &id), (Call::Error, &event.id), "{said}\n{}", self.life.function.story());
        self.counts.add(Came::Error);
        self.life.line().take();
    }

    /// Nobody takes the answer: with the event's time, the wait ends.
    fn take_nothing(&mut self, event: &Event) {
        self.life.may_end = Some("an answer that nobody took");
        let given_at = Instant::now();
        self.life.line().give(event);
        if self.random.one_in(2) {
            self.life.line().read_bytes(20);
        }
        self.life.function.watch().wait("the end of bootstrap", |seen| seen.exit.map(|_| ()));
        assert!(given_at.elapsed() < LIMIT / 2, "{:?}", given_at.elapsed());
        self.life.line = None;
    }

    /// Takes the answer to an event that was given well, or breaks off and gets it again.
    fn take_answer(&mut self, event: &Event, deed: &'static Deed) {
        let mut lost = false;
        loop {
            // A piece of it is read at most, and it is sent again as a whole.
            if !lost && self.life.line.is_some() && self.random.one_in(20) {
                lost = true;
                let piece = self.random.below(60) + 1;
                self.life.line().read_bytes(piece);
                self.life.line = None;
            }
            let Some((call, id, wire)) = self.life.request() else { return };
            assert_eq!(id, event.id, "{call:?}\n{}", self.life.function.story());
            let answer = answer(call, id, wire, event);
            let came = self.life.handler.form.judge(self.number, deed, &answer, false);
            if !lost && self.random.one_in(20) {
                // Before its status is known it has to be sent again; once is enough.
                lost = true;
                self.life.line = None;
                continue;
            }
            self.counts.add(came);
            return self.say_it_was_taken();
        }
    }

    fn say_it_was_taken(&mut self) {
        match self.random.below(20) {
            0..8 => self.life.line().take(),
            8..13 => {
                let status = [200, 202, 299, 400, 403, 410, 413][self.random.below(7)];
                let (bytes, closes) = odd_response(&mut self.random, status, Vec::new(), b"{\"status\":\"OK\"}");
                self.write(&bytes, Pace::Whole);
                if closes {
                    self.life.line = None;
                }
            }
            13..15 => self.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", Pace::Slow),
            15..19 => {
                // The status counts, whatever is missing behind it.
                let bytes = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}";
                let line = b"HTTP/1.1 202 Accepted\r\n".len();
                let at = line + self.random.below(bytes.len() - line);
                self.life.cut(bytes, at);
            }
            _ => {
                self.life.may_end = Some("an answer met a 500");
                self.life.line().write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
            }
        }
    }

    /// Adds what was measured of this `bootstrap`, if it has come so far.
    fn measure(&mut self) {
        (self.most, self.peak) = (self.most.max(self.life.most), self.peak.max(self.life.peak));
        if self.life.resident > 0 {
            self.resident = self.life.resident;
        }
    }

    fn begin_anew(&mut self) {
        self.measure();
        let next = Life::begin(&mut self.random);
        std::mem::replace(&mut self.life, next).end();
        self.ends += 1;
    }
}

/// The whole storm.
pub fn over() {
    let mut random = Random::seeded("STORM_SEED");
    let started = Instant::now();
    let life = Life::begin(&mut random);
    let mut server =
        Server { random, life, number: 0, counts: Counts::default(), ends: 0, most: 0, resident: 0, peak: 0 };
    while server.number < EVENTS || started.elapsed() < soak() {
        // For a while nobody reads the log, which has more to say than a pipe holds.
        let unread = server.random.one_in(10);
        server.life.function.watch().leave_log_unread(unread);
        server.life.was_unread |= unread;
        match server.life.request() {
            Some((Call::Next, ..)) => {
                server.life.settle();
                server.life.may_end = None;
                server.serve();
            }
            Some((call, id, _)) => panic!("{call:?} {id}\n{}", server.life.function.story()),
            None => {
                server.life.function.watch().leave_log_unread(false);
                server.begin_anew();
            }
        }
    }
    server.life.function.watch().leave_log_unread(false);
    server.measure();
    course::report(
        &format!("{} events in {:.1} s", server.number, started.elapsed().as_secs_f32()),
        &server.counts,
        &format!(
            "{} ends where the server had left nothing else; resident {} KiB at the end, {} KiB at most; {} descriptors at most",
            server.ends,
            server.resident / 1024,
            server.peak / 1024,
            server.most
        ),
    );
    assert!(server.counts.answers > server.number / 3, "{} answers", server.counts.answers);
}
