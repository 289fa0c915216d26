use std::io::stdin;

fn main() {
    for line in stdin().lines() {
        println!("{{\"echo\":{}}}", line.unwrap());
    }
}
