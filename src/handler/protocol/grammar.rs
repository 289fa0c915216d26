//! The lines of messages, as HTTP has them (RFC 9112): heads, headers, lengths, the sizes of chunks.

/// What the head of a message, its trailers, and what stands in chunk-size lines besides sizes may have together.
pub const LONGEST_HEAD: usize = 64 * 1024;

/// What a chunk's size and its line end take.
pub const PLAIN_SIZE_LINE: usize = 18;

/// Why a stream of messages cannot be read any further.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is none by its form.
    Malformed(String),
    /// A body is longer than what is read to its end: at least so many bytes.
    TooLarge(usize),
}

impl Broken {
    pub fn malformed<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Malformed(reason.into()))
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::TooLarge(length) => write!(f, "a body of {length} bytes or more"),
        }
    }
}

/// What is left of the output: what was read leaves it at the end, all at once.
pub struct Rest<'a> {
    pub output: &'a mut Vec<u8>,
    pub at: usize,
}

impl Rest<'_> {
    pub fn bytes(&self) -> &[u8] {
        &self.output[self.at..]
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> &[u8] {
        self.at += length;
        &self.output[self.at - length..self.at]
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.output.drain(..self.at);
    }
}

/// The lines of a head, up to the empty line that ends it.
pub fn take_head<'a>(rest: &'a mut Rest<'_>) -> Result<Option<&'a [u8]>, Broken> {
    let mut from = 0;
    let bytes = rest.bytes();
    while let Some(at) = memchr::memchr(b'\n', &bytes[from..]) {
        let next = from + at + 1;
        let end = match &bytes[next..] {
            [b'\n', ..] => next + 1,
            [b'\r', b'\n', ..] => next + 2,
            _ => {
                from = next;
                continue;
            }
        };
        if end > LONGEST_HEAD {
            break;
        }
        return Ok(Some(&rest.take(end)[..next]));
    }
    if bytes.len() > LONGEST_HEAD {
        return Broken::malformed("a message's head has no empty line within 64 KiB");
    }
    Ok(None)
}

/// The next line without its end, which must come within `room` bytes.
pub fn take_line<'a>(rest: &'a mut Rest<'_>, room: usize) -> Result<Option<&'a [u8]>, Broken> {
    let bytes = rest.bytes();
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(room + 1)]) {
        Some(end) => {
            let line = &rest.take(end + 1)[..end];
            Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
        }
        None if bytes.len() > room => {
            Broken::malformed("the lines of a message's head, chunk sizes and trailers exceed 64 KiB")
        }
        None => Ok(None),
    }
}

/// The number at the start of a chunk-size line (RFC 9112, section 7.1).
pub fn chunk_size(line: &[u8]) -> Result<usize, Broken> {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    number(size, 16).ok_or_else(|| Broken::Malformed(format!("{:?} is no chunk size", quote(line))))
}

/// Digits and nothing else. What does not fit is as large as can be.
pub fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let mut number = 0_usize;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        number = number.saturating_mul(radix as usize).saturating_add(digit as usize);
    }
    (!digits.is_empty()).then_some(number)
}

pub fn parse_headers(lines: &[u8]) -> Result<Vec<(String, String)>, Broken> {
    let text = String::from_utf8_lossy(lines);
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) if is_token(name) => Ok((name.to_owned(), value.trim().to_owned())),
            _ => Broken::malformed(format!("{:?} is no header line", quote(line.as_bytes()))),
        })
        .collect()
}

pub fn quote(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

/// What HTTP lets a header be called (RFC 9110, section 5.6.2): a line of JSON is none, though it has a colon.
fn is_token(name: &str) -> bool {
    let extra = b"!#$%&'*+-.^_`|~";
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}
