//! The line that a process begins with which speaks messages: `lambda-stdio/1 ready`, and what it offers besides.

/// How the line begins.
pub const GREETING: &[u8] = b"lambda-stdio/1 ready";

/// What the rest of the line says: words, each an offer that `bootstrap` may take up.
#[derive(Debug, Default)]
pub struct Greeting {
    offers: String,
}

impl Greeting {
    /// Reads a line without its line feed; `None` if it is no greeting.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let behind = line.strip_prefix(GREETING)?.trim_ascii_end();
        let is_greeting = behind.is_empty() || behind[0] == b' ';
        is_greeting.then(|| Self { offers: String::from_utf8_lossy(behind).into_owned() })
    }

    /// Whether it has this word.
    pub fn offers(&self, word: &str) -> bool {
        self.offers.split_ascii_whitespace().any(|offer| offer == word)
    }

    /// How many events may be in flight at once in the process (`concurrency=N`).
    pub fn concurrency(&self) -> u16 {
        let count = self.offers.split_ascii_whitespace().find_map(|word| word.strip_prefix("concurrency="));
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_a_whole_line_with_words_behind_it() {
        let greeting = Greeting::parse(b"lambda-stdio/1 ready concurrency=8 snapstart\r").expect("a greeting");
        assert_eq!((greeting.concurrency(), greeting.offers("snapstart"), greeting.offers("other")), (8, true, false));
        assert_eq!(Greeting::parse(b"lambda-stdio/1 ready").expect("a greeting").concurrency(), 1);
        assert_eq!(Greeting::parse(b"lambda-stdio/1 ready concurrency=x").expect("a greeting").concurrency(), 1);
        assert!(Greeting::parse(b"lambda-stdio/1 readyish").is_none());
        assert!(Greeting::parse(b"lambda-stdio/1").is_none());
    }
}
