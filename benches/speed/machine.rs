//! What it was measured on, and with.

use super::lineup;
use std::fs;
use std::process::Command;

/// One line: the processor, the kernel, and the versions of what took part.
pub fn describe() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = processors.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let number = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default().trim();
    let mut parts = vec![format!("{model}, {number} processors, Linux {kernel}")];
    let python = lineup::peers().join("python/bin/python3");
    let python = python.to_str().filter(|_| python.exists()).unwrap_or("python3");
    let client = lineup::peers().join("node/node_modules/aws-lambda-ric/package.json");
    let version = "import importlib.metadata as m; print(m.version('awslambdaric'))";
    for (name, command) in [
        ("Rust", vec!["rustc", "--version"]),
        ("Python", vec![python, "--version"]),
        ("Node.js", vec!["node", "--version"]),
        ("bash", vec!["bash", "-c", "echo $BASH_VERSION"]),
        ("curl", vec!["curl", "--version"]),
        ("SBCL", vec!["sbcl", "--version"]),
        ("awslambdaric", vec![python, "-c", version]),
        ("aws-lambda-ric", vec!["grep", "\"version\"", client.to_str().unwrap_or_default()]),
    ] {
        let output = Command::new(command[0]).args(&command[1..]).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let digits = |word: &str| word.trim_matches(|character: char| !character.is_ascii_digit()).to_owned();
        let number = text.split_whitespace().find(|word| word.contains('.') && digits(word).len() > 2).map(digits);
        // 5.2.15(1)-release is 5.2.15.
        let number = number.as_deref().and_then(|number| number.split(['(', '-']).next()).unwrap_or_default();
        parts.push(format!("{name} {number}"));
    }
    let client = include_str!("../peers/rust/Cargo.toml").split("lambda_runtime = { version = \"=").nth(1);
    let client = client.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    if lineup::peers().join("in-process").exists() {
        parts.push(format!("lambda_runtime {client}"));
    }
    parts.join(", ")
}
