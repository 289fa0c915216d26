//! A Runtime API that answers oddly, and one that answers with rubbish: each response is made or changed at random. What is
//! odd and allowed by HTTP is served like anything else. What is broken ends `bootstrap` with a reason, or does no harm: it
//! never crashes, never hangs, and never answers an event that it was not given.
//!
//! `FUZZ_SEED` repeats a run (a failing one prints its seed), `FUZZ_SECONDS` makes it longer.

use crate::harness::raw::{Line, Raw, given};
use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Random, Running, number_from};
use std::time::{Duration, Instant};

/// Where no time is said: so many events with odd responses, so many broken ones.
const ODD: usize = 600;
const BROKEN: usize = 120;

/// Whether to go on, after so many and since then.
fn goes_on(count: usize, enough: usize, started: Instant) -> bool {
    number_from("FUZZ_SECONDS").map_or(count < enough, |seconds| started.elapsed() < Duration::from_secs(seconds))
}

fn any_case(random: &mut Random, name: &str) -> String {
    match random.below(4) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        2 => name
            .chars()
            .map(|c| if random.one_in(2) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect(),
        _ => name.to_owned(),
    }
}

/// Headers in any order and case, with any white space, among others that nobody knows.
fn odd_headers(random: &mut Random, mut headers: Vec<(String, String)>) -> Vec<u8> {
    for number in 0..random.below(6) {
        let size = if random.one_in(20) { random.below(60_000) } else { random.below(40) };
        let name = random.one_of(&["X-Pad", "Set-Cookie", "Server", "Date", "Lambda-Runtime-Unheard-Of", "Via"]);
        headers.push((name.to_owned(), format!("{number}{}", "v".repeat(size))));
    }
    for at in (1..headers.len()).rev() {
        headers.swap(at, random.below(at + 1));
    }
    let mut bytes = Vec::new();
    for (name, value) in headers {
        let (before, behind) = (random.one_of(&[" ", "", "  ", "\t"]), random.one_of(&["", " ", "\t "]));
        bytes.extend_from_slice(format!("{}:{before}{value}{behind}\r\n", any_case(random, &name)).as_bytes());
    }
    bytes
}

/// A response that HTTP allows, and whether the connection is to be closed behind it.
pub fn odd_response(
    random: &mut Random,
    status: u16,
    mut headers: Vec<(String, String)>,
    body: &[u8],
) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    if random.one_in(6) {
        let ahead = random.one_of(&["100 Continue\r\n", "103 Early Hints\r\nLink: <x>\r\n"]);
        bytes.extend_from_slice(format!("HTTP/1.1 {ahead}\r\n").as_bytes());
    }
    let reason = random.one_of(&["OK", "", "Something Else", "\u{e9}"]);
    bytes.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes());
    let closes = random.one_in(8);
    if closes {
        headers.push(("Connection".to_owned(), "close".to_owned()));
    } else if random.one_in(3) {
        headers.push(("Connection".to_owned(), "keep-alive".to_owned()));
    }
    let framing = random.below(if closes { 3 } else { 2 });
    match framing {
        0 => headers.push(("Content-Length".to_owned(), body.len().to_string())),
        1 => headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned())),
        // Its end is the connection's.
        _ => {}
    }
    bytes.extend(odd_headers(random, headers));
    bytes.extend_from_slice(b"\r\n");
    if framing != 1 {
        bytes.extend_from_slice(body);
        return (bytes, closes);
    }
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(random.below(rest.len()) + 1);
        let size = match random.below(3) {
            0 => format!("{:X}", chunk.len()),
            1 => format!("000{:x}", chunk.len()),
            _ => format!("{:x};name=value", chunk.len()),
        };
        bytes.extend_from_slice(format!("{size}\r\n").as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = behind;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    (bytes, closes)
}

/// Sends it in pieces: in one, in a few, or byte by byte.
pub fn send(random: &mut Random, connection: &mut Line, bytes: &[u8]) {
    let most = match random.below(4) {
        0 if bytes.len() < 2000 => 1,
        1 => random.below(bytes.len() + 1).max(1),
        _ => bytes.len().max(1),
    };
    bytes.chunks(most).for_each(|piece| connection.write(piece));
}

fn event(random: &mut Random) -> Event {
    let mut event = Event::new(format!("{{\"n\":{},\"x\":\"{}\"}}", random.below(1000), "y".repeat(random.below(300))));
    for (name, value) in
        [("Invoked-Function-Arn", "arn:aws:lambda:::"), ("Trace-Id", "Root=1;Sampled=0"), ("Client-Context", "{}")]
    {
        if random.one_in(2) {
            event = event.header(&format!("Lambda-Runtime-{name}"), value);
        }
    }
    event
}

