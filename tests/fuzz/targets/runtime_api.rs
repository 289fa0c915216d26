//! Whole conversations with a Runtime API that says anything: `bootstrap`'s own client has a connection to it, gets events and
//! answers them.
//!
//! An event that was said plainly arrives as it was said. Each event that arrives is answered once, under its own id, whatever
//! that is made of; a second time at most where the connection broke before the first was taken. Nothing waits for ever, and
//! the work is linear.

use super::script::{EVENT, EXIT, LONGEST, PRINT, REPEAT};
use super::work::Work;
use super::{Cuts, parts};
use crate::fault::Fault;
use crate::invocation::{AnswerStream, Invocation, Whole};
use crate::runtime_api::Lambda;
use crate::server::{Asked, Said, Server};
use crate::source::Source;

/// More is not said in one conversation.
const MOST: usize = 12;

thread_local! {
    static SERVER: Server = Server::start();
}

/// A response, and what it says if it says it plainly.
struct Response {
    bytes: Vec<u8>,
    closes: bool,
    plain: Option<Plain>,
}

struct Plain {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Raw ones are behind `EVENT`; behind `PRINT` are header lines, an empty line and a body, of which a response is made.
/// `EXIT` closes the connection behind what was said.
fn responses(bytes: &[u8], chunked: bool) -> Vec<Response> {
    let mut all = Vec::new();
    let (mut kind, mut text, mut closes) = (EVENT, Vec::new(), false);
    let mut bytes = bytes.iter().copied();
    loop {
        match bytes.next() {
            Some(REPEAT) => {
                let (Some(length), Some(power)) = (bytes.next(), bytes.next()) else { continue };
                let unit = text[text.len().saturating_sub(usize::from(length) + 1)..].to_vec();
                let most = LONGEST.saturating_sub(text.len()).checked_div(unit.len()).unwrap_or(0);
                text.extend(unit.repeat((1_usize << (power % 17)).min(most)));
            }
            Some(EXIT) => closes = true,
            mark @ (None | Some(EVENT | PRINT)) => {
                if !text.is_empty() && all.len() < MOST {
                    let bytes = if kind == PRINT { made(&text, chunked) } else { text.clone() };
                    let plain = plain(&bytes);
                    // What is not understood here may be understood there as the beginning of something longer.
                    all.push(Response { closes: closes || plain.is_none(), plain, bytes });
                }
                text.clear();
                closes = false;
                let Some(mark) = mark else { return all };
                kind = mark;
            }
            Some(byte) => text.push(byte),
        }
    }
}

fn made(text: &[u8], chunked: bool) -> Vec<u8> {
    let end = text.windows(2).position(|two| two == b"\n\n").unwrap_or(text.len());
    let body = text.get(end + 2..).unwrap_or_default();
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    for line in text[..end].split(|&byte| byte == b'\n') {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    if chunked {
        bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(1000) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    } else {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
    }
    bytes
}

/// A response as everybody writes it, and nothing behind it. `None`: it may be one all the same.
fn plain(bytes: &[u8]) -> Option<Plain> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok().filter(|head| head.len() < 32 * 1024)?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?;
    let (status, reason) = status.split_once(' ')?;
    let is_visible = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if status.len() != 3 || !is_visible(reason) || reason.is_empty() {
        return None;
    }
    // What is below has no end of its own, or no body.
    let status =
        status.parse().ok().filter(|status| (200..600).contains(status) && ![204, 205, 304].contains(status))?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name || !is_visible(value) || headers.len() > 90 {
            return None;
        }
        headers.push((name.to_ascii_lowercase(), value.trim_matches(' ').to_owned()));
    }
    let all = |name: &str| -> Vec<&str> {
        headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    };
    if !all("connection").is_empty() {
        return None;
    }
    let rest = &bytes[end + 4..];
    let body = match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([length], []) => {
            let is_length = !length.is_empty() && length.len() < 9 && length.bytes().all(|byte| byte.is_ascii_digit());
            rest.get(..length.parse().ok().filter(|_| is_length)?).filter(|body| body.len() == rest.len())?.to_vec()
        }
        ([], ["chunked"]) => chunks(rest)?,
        _ => return None,
    };
    Some(Plain { status, headers, body })
}

/// The body of chunks without anything besides, if that is all.
fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").filter(|&end| (1..=6).contains(&end))?;
        let digits =
            std::str::from_utf8(&rest[..end]).ok().filter(|size| size.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let size = usize::from_str_radix(digits, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return (rest == b"\r\n").then_some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

/// An answer that comes piece by piece, and fails or not.
struct Pieces(Vec<&'static [u8]>, bool);

impl AnswerStream for Pieces {
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        match self.0.pop() {
            Some(next) => {
                piece[..next.len()].copy_from_slice(next);
                Ok(next.len())
            }
            None if self.1 => Err(Fault::exit("staged")),
            None => Ok(0),
        }
    }
}

/// What a segment of a path stands for.
fn unescaped(segment: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), segment.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' {
            let code = std::str::from_utf8(&behind[..2]).unwrap();
            bytes.push(u8::from_str_radix(code, 16).expect("two digits"));
            rest = &behind[2..];
        } else {
            bytes.push(byte);
            rest = behind;
        }
    }
    bytes
}

const ROOT: &str = "/2018-06-01/runtime/invocation/";

