//! Finds the end of one JSON value in a stream of bytes, as they come.
//!
//! It validates on the way (RFC 8259), because a handler's text and its answer share one stream: the first byte that
//! no JSON value could have there tells `{oops` from an answer. Each byte is looked at once, however small the pieces.

mod open;

use self::open::Open;

/// Where a number or a word (`true`, `false`, `null`) that is the whole value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalars {
    /// At the end of the line: `2026-11-22 12:00 ready` is text, not the number 2026.
    EndAtLine,
    /// At any white space or at the next value: events that follow one another.
    EndAtSpace,
}

/// What a piece of the stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value goes on behind this piece.
    More,
    /// The value ends after this many bytes of the piece (0: it ended with the piece before).
    End(usize),
    /// The byte at this place in the piece cannot stand there: this is no JSON value.
    Bad(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    /// Behind `[`: a value, or the end.
    FirstElement,
    /// Behind `{`: a key, or the end.
    FirstKey,
    Key,
    Colon,
    CommaOrClose,
    Text {
        key: bool,
    },
    Escape {
        key: bool,
    },
    Hex {
        key: bool,
        left: u8,
    },
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Word {
        rest: &'static [u8],
    },
    /// Behind a scalar at the top: only white space up to the end of the line.
    ScalarDone,
}

/// One value's end, being looked for.
#[derive(Debug)]
pub struct Finder {
    state: State,
    scalars: Scalars,
    open: Open,
    /// Trailing white space behind a scalar, which is not part of it.
    trailing: usize,
}

impl Finder {
    pub fn new(scalars: Scalars) -> Self {
        Self { state: State::Value, scalars, open: Open::default(), trailing: 0 }
    }

    /// White space behind a scalar that was passed over before its line ended: not part of the value.
    pub fn trailing(&self) -> usize {
        self.trailing
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) -> Step {
        let mut at = 0;
        while at < piece.len() {
            if let State::Text { key } = self.state {
                at += plain_text(&piece[at..]);
                let Some(&byte) = piece.get(at) else { break };
                match byte {
                    b'"' if key => self.state = State::Colon,
                    b'"' => {
                        if self.value_done() {
                            return Step::End(at + 1);
                        }
                    }
                    b'\\' => self.state = State::Escape { key },
                    _ => return Step::Bad(at),
                }
                at += 1;
                continue;
            }
            match self.byte(piece[at]) {
                Some(Step::End(used)) => return Step::End(at + used),
                Some(_) => return Step::Bad(at),
                None => at += 1,
            }
        }
        Step::More
    }

    /// The stream has ended: whether what came is a whole value. Only a scalar can be one here.
    pub fn finish(&self) -> bool {
        self.open.is_empty()
            && match self.state {
                State::Zero | State::Integer | State::Fraction | State::ExponentDigits | State::ScalarDone => true,
                State::Word { rest } => rest.is_empty(),
                _ => false,
            }
    }

