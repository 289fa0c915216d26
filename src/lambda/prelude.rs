//! The beginning of a streamed HTTP response: a JSON prelude (status code, headers, cookies) and eight NUL bytes, before the
//! body. Whoever reads it may want each of the three to begin a chunk of its own, as cargo-lambda does; a program that
//! prints them knows nothing of chunks.

use crate::fault::Fault;
use crate::invocation::{Ahead, AnswerStream, HTTP_INTEGRATION};

const NULS: [u8; 8] = [0; 8];

/// A prelude that goes on for longer than this is none.
const LONGEST: usize = 64 * 1024;

/// Cuts an answer behind its prelude and behind the NUL bytes.
pub struct Prelude<'a> {
    answer: &'a mut dyn AnswerStream,
    /// What was read, cut, and is still to be passed on.
    ahead: Ahead,
    /// What came behind them: the end, or a fault.
    end: Option<Result<usize, Fault>>,
    found: bool,
}

impl<'a> Prelude<'a> {
    /// Of an answer with another content type nothing is cut.
    pub fn of(answer: &'a mut dyn AnswerStream, content_type: &str) -> Self {
        Self { answer, ahead: Ahead::default(), end: None, found: content_type != HTTP_INTEGRATION }
    }

    /// Reads until the NUL bytes are there, or cannot come any more.
    fn find(&mut self) {
        self.found = true;
        let mut read = Vec::new();
        let mut piece = vec![0; LONGEST];
        while read.len() < LONGEST {
            if let Some(at) = memchr::memmem::find(&read, &NULS) {
                let body = read.split_off(at + NULS.len());
                let nuls = read.split_off(at);
                [read, nuls, body]
                    .into_iter()
                    .filter(|piece| !piece.is_empty())
                    .for_each(|piece| self.ahead.push(piece));
                return;
            }
            match self.answer.read(&mut piece) {
                Ok(0) => {
                    self.end = Some(Ok(0));
                    break;
                }
                Ok(length) => read.extend_from_slice(&piece[..length]),
                Err(fault) => {
                    self.end = Some(Err(fault));
                    break;
                }
            }
        }
        if !read.is_empty() {
            self.ahead.push(read);
        }
    }
}

impl AnswerStream for Prelude<'_> {
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        if !self.found {
            self.find();
        }
        if let Some(length) = self.ahead.read(piece) {
            return Ok(length);
        }
        match self.end.take() {
            Some(end) => end,
            None => self.answer.read(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// An answer that comes in these pieces.
    struct Pieces(VecDeque<Result<Vec<u8>, Fault>>);

    impl AnswerStream for Pieces {
        fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
            let next = self.0.pop_front().unwrap_or(Ok(Vec::new()))?;
            piece[..next.len()].copy_from_slice(&next);
            Ok(next.len())
        }
    }

    /// The pieces that are passed on, and the fault at the end.
    fn cut(pieces: &[&[u8]], fault: bool) -> (Vec<Vec<u8>>, bool) {
        let fault = fault.then(|| Err(Fault::exit("late")));
        let mut answer = Pieces(pieces.iter().map(|piece| Ok(piece.to_vec())).chain(fault).collect());
        let mut prelude = Prelude::of(&mut answer, HTTP_INTEGRATION);
        let (mut seen, mut piece) = (Vec::new(), [0; 1024]);
        loop {
            match prelude.read(&mut piece) {
                Ok(0) => return (seen, false),
                Ok(length) => seen.push(piece[..length].to_vec()),
                Err(_) => return (seen, true),
            }
        }
    }

    #[test]
    fn prelude_nuls_and_body_are_pieces_of_their_own_however_they_came() {
        let wanted = vec![b"{}".to_vec(), NULS.to_vec(), b"body".to_vec()];
        assert_eq!(cut(&[b"{}\0\0\0\0\0\0\0\0body"], false), (wanted.clone(), false));
        assert_eq!(cut(&[b"{", b"}\0\0\0", b"\0\0\0\0\0", b"body"], true), (wanted, true));
    }

    #[test]
    fn without_nuls_nothing_is_lost() {
        assert_eq!(cut(&[b"no", b" prelude"], false), (vec![b"no prelude".to_vec()], false));
        assert_eq!(cut(&[b"half"], true), (vec![b"half".to_vec()], true));
        assert_eq!(cut(&[], false), (vec![], false));
    }
}
