use std::io::{BufWriter, Write, stdin, stdout};

fn main() {
    let mut out = BufWriter::new(stdout());
    for line in stdin().lines() {
        writeln!(out, "{{\"echo\":{}}}", line.unwrap()).unwrap();
        out.flush().unwrap();
    }
}
