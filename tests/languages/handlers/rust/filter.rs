use std::io::{read_to_string, stdin};

fn main() {
    println!("{{\"echo\":{}}}", read_to_string(stdin()).unwrap());
}
