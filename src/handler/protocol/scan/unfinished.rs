//! What began like a value of several lines and is none: which of its lines may be the answer.
//!
//! The work is in proportion to the text. A bracket that has no end in it goes wrong where the whole does, and is not followed
//! up to there: there may be one in each line. What begins any other line ends in that line, or is the answer.

use crate::json::{Finder, Scalars, Step};

/// So many lines that begin a value may be in one another. Where more have no end, all of them are text.
const DEEPEST: usize = 64 * 1024;

/// Where the next line begins that may be an answer. `text` is the beginning of a value, which goes wrong right behind it.
pub fn next_candidate(text: &[u8]) -> Option<usize> {
    let mut unfinished = unfinished_lines(text)?.into_iter().peekable();
    memchr::memchr_iter(b'\n', text).map(|end| end + 1).find(|&start| {
        while unfinished.next_if(|&line| line < start).is_some() {}
        let is_wrong = |step| matches!(step, Step::Bad(_));
        unfinished.peek() != Some(&start) && !is_wrong(Finder::new(Scalars::EndAtLine).push(&text[start..]))
    })
}

/// The lines that begin with a bracket that has no end in `text`, which is the beginning of a JSON value. `None`: they are too
/// deep in one another.
fn unfinished_lines(text: &[u8]) -> Option<Vec<usize>> {
    // Each with the depth that it begins at.
    let (mut lines, mut depth) = (Vec::new(), 0_usize);
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                if at == 0 || text[at - 1] == b'\n' {
                    if lines.len() == DEEPEST {
                        return None;
                    }
                    lines.push((at, depth));
                }
                depth += 1;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                lines.pop_if(|&mut (_, begun)| begun == depth);
            }
            _ => {}
        }
    }
    Some(lines.into_iter().map(|(at, _)| at).collect())
}
