//! The prelude of a streamed HTTP response: nothing is lost or added, whatever the pieces, and its three parts are apart.

use super::parts;
use crate::fault::Fault;
use crate::invocation::{AnswerStream, HTTP_INTEGRATION};
use crate::lambda::prelude::Prelude;

const NULS: [u8; 8] = [0; 8];

struct Pieces<'a> {
    rest: std::vec::IntoIter<&'a [u8]>,
    left: &'a [u8],
    fails: bool,
}

impl AnswerStream for Pieces<'_> {
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        if self.left.is_empty() {
            match self.rest.next() {
                Some(next) => self.left = next,
                None if self.fails => return Err(Fault::exit("staged")),
                None => return Ok(0),
            }
        }
        let length = self.left.len().min(piece.len());
        piece[..length].copy_from_slice(&self.left[..length]);
        self.left = &self.left[length..];
        Ok(length)
    }
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, bytes)) = parts(data) else { return };
    let (is_http, fails) = (choice & 1 == 1, choice & 2 == 2);
    let mut pieces = Pieces { rest: cuts.cut(bytes).into_iter(), left: &[], fails };
    let content_type = if is_http { HTTP_INTEGRATION } else { "text/plain" };
    let mut prelude = Prelude::of(&mut pieces, content_type);
    let mut room = vec![0; usize::from(choice >> 2) + 1];
    let (mut seen, mut ends) = (Vec::new(), vec![0]);
    let failed = loop {
        match prelude.read(&mut room) {
            Ok(0) => break false,
            Ok(length) => {
                seen.extend_from_slice(&room[..length]);
                ends.push(seen.len());
            }
            Err(_) => break true,
        }
    };
    assert_eq!(seen, bytes);
    assert_eq!(failed, fails);
    if let Some(at) = bytes.windows(NULS.len()).position(|eight| eight == NULS)
        && is_http
        && at < 60_000
    {
        assert!(ends.contains(&at) && ends.contains(&(at + NULS.len())), "{ends:?}");
    }
}
