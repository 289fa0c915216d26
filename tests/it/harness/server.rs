//! A Runtime API on the loopback interface: hands out events, takes answers, and misbehaves on demand.
//!
//! It is also the tests' policeman. Whatever a test is about, an event that is answered twice, an answer to an event that
//! was never given out, a `/next` while an event is still unanswered, or a malformed call fails it.

use super::calls::{Call, Reply};
use super::event::{Event, Request};
use super::http;
use super::police;
use super::watch::{LIMIT, Watch};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What an event is known by: its request id, and its invocation id where it has one.
type Key = (String, Option<String>);

/// What a probe sees is kept with the request that came in at that moment.
pub type Probe = Box<dyn Fn() -> String + Send>;

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    replies: HashMap<Call, VecDeque<Reply>>,
    /// Events that were given out, by their request ids, and the answers that were taken: was `bootstrap` told so?
    given: HashMap<String, Vec<Option<String>>>,
    taken: HashMap<Key, bool>,
    /// Those that were given and not yet answered.
    open: HashSet<Key>,
    probe: Option<Probe>,
    /// How many events may be in flight; 0 means 1.
    workers: usize,
    released: bool,
    ended: bool,
    /// The open ones, by their numbers.
    connections: HashMap<usize, TcpStream>,
}

impl State {
    /// What the event of this request is known by. The request's invocation id decides between several of one request id;
    /// where there is one, that is what it should have said.
    fn known_by(&self, request: &Request) -> Key {
        let said = request.header("Lambda-Runtime-Invocation-Id").map(str::to_owned);
        let nonce = match self.given.get(&request.id).map(Vec::as_slice) {
            Some([only]) => only.clone(),
            _ => said,
        };
        (request.id.clone(), nonce)
    }
}

