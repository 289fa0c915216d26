//! The languages: real interpreters and compilers, each with the loop and the filter that a programmer of it would first
//! write, run by `bootstrap` as on Lambda, and the page docs/languages.md, which is what came of it.
//!
//! `table` reads languages.txt, which says what there is; `trial` runs one handler on twenty events and judges the answers;
//! `page` writes the table of the page, or compares it. Every language is a test of its own, as many at once as there are
//! processors, in a binary of their own: the handlers' deadline is three seconds, which is little among hundreds of tests.
//!
//! `cargo test --test languages -- lua perl` tries some. The large toolchains are tried with `LAMBDA_STDIO_LARGE=1`.
//! `LAMBDA_STDIO_WRITE=1` writes the page's rows instead of comparing them.

#[path = "../it/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;

mod page;
mod table;
mod trial;

use self::table::Language;
use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

/// The switch for those whose packages are large.
const LARGE: &str = "LAMBDA_STDIO_LARGE";

/// What became of a language: its row in the page, and what is wrong.
struct Outcome {
    name: String,
    row: String,
    wrong: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for language in table::read() {
            println!("{}: test", language.name);
        }
        return ExitCode::SUCCESS;
    }
    // Cargo's flags for a test binary mean nothing here.
    let wanted: Vec<String> =
        arguments.iter().filter(|word| !word.starts_with('-')).map(|word| word.to_lowercase()).collect();
    let large = std::env::var_os(LARGE).is_some_and(|value| value == "1");
    let is_wanted = |language: &Language| {
        (large || !language.large) && (wanted.is_empty() || wanted.iter().any(|word| is_meant(&language.name, word)))
    };
    let all = table::read();
    let languages: Vec<_> = all.iter().filter(|language| is_wanted(language)).collect();
    println!("\nrunning {} languages of {}", languages.len(), all.len());
    let outcomes = try_all(&languages);
    let mut failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.wrong.is_empty()).collect();
    failed.sort_by_key(|outcome| &outcome.name);
    for outcome in &failed {
        println!("\n---- {} ----\n{}", outcome.name, outcome.wrong.join("\n"));
    }
    let page = if wanted.is_empty() { page::check(&all, &outcomes) } else { Ok(()) };
    if let Err(what) = &page {
        println!("\n---- docs/languages.md ----\n{what}");
    }
    let fine = failed.is_empty() && page.is_ok();
    let result = if fine { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {} right; {} wrong\n", outcomes.len() - failed.len(), failed.len());
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a word on the command line is about this language: one of a single letter is a whole name.
fn is_meant(name: &str, word: &str) -> bool {
    let name = name.to_lowercase();
    name == word || (word.len() > 1 && name.contains(word))
}

/// Tries each, as many at once as there are processors.
fn try_all(languages: &[&Language]) -> Vec<Outcome> {
    let queue = Mutex::new(languages.iter().copied().collect::<VecDeque<_>>());
    let outcomes = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop_front();
                    let Some(language) = next else { break };
                    let outcome = trial::of(language);
                    let verdict = if outcome.wrong.is_empty() { "ok" } else { "FAILED" };
                    println!("test {} ... {verdict}", language.name);
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}
