//! The open brackets of a value, a bit for each: a handler may print millions of them, for which a byte each would be too much.

/// Those that have no end yet.
#[derive(Debug, Default)]
pub struct Open {
    /// Whether it is an object's.
    bits: Vec<u64>,
    depth: usize,
}

impl Open {
    pub fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Whether the last one is an object's.
    pub fn is_object(&self) -> bool {
        self.bits.last().is_some_and(|bits| bits >> ((self.depth - 1) % 64) & 1 == 1)
    }

    pub fn push(&mut self, is_object: bool) {
        let at = self.depth % 64;
        if at == 0 {
            self.bits.push(0);
        }
        if let Some(bits) = self.bits.last_mut() {
            *bits = *bits & !(1 << at) | u64::from(is_object) << at;
        }
        self.depth += 1;
    }

    pub fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth.is_multiple_of(64) {
            self.bits.pop();
        }
    }
}
