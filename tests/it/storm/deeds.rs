//! What a handler in a storm may do, and what is to come of it.

/// What is to come of an event.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// Its own answer.
    Answer,
    /// An error of this type.
    Fault(&'static str),
    /// The answer is there, with this in its trailers.
    BrokenStream(&'static str),
    /// An answer that its handler did not give: this status of HTTP, and a page that says no more.
    Status(u16),
}

use Outcome::{Fault, Status};

/// Something that a handler may do.
pub struct Deed {
    pub name: &'static str,
    /// How often it is to come.
    pub weight: usize,
    pub outcome: Outcome,
    /// It comes with a large event.
    pub large: bool,
    /// How much of the log it may fill.
    pub log: usize,
}

/// What most deeds write into the log is less: the noisiest of them writes 150 kB.
const LOG: usize = 256 * 1024;

/// What a flood may be of a deed that is one.
const FLOOD: usize = 4 << 20;

pub const fn deed(name: &'static str, weight: usize, outcome: Outcome) -> Deed {
    Deed { name, weight, outcome, large: false, log: LOG }
}

pub const fn large(name: &'static str, weight: usize, outcome: Outcome) -> Deed {
    Deed { large: true, ..deed(name, weight, outcome) }
}

pub const fn flood(name: &'static str, weight: usize, outcome: Outcome) -> Deed {
    Deed { log: FLOOD, ..deed(name, weight, outcome) }
}

pub const EXIT: Outcome = Fault("Runtime.ExitError");
pub const STAGED: Outcome = Fault("Storm.Staged");
pub const MARSHAL: Outcome = Fault("Runtime.MarshalError");
pub const TIME_OUT: Outcome = Fault("Runtime.InvokeTimeout");
pub const TOO_LARGE: Outcome = Fault("Function.ResponseSizeTooLarge");

impl Deed {
    /// Whether nothing but its time can end it.
    pub fn is_hopeless(&self) -> bool {
        matches!(
            self.outcome,
            Fault("Runtime.InvokeTimeout") | Outcome::BrokenStream("Runtime.InvokeTimeout") | Status(504)
        )
    }

    /// Whether it costs the process.
    pub fn is_deadly(&self) -> bool {
        self.is_hopeless() || matches!(self.outcome, Fault("Runtime.ExitError") | Status(502))
    }
}
