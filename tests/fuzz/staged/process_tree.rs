//! In place of `bootstrap`'s own: what a handler is seen doing is what the input says.

use std::fmt::{self, Display, Formatter};

#[derive(Clone, Debug)]
pub struct Activity {
    pub at_rest: bool,
    pub reads_stdin: Option<bool>,
    pub seen: Seen,
    pub processes: usize,
}

#[derive(Clone, Debug)]
pub struct Seen;

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("runs")
    }
}

#[derive(Debug)]
pub struct ProcessTree;

impl ProcessTree {
    pub fn can_be_seen() -> bool {
        true
    }
}
