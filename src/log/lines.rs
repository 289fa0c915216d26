//! The lines of one of the handler's pipes, put together from the pieces that are read.

use super::{Level, entries_are_joined, push_object, sink, style};
use crate::json;

/// The longest line that is logged; the rest of it is left out, and that is said.
pub const LONGEST_LINE: usize = 256 * 1024;

/// What stands at the end of a line that was cut.
pub const CUT: &str = " [cut: the log takes 256 KiB a line]";

/// As JSON a line takes a hundred bytes more. Of one piece so many lines are entries of their own, and the rest is one.
const ENTRIES_A_PIECE: usize = 64;

/// Lines on their way to the log.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    /// The line has been written up to its greatest length, and what follows of it is left out.
    cut: bool,
    /// Empty lines are not worth a line: on stdout they only end answers.
    drop_empty: bool,
    /// It was said that lines are put together.
    crowded: bool,
}

/// The entries of one piece.
#[derive(Default)]
struct Entries {
    out: Vec<u8>,
    /// The entry that following lines may belong to.
    open: Vec<u8>,
    count: usize,
    crowded: bool,
}

impl Lines {
    /// For a pipe on which an empty line says nothing.
    pub fn dropping_empty() -> Self {
        Self { drop_empty: true, ..Self::default() }
    }

    /// Logs the lines that `piece` completes.
    pub fn push(&mut self, mut piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        let mut entries = Entries::default();
        while let Some(end) = memchr::memchr(b'\n', piece) {
            if self.partial.is_empty() && !self.cut && end <= LONGEST_LINE {
                self.add(&piece[..end], &mut entries);
            } else {
                self.extend(&piece[..end], &mut entries);
                self.end_line(&mut entries);
            }
            piece = &piece[end + 1..];
        }
        self.extend(piece, &mut entries);
        self.write(entries);
    }

    /// Logs what there is of a line that has no end yet.
    pub fn flush(&mut self) {
        if !self.partial.is_empty() || self.cut {
            let mut entries = Entries::default();
            self.end_line(&mut entries);
            self.write(entries);
        }
    }

    fn extend(&mut self, bytes: &[u8], entries: &mut Entries) {
        if self.cut {
            return;
        }
        let room = LONGEST_LINE - self.partial.len();
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(CUT.as_bytes());
            self.add(&line, entries);
            self.cut = true;
        }
    }

    fn end_line(&mut self, entries: &mut Entries) {
        if !std::mem::take(&mut self.cut) {
            let line = std::mem::take(&mut self.partial);
            self.add(&line, entries);
            self.partial = line;
            self.partial.clear();
        }
    }

    fn add(&self, line: &[u8], entries: &mut Entries) {
        if !(self.drop_empty && line.trim_ascii().is_empty()) {
            entries.add(line);
        }
    }

    fn write(&mut self, mut entries: Entries) {
        entries.close();
        if entries.crowded && !std::mem::replace(&mut self.crowded, true) {
            super::warn("the handler logs many lines at once: they are put together, as entries of several lines");
        }
        sink::write(&entries.out);
    }
}

impl Entries {
    /// A line that is indented belongs to the one before it, if they came in one piece: a stack trace is one entry.
    fn add(&mut self, line: &[u8]) {
        let is_json = style().json;
        let own = json::is_object(line);
        let crowded = is_json && !own && self.count >= ENTRIES_A_PIECE;
        let belongs = (matches!(line.first(), Some(b' ' | b'\t')) && entries_are_joined()) || crowded;
        let joined = !own && belongs && !self.open.is_empty() && self.open.len() + line.len() < LONGEST_LINE;
        self.crowded |= crowded && joined;
        if joined {
            self.open.push(if is_json { b'\n' } else { b'\r' });
            self.open.extend_from_slice(line);
            return;
        }
        self.close();
        if own || !(is_json || entries_are_joined()) {
            self.out.extend_from_slice(line);
            self.out.push(b'\n');
        } else {
            self.open.extend_from_slice(line);
            if line.is_empty() {
                self.close_empty();
            }
        }
        self.count += 1;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.close_empty();
        }
    }

    fn close_empty(&mut self) {
        if style().json {
            let text = String::from_utf8_lossy(&self.open);
            let mut object = String::new();
            push_object(&mut object, Level::Info, text.strip_suffix('\r').unwrap_or(&text), None);
            self.out.extend_from_slice(object.as_bytes());
        } else {
            self.out.extend_from_slice(&self.open);
        }
        self.out.push(b'\n');
        self.open.clear();
    }
}