#[test]
fn whatever_http_allows_is_served() {
    let mut random = Random::seeded("FUZZ_SEED");
    let (raw, started) = (Raw::listen(), Instant::now());
    // It echoes, line by line.
    let function = Function::bash("exec cat").mode("loop").served_by(&raw).start();
    let mut connection = raw.accept();
    let mut count = 0;
    while goes_on(count, ODD, started) {
        count += 1;
        let event = event(&mut random);
        let (bytes, closes) = odd_response(&mut random, 200, event.headers_now(), &event.body);
        connection.expect(Call::Next);
        send(&mut random, &mut connection, &bytes);
        if closes {
            drop(connection);
            connection = raw.accept();
        }
        let (id, wire) = connection.expect(Call::Response);
        assert_eq!((id, wire.body), (event.id, event.body), "{}", String::from_utf8_lossy(&bytes));
        let status = [200, 202, 299, 400, 403, 410, 413][random.below(7)];
        let (bytes, closes) = odd_response(&mut random, status, Vec::new(), b"{\"status\":\"OK\"}");
        send(&mut random, &mut connection, &bytes);
        if closes {
            drop(connection);
            connection = raw.accept();
        }
    }
    assert!(!function.stderr().contains("ERROR"), "{}", function.story());
    println!("{count} events with odd responses in {:.1?}", started.elapsed());
}

/// What a changed response may get pieces of.
const PIECES: [&[u8]; 14] = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 999 \r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 7\r\nContent-Length: 70\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, identity\r\n",
    b"ffffffffffffffff\r\n",
    b"Lambda-Runtime-Aws-Request-Id: ../../x?y#z\r\n",
    b"Lambda-Runtime-Deadline-Ms: 18446744073709551616\r\n",
    b"\r\n\r\n",
    b"\n : \n",
];

/// What became of `bootstrap` when it was sent something broken and nothing more.
enum Became {
    Ended,
    /// It asks or tells something, on a new connection.
    Asks(Line),
}

fn became(function: &Running, raw: &Raw) -> Became {
    let by = Instant::now() + crate::harness::watch::LIMIT;
    loop {
        if let Some(connection) = raw.accept_within(Duration::from_millis(10)) {
            return Became::Asks(connection);
        }
        if function.watch().look(|seen| seen.exit.is_some()) {
            return Became::Ended;
        }
        assert!(Instant::now() < by, "it hangs\n{}", function.story());
    }
}

/// Serves an event rightly, but for taking its answer; gives its id, whether the answer came or not.
fn serve_one(connection: &mut Line) -> String {
    let event = Event::new("\"well\"");
    connection.give(&event);
    if let Some((call, id, wire)) = connection.read() {
        assert_eq!((call, &id, wire.body.as_slice()), (Call::Response, &event.id, &b"\"answered\""[..]));
    }
    event.id
}

#[test]
fn rubbish_ends_it_with_a_reason_or_does_no_harm() {
    let mut random = Random::seeded("FUZZ_SEED");
    let (mut count, mut ended, started) = (0, 0, Instant::now());
    while goes_on(count, BROKEN, started) {
        count += 1;
        let raw = Raw::listen();
        // What is left of an event may be no JSON: its answer is, always.
        let answers = "while read -r e; do echo '\"answered\"'; done";
        let function = Function::bash(answers).mode("loop").served_by(&raw).start();
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        // The one that is broken answers either call, on a connection that has served or not.
        let in_answer = random.one_in(3);
        let mut given_well = Vec::new();
        if in_answer || random.one_in(2) {
            given_well.push(serve_one(&mut connection));
            if !in_answer {
                connection.take();
                connection.expect(Call::Next);
            }
        }
        let event = event(&mut random);
        let mut bytes = if in_answer {
            odd_response(&mut random, 202, Vec::new(), b"{\"status\":\"OK\"}").0
        } else if random.one_in(2) {
            given(&event)
        } else {
            odd_response(&mut random, 200, event.headers_now(), &event.body).0
        };
        random.change(&mut bytes, &PIECES);
        let shown = || format!("{:?}\n{}", String::from_utf8_lossy(&bytes), function.story());
        send(&mut random, &mut connection, &bytes);
        connection.half_close();
        for _ in 0..4 {
            match became(&function, &raw) {
                Became::Ended => break,
                Became::Asks(mut connection) => match connection.read() {
                    Some((Call::Next, ..)) => {
                        given_well.push(serve_one(&mut connection));
                        connection.take();
                    }
                    // An answer is to an event that was given, as the bytes have it that were sent (or their text, at least).
                    Some((Call::Response | Call::Error, id, _)) => {
                        let id = unescaped(&id);
                        let known = given_well.contains(&id) || String::from_utf8_lossy(&bytes).contains(&id);
                        assert!(known && !id.is_empty(), "{id:?} was answered: {}", shown());
                        connection.take();
                    }
                    other => assert!(other.is_none(), "{}", shown()),
                },
            }
        }
        // Nobody is there any more.
        drop((connection, raw));
        assert_eq!(function.exit(), Exit::Status(1), "{}", shown());
        let log = function.stderr();
        assert!(log.contains("[FATAL] lambda-stdio: ") && !log.contains("panicked"), "{}", shown());
        ended += 1;
    }
    println!("{count} broken responses in {:.1?}, {ended} ends", started.elapsed());
}

/// A path's segment as the text that it stands for.
pub fn unescaped(segment: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), segment.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| byte == b'%');
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