/// The server; it ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    watch: Arc<Watch>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Server {
    /// Listens, with this in front of every path (empty on Lambda, `/.rt/NAME` with cargo-lambda).
    pub fn start(prefix: &str, watch: Arc<Watch>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { prefix: prefix.into(), watch, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                let mut state = accepting.lock();
                if state.ended {
                    break;
                }
                state.connections.insert(number, stream.try_clone().unwrap());
                drop(state);
                accepting.watch.change(|seen| seen.open += 1);
                let serving = Arc::clone(&accepting);
                thread::spawn(move || {
                    // An error is a client that went away in the middle, as a killed one does.
                    let _ = serving.serve(number + 1, &stream);
                    let _ = stream.shutdown(Shutdown::Both);
                    serving.lock().connections.remove(&number);
                    serving.watch.change(|seen| seen.open -= 1);
                });
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives an event out as soon as it is asked for.
    pub fn send(&self, event: Event) {
        self.shared.change(|state| state.events.push_back(event));
    }

    /// How the next request of this kind is treated that has no treatment yet.
    pub fn reply(&self, call: Call, reply: Reply) {
        self.shared.change(|state| state.replies.entry(call).or_default().push_back(reply));
    }

    /// Whether some treatment has not found its request yet.
    pub fn has_replies(&self) -> bool {
        self.shared.lock().replies.values().any(|replies| !replies.is_empty())
    }

    /// So many events may be in flight at once.
    pub fn expect_workers(&self, workers: usize) {
        self.shared.change(|state| state.workers = workers);
    }

    /// Lets the requests go on that are `Reply::Held`.
    pub fn release(&self) {
        self.shared.change(|state| state.released = true);
    }

    /// Closes all connections, as a network does that was gone for a while.
    pub fn disconnect(&self) {
        for (_, connection) in self.shared.lock().connections.drain() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Runs at the arrival of every request.
    pub fn probe(&self, probe: Probe) {
        self.shared.change(|state| state.probe = Some(probe));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.ended = true;
            for connection in state.connections.values() {
                let _ = connection.shutdown(Shutdown::Both);
            }
        });
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, write: impl FnOnce(&mut State)) {
        write(&mut self.lock());
        self.changed.notify_all();
    }

    fn violation(&self, text: String) {
        self.watch.change(|seen| seen.violations.push(text));
    }

    fn serve(&self, connection: usize, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::with_capacity(1 << 16, stream);
        let on_chunk = |chunk: &[u8]| {
            self.watch.change(|seen| seen.chunks.push(chunk.to_vec()));
            let hangs_up = self.lock().replies.values().any(|replies| matches!(replies.front(), Some(Reply::HangUp)));
            if hangs_up {
                let _ = stream.shutdown(Shutdown::Both);
            }
        };
        while let Some(wire) = http::read_request(&mut reader, on_chunk)? {
            let path = wire.path.strip_prefix(&self.prefix).unwrap_or_default();
            let Some((call, id)) = Call::of(&wire.method, path) else {
                self.violation(format!("an unknown call: {} {}", wire.method, wire.path));
                (&*stream).write_all(&http::answer(404, &[], b"{}", false))?;
                continue;
            };
            let (reply, probe) = {
                let mut state = self.lock();
                let reply = state.replies.get_mut(&call).and_then(VecDeque::pop_front);
                (reply, state.probe.as_ref().map(|probe| probe()).unwrap_or_default())
            };
            let lost = matches!(reply, Some(Reply::Drop));
            let counts = !lost && !call.asks();
            let request = Request { connection, probe, counts, ..wire.request(call, id) };
            // A call that was lost does not wait.
            let request = if lost && call.asks() { Request { id: "(lost)".to_owned(), ..request } } else { request };
            let key = self.lock().known_by(&request);
            for complaint in police::complaints(&request, key.1.as_deref()) {
                self.violation(complaint);
            }
            let number = self.watch.change(|seen| {
                seen.count += 1;
                seen.requests.push(Request { number: seen.count, ..request });
                seen.count
            });
            if lost {
                return Ok(());
            }
            let Some((status, bytes)) = self.duty(call, &key, reply.as_ref(), stream, number) else {
                return Ok(());
            };
            self.watch.change(|seen| seen.request(number).status = status);
            match reply {
                Some(Reply::TakeAndDrop) => return Ok(()),
                Some(Reply::InPieces) => {
                    for piece in bytes.chunks(7) {
                        (&*stream).write_all(piece)?;
                    }
                }
                _ => (&*stream).write_all(&bytes)?,
            }
            if matches!(reply, Some(Reply::ThenClose | Reply::SayClose)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The status and the bytes of the answer that the request is due; `None` where the connection is to be closed.
    fn duty(
        &self,
        call: Call,
        key: &Key,
        reply: Option<&Reply>,
        stream: &TcpStream,
        number: usize,
    ) -> Option<(u16, Vec<u8>)> {
        if matches!(reply, Some(Reply::Held)) {
            // Nothing but the release can come of it, so it does not count as open.
            self.watch.change(|seen| seen.open -= 1);
            let state = self.lock();
            drop(self.changed.wait_timeout_while(state, LIMIT, |state| !state.released && !state.ended));
            self.watch.change(|seen| seen.open += 1);
        }
        let mut headers = Vec::new();
        if matches!(reply, Some(Reply::SayClose)) {
            headers.push(("Connection".to_owned(), "close".to_owned()));
        }
        if call == Call::Next {
            if let Some(Reply::Status(status)) = reply {
                return Some((*status, http::answer(*status, &headers, b"{\"errorType\":\"Staged\"}", false)));
            }
            let event = self.next_event(stream)?;
            headers.extend(event.headers_now());
            self.watch.change(|seen| seen.request(number).id.clone_from(&event.id));
            return Some((200, http::answer(200, &headers, &event.body, event.chunked)));
        }
        if matches!(call, Call::RestoreNext | Call::Register | Call::ExtensionNext) {
            return self.beside_events(call, reply, headers);
        }
        let mut state = self.lock();
        let verdict = if matches!(call, Call::Init | Call::RestoreError) {
            if state.given.is_empty() { Ok(()) } else { Err((403, "an error of the start after the first event")) }
        } else {
            let given = state.given.get(&key.0).is_some_and(|nonces| nonces.contains(&key.1));
            match (given, state.taken.get(key)) {
                (false, _) => Err((400, "an answer to an event that was never given out")),
                (true, Some(true)) => Err((403, "a second answer to an event")),
                // The first one was taken, but nobody said so: trying again is right, and is refused.
                (true, Some(false)) => Err((403, "")),
                (true, None) => Ok(()),
            }
        };
        let told = !matches!(reply, Some(Reply::TakeAndDrop));
        let known = state.taken.entry(key.clone()).or_insert(told);
        *known |= told;
        state.open.remove(key);
        drop(state);
        let status = match (verdict, reply) {
            (Err((status, what)), _) => {
                self.watch.change(|seen| seen.request(number).counts = false);
                if !what.is_empty() {
                    self.violation(format!("{what}: {key:?}"));
                }
                status
            }
            (Ok(()), Some(Reply::Status(status))) => *status,
            (Ok(()), _) => 202,
        };
        Some((status, http::answer(status, &headers, b"{\"status\":\"OK\"}", false)))
    }

    /// The calls that are about no event. They come before the first one; an extension's `/next` gets nothing, ever.
    fn beside_events(
        &self,
        call: Call,
        reply: Option<&Reply>,
        mut headers: Vec<(String, String)>,
    ) -> Option<(u16, Vec<u8>)> {
        if let Some(Reply::Status(status)) = reply {
            return Some((*status, http::answer(*status, &headers, b"{\"errorType\":\"Staged\"}", false)));
        }
        if call == Call::ExtensionNext {
            self.watch.change(|seen| seen.open -= 1);
            let state = self.lock();
            drop(self.changed.wait_while(state, |state| !state.ended));
            self.watch.change(|seen| seen.open += 1);
            return None;
        }
        let asked = self.watch.look(|seen| seen.requests.iter().any(|request| request.call == Call::Next));
        if asked {
            self.violation(format!("{call:?} after the first /next"));
        }
        if call == Call::Register {
            headers.push(("Lambda-Extension-Identifier".to_owned(), police::EXTENSION_ID.to_owned()));
        }
        Some((200, http::answer(200, &headers, b"{}", false)))
    }

    /// The long poll. An event is not given to a connection whose other end has gone.
    fn next_event(&self, stream: &TcpStream) -> Option<Event> {
        let mut state = self.lock();
        if state.open.len() >= state.workers.max(1) {
            self.violation(format!("/next while {:?} are unanswered", state.open));
        }
        loop {
            if state.ended {
                return None;
            }
            if !state.events.is_empty() {
                stream.set_nonblocking(true).ok()?;
                let gone = matches!(stream.peek(&mut [0]), Ok(0));
                stream.set_nonblocking(false).ok()?;
                if gone {
                    return None;
                }
                let event = state.events.pop_front()?;
                let key = (event.id.clone(), event.nonce());
                state.given.entry(key.0.clone()).or_default().push(key.1.clone());
                state.open.insert(key);
                return Some(event);
            }
            // A poll that waits cannot bring anything, so it does not count as open.
            self.watch.change(|seen| seen.open -= 1);
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            self.watch.change(|seen| seen.open += 1);
        }
    }
}
