//! Answers with how many letters, digits and other characters the event has.

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock(); // flushes each line
    for event in std::io::stdin().lock().lines() {
        let event = event?;
        let event = event.trim();
        let count = |kind: fn(&char) -> bool| event.chars().filter(kind).count();
        let (letters, digits) = (count(|c| c.is_alphabetic()), count(|c| c.is_ascii_digit()));
        let others = event.chars().count() - letters - digits;
        writeln!(out, "{{\"letters\":{letters},\"digits\":{digits},\"others\":{others}}}")?;
    }
    Ok(())
}
