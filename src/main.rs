//! `bootstrap`: an AWS Lambda custom runtime that makes any program a Lambda function.

fn main() {
    println!("lambda-stdio {}", env!("CARGO_PKG_VERSION"));
}
