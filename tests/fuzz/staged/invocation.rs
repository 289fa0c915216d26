//! `bootstrap`'s own, but that the largest answer is a small one: what goes beyond it is tried in a moment.

pub use crate::invocation_itself::*;

pub const LARGEST_ANSWER: usize = 64 * 1024;
