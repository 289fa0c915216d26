//! The answer in what a loop prints: the same wherever it is cut, and the one that the rule names when it is read slowly.

use super::finder::{Verdict, verdict};
use super::parts;
use crate::handler::protocol::scan::{Found, Scan};
use crate::json::Scalars;
use crate::log::Lines;

/// What came of a scan: the answer, what follows it, and what went to the log.
type Seen = (Option<(Vec<u8>, Vec<u8>)>, Vec<u8>);

fn scan(pieces: &[&[u8]], undecided: bool) -> Seen {
    let mut scan = if undecided { Scan::before_event() } else { Scan::new() };
    if undecided {
        scan.begin_event(true);
    }
    let (mut output, mut log) = (Vec::new(), Lines::default());
    let mut left = pieces.iter();
    loop {
        let piece = left.next();
        output.extend_from_slice(piece.copied().unwrap_or_default());
        let found = scan.advance(&mut output, &mut log, piece.is_none());
        // Errors ask for these at any time.
        let _ = (scan.text_seen(), scan.begun(&output));
        if let Some(found) = found {
            scan.release(&mut log);
            let Found::Answer { value, rest } = found else { panic!("{found:?}") };
            let behind = output[rest..].iter().copied().chain(left.copied().flatten().copied()).collect();
            return (Some((output[value].to_vec(), behind)), log.0);
        }
        if piece.is_none() {
            scan.release(&mut log);
            assert!(output.is_empty(), "{output:?} is neither answer nor text");
            return (None, log.0);
        }
    }
}

/// The rule: the first JSON value that begins at the beginning of a line. All before it is text.
fn slowly(printed: &[u8]) -> Seen {
    let mut start = 0;
    loop {
        let line = &printed[start..];
        if let Verdict::End { value } | Verdict::More { whole: Some(value) } = verdict(&[line], Scalars::EndAtLine) {
            return (Some((line[..value].to_vec(), line[value..].to_vec())), printed[..start].to_vec());
        }
        match line.iter().position(|&byte| byte == b'\n') {
            Some(end) => start += end + 1,
            None => return (None, printed.to_vec()),
        }
    }
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, printed)) = parts(data) else { return };
    let undecided = choice % 2 == 1;
    let (mut wanted, text) = slowly(printed);
    if let Some((value, behind)) = &mut wanted
        && !matches!(value.first(), Some(b'{' | b'[' | b'"'))
    {
        // White space behind a number is neither its own nor worth a word.
        let space = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        behind.drain(..space);
    }
    for pieces in [vec![printed], cuts.cut(printed)] {
        let (found, logged) = scan(&pieces, undecided);
        assert_eq!(found, wanted);
        assert_eq!(logged, text);
    }
}