/// The answer that was posted, and to which event.
fn posted(asked: &Asked) -> Option<(Vec<u8>, &str)> {
    assert!(asked.path.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", asked.path);
    let rest = asked.path.strip_prefix(ROOT).expect("a call of the Runtime API");
    if asked.method == "GET" {
        assert_eq!(rest, "next");
        return None;
    }
    let (segment, call) = rest.split_once('/').expect("an id and what is posted");
    assert!(!matches!(segment, "" | "." | ".."), "{segment:?} is another path");
    Some((unescaped(segment), call))
}

/// An answered event.
#[derive(Debug, PartialEq, Eq)]
struct Answered {
    id: String,
    call: &'static str,
    body: Vec<u8>,
}

fn answer(lambda: &mut Lambda, invocation: &Invocation, way: usize) -> (Answered, anyhow::Result<()>) {
    let id = invocation.id.clone();
    if let Some(fault) = &invocation.fault {
        return (Answered { id, call: "error", body: fault.body() }, lambda.report(invocation, fault));
    }
    match way % 4 {
        0 => {
            let fault = Fault::exit("staged");
            (Answered { id, call: "error", body: fault.body() }, lambda.report(invocation, &fault))
        }
        1 => {
            let mut pieces = Pieces(vec![b"two", b"one "], way & 4 == 4);
            let sent = lambda.stream(invocation, None, &mut pieces);
            (Answered { id, call: "response", body: b"one two".to_vec() }, sent.map(drop))
        }
        _ => {
            // Both sizes of body: one goes with its head, and one behind it.
            let body = if way & 4 == 4 { vec![b'a'; 9000] } else { invocation.body.clone() };
            let answer = Whole { body: body.clone(), content_type: None };
            (Answered { id, call: "response", body }, lambda.respond(invocation, answer))
        }
    }
}

fn converse(server: &Server, responses: &[Response], mut cuts: Cuts<'_>, choice: u8) {
    let script = responses.iter().map(|response| Said {
        pieces: if response.bytes.len() < 2048 {
            cuts.pieces(&response.bytes).into_iter().map(<[u8]>::to_vec).collect()
        } else {
            response.bytes.chunks(1400).map(<[u8]>::to_vec).collect()
        },
        closes: response.closes,
    });
    server.begin(script.collect());
    let mut lambda = Lambda::at(&server.address.to_string()).unwrap();
    let mut answered = Vec::new();
    let (mut plainly, mut all_went_well) = (Vec::new(), true);
    // Each event has taken a response, and each answer one more, unless nobody was there any more.
    for number in 0..=responses.len() {
        let Ok(Some(invocation)) = lambda.next() else { break };
        assert!(!invocation.id.is_empty());
        plainly.push((invocation.id.clone(), invocation.body.clone(), invocation.fault.is_some()));
        let (event, sent) = answer(&mut lambda, &invocation, usize::from(choice >> 2) + number);
        answered.push(event);
        if sent.is_err() {
            all_went_well = false;
            break;
        }
    }
    drop(lambda);
    let asked = server.end();
    check_answers(&answered, &asked, all_went_well);
    check_events(responses, &plainly);
}

/// Each answer was posted as it was meant, in the order of the events: once, or twice.
fn check_answers(answered: &[Answered], asked: &[Asked], all_went_well: bool) {
    let posts: Vec<_> = asked.iter().filter_map(|asked| Some((posted(asked)?, &asked.body))).collect();
    let mut posts = posts.iter().peekable();
    // Several that are the same cannot be told apart.
    let groups: Vec<_> = answered.chunk_by(|one, other| one == other).collect();
    for (number, group) in groups.iter().enumerate() {
        let (event, mut times) = (&group[0], 0);
        while let Some(((id, call), body)) = posts.peek()
            && (id.as_slice(), *call, *body) == (event.id.as_bytes(), event.call, &event.body)
        {
            times += 1;
            posts.next();
        }
        // A connection may be closed before the whole request has come.
        let lost = usize::from(number + 1 == groups.len() && !all_went_well);
        assert!((group.len() - lost..=2 * group.len()).contains(&times), "{event:?} was answered {times} times");
    }
    assert!(posts.next().is_none(), "an answer to nobody's event");
}

/// Events that were said plainly arrive, from the first on, as long as all is plain.
fn check_events(responses: &[Response], events: &[(String, Vec<u8>, bool)]) {
    let mut events = events.iter();
    // An event, what is said to its answer, and so on.
    for pair in responses.chunks(2) {
        let Some(plain) = pair[0].plain.as_ref().filter(|plain| plain.status == 200) else { return };
        let id = plain.headers.iter().filter(|(name, _)| name == "lambda-runtime-aws-request-id");
        let ids: Vec<_> = id.map(|(_, value)| value).filter(|value| !value.is_empty()).collect();
        let [id] = ids.as_slice() else { return };
        let (seen, body, is_broken) = events.next().unwrap_or_else(|| panic!("the event {id} did not arrive"));
        assert_eq!((seen, body, is_broken), (*id, &plain.body, &false));
        // A post that breaks is sent again, and takes one more.
        if pair.iter().any(|response| response.closes) || pair.len() < 2 {
            return;
        }
        if pair[1].plain.as_ref().is_none_or(|plain| plain.status >= 500) {
            return;
        }
    }
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, bytes)) = parts(data) else { return };
    let responses = responses(bytes, choice & 1 == 1);
    let said = responses.iter().map(|response| response.bytes.len()).sum();
    let work = Work::begin();
    SERVER.with(|server| converse(server, &responses, cuts, choice));
    work.check(said);
}
