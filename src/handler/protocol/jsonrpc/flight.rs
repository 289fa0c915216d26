//! One event in flight: its requests, each with its place for an answer, and what they come to.

use super::event::Kind;
use super::mcp;
use super::output::{Call, Output};
use super::reply::{self, Http};
use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;

#[derive(Debug)]
pub(super) struct Flight {
    pub http: Option<Http>,
    pub is_batch: bool,
    pub slots: Vec<Slot>,
    pub left: usize,
    /// Bytes of answers so far.
    pub size: usize,
    /// Pieces of its stream have gone out.
    pub begun: bool,
}

#[derive(Debug)]
pub(super) struct Slot {
    /// The caller's id, as it was written.
    pub id: String,
    pub token: Option<String>,
    pub kind: Kind,
    pub answer: Option<Vec<u8>>,
    pub code: Option<i64>,
}

/// What a caller reads in place of an answer that cannot be passed on.
pub(super) const TOO_LARGE: &str = "Internal error: the answer is larger than Lambda takes";

impl Flight {
    /// One more request to be answered.
    pub fn wait(&mut self, slot: Slot) {
        self.slots.push(slot);
        self.left += 1;
    }

    /// All is there: the answer.
    pub fn finish(mut self, call: Call) -> Output {
        let asked = !self.slots.is_empty();
        let code = self.slots.first().and_then(|slot| slot.code);
        let mut whole = self.body();
        let Some(http) = self.http else {
            let size = whole.len();
            let bytes =
                if size > LARGEST_ANSWER { Err(Fault::too_large(LARGEST_ANSWER, size, true)) } else { Ok(whole) };
            return Output { call, bytes, last: true };
        };
        let bytes = match (asked, self.begun) {
            (false, _) => http.status(202),
            // The status is out: the rest of the stream follows.
            (true, true) => reply::sse(&whole),
            (true, false) => {
                let mut answer = http.message(whole, code);
                if answer.len() > LARGEST_ANSWER && !http.streamed {
                    for slot in &mut self.slots {
                        slot.answer = Some(reply::error(&slot.id, mcp::INTERNAL_ERROR, TOO_LARGE));
                    }
                    whole = self.body();
                    answer = http.message(whole, Some(mcp::INTERNAL_ERROR));
                }
                answer
            }
        };
        Output { call, bytes: Ok(bytes), last: true }
    }

    /// The message, or the list of them; `null` where nothing was asked.
    fn body(&mut self) -> Vec<u8> {
        let mut answers: Vec<_> = self.slots.iter_mut().filter_map(|slot| slot.answer.take()).collect();
        match answers.len() {
            0 => b"null".to_vec(),
            1 if !self.is_batch => answers.remove(0),
            _ => reply::list(&answers),
        }
    }
}

/// The handshake's result, to a caller who asks for it again.
pub(super) fn from_memory(id: &str, result: &str) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}").into_bytes()
}
