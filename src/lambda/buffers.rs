//! What is on its way through a connection: ureq fills and empties these buffers.

use ureq::unversioned::transport::Buffers;

/// One read or write.
const PIECE: usize = 64 * 1024;

/// Output is sent when less room than this is left behind it.
pub const ROOM: usize = 16 * 1024;

/// A connection's buffers. Output is held back until an answer is waited for or room runs out.
#[derive(Default)]
pub struct TransportBuffers {
    pub output: Vec<u8>,
    /// How much of the output is to be sent.
    pub held: usize,
    input: Vec<u8>,
    consumed: usize,
    filled: usize,
    progress: bool,
}

impl TransportBuffers {
    fn make_room(&mut self) {
        if self.output.is_empty() {
            self.output.resize(PIECE, 0);
        }
        if self.consumed == self.filled {
            (self.consumed, self.filled) = (0, 0);
        }
        if self.input.len() - self.filled < ROOM {
            self.input.copy_within(self.consumed..self.filled, 0);
            (self.consumed, self.filled) = (0, self.filled - self.consumed);
            // Headers may be larger than a piece: ureq wants all of them at once.
            let size = PIECE.max((self.filled + ROOM).next_power_of_two());
            self.input.resize(size.max(self.input.len()), 0);
        }
    }
}

impl Buffers for TransportBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.output[self.held..]
    }

    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.filled]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.input[self.filled..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.filled += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.consumed += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.make_room();
        (&mut self.input[self.filled..], &mut self.output[self.held..])
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.consumed < self.filled
    }
}
