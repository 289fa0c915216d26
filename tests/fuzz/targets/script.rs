//! Conversations as bytes: events, and what a handler process does before, during and after each. Bytes that UTF-8 never has
//! are the marks between them, so that all the rest can be written and changed as text.

use super::Cuts;
use crate::handler::process::Act;
use std::collections::VecDeque;

/// What follows is an event, up to the next mark.
pub const EVENT: u8 = 0xf5;
/// What follows is printed, up to the next mark.
pub const PRINT: u8 = 0xf6;
/// The last so many bytes of the text are there so many times more: two bytes, a length and a power of two.
pub const REPEAT: u8 = 0xf7;
pub const IDLE: u8 = 0xf8;
pub const EXIT: u8 = 0xf9;
pub const FAIL: u8 = 0xfa;
pub const CLOSE: u8 = 0xfb;
pub const REST: u8 = 0xfc;

/// More than this is not said in one conversation.
pub const LONGEST: usize = 384 * 1024;

/// An event, and what the process does once it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    pub event: Vec<u8>,
    pub acts: VecDeque<Act>,
}

/// The turns of a conversation. The first has no event: it is what the process does before there is one.
pub fn turns(bytes: &[u8], cuts: &mut Cuts<'_>) -> Vec<Turn> {
    let mut turns = vec![Turn::default()];
    let (mut text, mut is_event, mut said) = (Vec::new(), false, 0);
    let mut bytes = bytes.iter().copied();
    loop {
        let byte = bytes.next();
        match byte {
            Some(REPEAT) => {
                let (Some(length), Some(power)) = (bytes.next(), bytes.next()) else { continue };
                let unit = text[text.len().saturating_sub(usize::from(length) + 1)..].to_vec();
                let most = LONGEST.saturating_sub(said).checked_div(unit.len()).unwrap_or(0);
                let times = (1_usize << (power % 17)).min(most);
                said += times * unit.len();
                text.extend(unit.repeat(times));
                continue;
            }
            Some(byte) if byte < EVENT => {
                said += 1;
                text.push(byte);
                continue;
            }
            _ => {}
        }
        let turn = turns.last_mut().unwrap();
        let text = std::mem::take(&mut text);
        if is_event {
            turn.event = text;
        } else {
            let many = text.len() > 4096;
            let pieces = if many { text.chunks(4096).collect() } else { cuts.pieces(&text) };
            turn.acts.extend(pieces.into_iter().map(|piece| Act::Print(piece.to_vec())));
        }
        is_event = byte == Some(EVENT);
        match byte {
            None => return turns,
            Some(EVENT) => turns.push(Turn::default()),
            Some(IDLE) => turn.acts.push_back(Act::Idle),
            Some(EXIT) => turn.acts.push_back(Act::Exit(0)),
            Some(FAIL) => turn.acts.push_back(Act::Exit(3 << 8)),
            Some(CLOSE) => turn.acts.push_back(Act::Close),
            Some(REST) => turn.acts.extend([Act::Rest, Act::Rest]),
            Some(_) => {}
        }
    }
}

/// Whether `part` can be made of `whole` by leaving bytes out.
pub fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|byte| rest.any(|other| other == byte))
}

/// Whether `part` stands in `whole` as it is.
pub fn stands_in(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || memchr::memmem::find(whole, part).is_some()
}
