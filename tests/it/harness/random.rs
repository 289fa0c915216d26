//! Numbers that a seed repeats (splitmix64), and bytes made or changed by them.

use std::time::{SystemTime, UNIX_EPOCH};

/// A small generator of random numbers.
pub struct Random(pub u64);

impl Random {
    /// Begins with the number in this variable, which repeats what a failed test has printed, or else anywhere.
    pub fn seeded(variable: &str) -> Self {
        let anywhere = || u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
        let seed = number_from(variable).unwrap_or_else(anywhere);
        println!("{variable}={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of the numbers below this limit.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// Changes the bytes here and there: a bit, a byte, a piece left out, doubled, or taken from `others`.
    pub fn change(&mut self, bytes: &mut Vec<u8>, others: &[&[u8]]) {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(12)).min(bytes.len());
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => bytes.truncate(at),
                _ if !others.is_empty() => {
                    let other = self.one_of(others);
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(24)).min(other.len());
                    bytes.splice(at..at, other[from..to].iter().copied());
                }
                _ => bytes.push(b"\n\r\0\x0c {}[]\",:0e\\"[self.below(15)]),
            }
        }
    }
}

/// The number in a variable that makes a test longer, or repeats it.
pub fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
}