    /// One byte outside of strings. `Some(End(1))` takes the byte into the value, `Some(End(0))` leaves it.
    fn byte(&mut self, byte: u8) -> Option<Step> {
        const BAD: Option<Step> = Some(Step::Bad(0));
        match self.state {
            State::Value | State::FirstElement => match byte {
                b'{' => {
                    self.open.push(true);
                    self.state = State::FirstKey;
                }
                b'[' => {
                    self.open.push(false);
                    self.state = State::FirstElement;
                }
                b'"' => self.state = State::Text { key: false },
                b'-' => self.state = State::Minus,
                b'0' => self.state = State::Zero,
                b'1'..=b'9' => self.state = State::Integer,
                b't' => self.state = State::Word { rest: b"rue" },
                b'f' => self.state = State::Word { rest: b"alse" },
                b'n' => self.state = State::Word { rest: b"ull" },
                b']' if self.state == State::FirstElement => return self.close(),
                _ if is_space(byte) && !(self.open.is_empty()) => {}
                _ => return BAD,
            },
            State::FirstKey | State::Key => match byte {
                b'"' => self.state = State::Text { key: true },
                b'}' if self.state == State::FirstKey => return self.close(),
                _ if is_space(byte) => {}
                _ => return BAD,
            },
            State::Colon => match byte {
                b':' => self.state = State::Value,
                _ if is_space(byte) => {}
                _ => return BAD,
            },
            State::CommaOrClose => return self.comma_or_close(byte),
            State::Escape { key } => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.state = State::Text { key },
                b'u' => self.state = State::Hex { key, left: 4 },
                _ => return BAD,
            },
            State::Hex { key, left } => match (byte.is_ascii_hexdigit(), left) {
                (false, _) => return BAD,
                (true, 1) => self.state = State::Text { key },
                (true, _) => self.state = State::Hex { key, left: left - 1 },
            },
            State::Minus => match byte {
                b'0' => self.state = State::Zero,
                b'1'..=b'9' => self.state = State::Integer,
                _ => return BAD,
            },
            State::Zero | State::Integer => match byte {
                b'0'..=b'9' if self.state == State::Integer => {}
                b'.' => self.state = State::Point,
                b'e' | b'E' => self.state = State::Exponent,
                _ => return self.scalar_done(byte),
            },
            State::Point if byte.is_ascii_digit() => self.state = State::Fraction,
            State::Fraction => match byte {
                b'0'..=b'9' => {}
                b'e' | b'E' => self.state = State::Exponent,
                _ => return self.scalar_done(byte),
            },
            State::Exponent if byte == b'+' || byte == b'-' => self.state = State::ExponentSign,
            State::Exponent | State::ExponentSign if byte.is_ascii_digit() => self.state = State::ExponentDigits,
            State::ExponentDigits if byte.is_ascii_digit() => {}
            State::Word { rest: [next, rest @ ..] } if byte == *next => self.state = State::Word { rest },
            State::ExponentDigits | State::Word { rest: [] } | State::ScalarDone => return self.scalar_done(byte),
            State::Point | State::Exponent | State::ExponentSign | State::Word { .. } | State::Text { .. } => {
                return BAD;
            }
        }
        None
    }

    /// Behind a number or a word: `byte` is the first that is not part of it.
    fn scalar_done(&mut self, byte: u8) -> Option<Step> {
        if !self.open.is_empty() {
            self.state = State::CommaOrClose;
            return self.comma_or_close(byte);
        }
        let at_line = self.scalars == Scalars::EndAtLine;
        match byte {
            b' ' | b'\t' | b'\r' if at_line => {
                self.state = State::ScalarDone;
                self.trailing += 1;
                None
            }
            b'\n' => Some(Step::End(0)),
            b' ' | b'\t' | b'\r' | b'{' | b'[' | b'"' if !at_line => Some(Step::End(0)),
            _ => Some(Step::Bad(0)),
        }
    }

    fn comma_or_close(&mut self, byte: u8) -> Option<Step> {
        let in_object = self.open.is_object();
        match byte {
            b',' if in_object => self.state = State::Key,
            b',' => self.state = State::Value,
            b'}' if in_object => return self.close(),
            b']' if !in_object => return self.close(),
            _ if is_space(byte) => {}
            _ => return Some(Step::Bad(0)),
        }
        None
    }

    fn close(&mut self) -> Option<Step> {
        self.open.pop();
        self.value_done().then_some(Step::End(1))
    }

    /// A value inside or at the top is complete; says whether it was the one at the top.
    fn value_done(&mut self) -> bool {
        self.state = State::CommaOrClose;
        self.open.is_empty()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// How many bytes from the start are plain inside a string: no quote, no backslash, no control character.
/// Eight at a time, since most of a large answer is text.
pub(super) fn plain_text(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero in `word`. Bytes above the lowest such one may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = 0;
    for eight in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(eight.try_into().expect("chunks of eight"));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = control | zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..].iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

#[cfg(test)]
mod tests;
