//! What the binary is made of: crates with licences that it may be given away under, from one registry, each once, and none
//! that runs code of its own on the machine that builds, but for those that are known to.
//!
//! `cargo deny check bans licenses sources` says the same (and had nothing to say when it was last asked). To build it takes
//! three minutes of each fresh machine, and five hundred crates that would have to be trusted themselves. What it has beside,
//! the advisories, wants a network: `cargo audit`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Those that the crates have which are there. Each may be passed on in a binary, with its text.
const LICENCES: [&str; 3] = ["MIT", "Apache-2.0", "Unicode-3.0"];

/// Crates with a build script, or with macros that are programs: what they do is done by whoever builds.
const RUN_AT_BUILD_TIME: [&str; 12] = [
    "anyhow",
    "httparse",
    "libc",
    "memoffset",
    "nix",
    "proc-macro2",
    "quote",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "zmij",
];

/// The packages of Cargo.lock but our own, as `cargo metadata` has them.
fn packages() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--locked", "--format-version=1", "--manifest-path"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().clone();
    packages.retain(|package| package["name"] != env!("CARGO_PKG_NAME"));
    assert!(packages.len() > 10, "{packages:?}");
    packages
}

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` leaves a choice that is allowed. Older crates have `/`
/// for `OR`.
fn is_allowed(expression: &str) -> bool {
    expression.replace('/', " OR ").split(" AND ").all(|part| {
        let part = part.trim_matches(['(', ')']);
        assert!(!part.contains(['(', ')']), "a licence that cannot be read: {expression}");
        part.split(" OR ").any(|licence| LICENCES.contains(&licence))
    })
}

#[test]
fn every_licence_allows_it() {
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_allowed(licence), "{} has the licence {licence:?}", package["id"]);
    }
}

#[test]
fn all_is_from_one_registry_and_nothing_is_there_twice() {
    let mut seen = BTreeMap::new();
    for package in packages() {
        assert_eq!(package["source"], "registry+https://github.com/rust-lang/crates.io-index", "{}", package["id"]);
        let name = package["name"].as_str().unwrap().to_owned();
        if let Some(other) = seen.insert(name, package["version"].clone()) {
            panic!("{} is there a second time: {other}", package["id"]);
        }
    }
    let lock = include_str!("../../Cargo.lock");
    let count = |what: &str| lock.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("checksum = "), count("name = ") - 1, "a package without a checksum beside our own");
}

#[test]
fn what_runs_at_build_time_is_known() {
    let runs = |package: &Value| {
        let targets = package["targets"].as_array().unwrap();
        targets.iter().any(|target| target["kind"][0] == "custom-build" || target["kind"][0] == "proc-macro")
    };
    let mut found: Vec<_> = packages().iter().filter(|package| runs(package)).map(|p| p["name"].clone()).collect();
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, RUN_AT_BUILD_TIME, "look at what it does, then name it here");
}
