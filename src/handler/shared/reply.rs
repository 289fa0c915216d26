//! The way back from a shared handler to the worker that waits for what comes of its event: an answer or a fault, and behind
//! an answer that is streamed its pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::fault::Fault;
use crate::invocation::{Ahead, Answer};
use crate::log;

/// So much of a stream may wait for the worker, whose caller may be slow. The handler, which works for others too, does not
/// wait.
const MOST_WAITING: usize = 1024 * 1024;

/// What a worker hears.
#[derive(Debug)]
enum Reply {
    /// `told`: the fault that the answer tells of, for the log.
    First {
        result: Result<Answer, Fault>,
        told: Option<Box<Fault>>,
    },
    Piece {
        bytes: Vec<u8>,
        last: bool,
    },
}

/// The handler's end.
pub struct ReplyTo {
    sender: Sender<Reply>,
    waiting: Arc<AtomicUsize>,
    begun: bool,
}

/// The worker's end.
pub struct Replies {
    receiver: Receiver<Reply>,
    waiting: Arc<AtomicUsize>,
    ahead: Ahead,
    ended: bool,
}

pub fn pair() -> (ReplyTo, Replies) {
    let (sender, receiver) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let replies = Replies { receiver, waiting: waiting.clone(), ahead: Ahead::default(), ended: false };
    (ReplyTo { sender, waiting, begun: false }, replies)
}

// A worker waits until it hears: nothing here fails but where it has left with bootstrap.
impl ReplyTo {
    /// The answer, or its beginning. `told` is the fault that it tells of.
    pub fn first(&mut self, result: Result<Answer, Fault>, told: Option<Fault>) {
        self.begun = true;
        let _ = self.sender.send(Reply::First { result, told: told.map(Box::new) });
    }

    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The next piece of an answer that has begun. Whether it was taken: the last one always is.
    pub fn piece(&self, bytes: Vec<u8>, last: bool) -> bool {
        if !last && self.waiting.load(Ordering::SeqCst) > MOST_WAITING {
            return false;
        }
        self.waiting.fetch_add(bytes.len(), Ordering::SeqCst);
        let _ = self.sender.send(Reply::Piece { bytes, last });
        true
    }
}

impl Replies {
    /// Waits for the answer, or for its beginning.
    pub fn first(&self) -> Result<Answer, Fault> {
        match self.receiver.recv() {
            Ok(Reply::First { result, told }) => {
                if let Some(fault) = told {
                    log::fault(&fault);
                }
                result
            }
            _ => Err(gone()),
        }
    }

    /// Waits for the next bytes of an answer that is streamed; 0 is the end.
    pub fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        loop {
            if let Some(length) = self.ahead.read(piece) {
                return Ok(length);
            }
            if self.ended {
                return Ok(0);
            }
            let Ok(Reply::Piece { bytes, last }) = self.receiver.recv() else { return Err(gone()) };
            self.waiting.fetch_sub(bytes.len(), Ordering::SeqCst);
            self.ended = last;
            if !bytes.is_empty() {
                self.ahead.push(bytes);
            }
        }
    }
}

fn gone() -> Fault {
    Fault::exit("The handler is gone")
}
