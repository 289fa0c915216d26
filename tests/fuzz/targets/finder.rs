//! Where a JSON value ends: the same wherever the stream is cut, and as `serde_json` has it.

use super::parts;
use crate::json::{self, Finder, Scalars, Step};
use serde_json::value::RawValue;

/// What a finder says of a whole stream: the value's length, or the place that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ends here, and this much of the stream was looked at.
    End {
        value: usize,
    },
    Bad(usize),
    /// The stream ended first. Where `whole`, all of it (less so much white space) is a value.
    More {
        whole: Option<usize>,
    },
}

pub fn verdict(pieces: &[&[u8]], scalars: Scalars) -> Verdict {
    let mut finder = Finder::new(scalars);
    let mut before = 0;
    for piece in pieces {
        match finder.push(piece) {
            Step::More => before += piece.len(),
            Step::End(used) => return Verdict::End { value: before + used - finder.trailing() },
            Step::Bad(at) => return Verdict::Bad(before + at),
        }
    }
    Verdict::More { whole: finder.finish().then(|| before - finder.trailing()) }
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, text)) = parts(data) else { return };
    let scalars = if choice % 2 == 0 { Scalars::EndAtLine } else { Scalars::EndAtSpace };
    let whole = verdict(&[text], scalars);
    assert_eq!(verdict(&cuts.cut(text), scalars), whole, "cut differently");
    // `serde_json` is asked about text only. Other bytes may stand where any character may, in strings, and so may these.
    let bytes = text;
    let text: Vec<u8> = text.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect();
    let text = text.as_slice();
    let is_value = |bytes: &[u8]| serde_json::from_slice::<&RawValue>(bytes).is_ok();
    // A number without its last digit is wrong to `serde_json`, not cut off.
    let goes_on = |bytes: &[u8]| match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(_) => true,
        Err(error) => error.is_eof(),
    };
    let is_begun = goes_on(text) || goes_on(&[text, b"0"].concat());
    match text.first() {
        None => assert_eq!(whole, Verdict::More { whole: None }),
        Some(b' ' | b'\t' | b'\r' | b'\n') => assert_eq!(whole, Verdict::Bad(0), "white space is before a value"),
        Some(b'{' | b'[' | b'"') => {
            let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
            match stream.next() {
                Some(Ok(_)) => assert_eq!(whole, Verdict::End { value: stream.byte_offset() }),
                Some(Err(_)) if is_begun => match whole {
                    // `serde_json` wants four digits before it looks at the first.
                    Verdict::Bad(at) => assert!(breaks_an_escape(text, at), "{at}"),
                    whole => assert_eq!(whole, Verdict::More { whole: None }),
                },
                _ => assert!(matches!(whole, Verdict::Bad(_)), "{whole:?}"),
            }
        }
        Some(_) if scalars == Scalars::EndAtLine => {
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            match serde_json::from_slice::<&RawValue>(line) {
                Ok(_) => {
                    let value = line.trim_ascii_end().len();
                    let ended = line.len() < text.len();
                    let wanted = if ended { Verdict::End { value } } else { Verdict::More { whole: Some(value) } };
                    assert_eq!(whole, wanted);
                }
                Err(_) if line.len() == text.len() && is_begun => {
                    assert_eq!(whole, Verdict::More { whole: None });
                }
                Err(_) => assert!(matches!(whole, Verdict::Bad(_)), "{whole:?}"),
            }
        }
        Some(_) => match whole {
            Verdict::End { value } | Verdict::More { whole: Some(value) } => assert!(is_value(&text[..value])),
            Verdict::Bad(_) | Verdict::More { whole: None } => assert!(!is_value(text), "{whole:?}"),
        },
    }
    assert_eq!(json::is_value(bytes), is_value(text) && std::str::from_utf8(bytes).is_ok(), "is_value");
}

/// Whether the byte at `at` stands where a digit of `\u00e9` should.
fn breaks_an_escape(text: &[u8], at: usize) -> bool {
    let digits = text[..at].iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    digits < 4 && text[..at - digits].ends_with(b"\\u") && !text[at].is_ascii_hexdigit()
}
