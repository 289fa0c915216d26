//! The sandbox of all these tests is as Lambda's: if it were not, they would show what nobody has.

use crate::harness::Function;
use crate::harness::sandbox::{self, Proc};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a handler in Python finds out, which has these lines more.
fn ask(lines: &str) -> Value {
    let script = format!("import json, os, resource, sys\nfor line in sys.stdin:\n    print(json.dumps({lines}))\n");
    Function::python(&script).start().call("1").json()
}

#[test]
fn a_function_is_nobody_and_has_no_capabilities() {
    let is =
        ask("[os.getuid(), os.getgid(), [l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')]]");
    assert!(is[0].as_u64() > Some(0) && is[1].as_u64() > Some(0), "{is}");
    assert_eq!(is[2], json!(["0000000000000000"]));
}

#[test]
fn it_may_write_to_tmp_alone() {
    let can = ask(
        "[place for place in ['/', '/var/task', '/opt', '/usr', '/usr/local', '/etc', '/dev', '/var', '/var/tmp', '/dev/shm', '/run', '/tmp'] if os.access(place, os.W_OK)]",
    );
    assert_eq!(can, json!(["/tmp"]));
    // Not because of whose they are: nothing there could be written to by anybody.
    let options = ask(
        "[line.split()[5] for line in open('/proc/self/mountinfo') if line.split()[4] in ['/', '/var/task', '/usr']]",
    );
    let options: Vec<_> = options.as_array().unwrap().iter().map(|options| options.as_str().unwrap()).collect();
    assert!(options.len() >= 3 && options.iter().all(|options| options.starts_with("ro")), "{options:?}");
}

#[test]
fn it_may_have_1024_descriptors_and_processes() {
    let limits = ask("[resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_NPROC)]");
    assert_eq!(limits, json!([[1024, 1024], [1024, 1024]]));
}

#[test]
fn it_has_lambdas_variables_and_bootstraps_own() {
    let function =
        Function::bash("while read -r e; do tr '\\0' '\\n' < /proc/$$/environ | jq -R . | jq -cs .; done").start();
    let seen = function.call("1").json();
    let seen: BTreeSet<_> = seen.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let names: BTreeSet<_> = seen.iter().map(|line| line.split_once('=').unwrap().0).collect();
    let own = [
        "_HANDLER",
        "AWS_LAMBDA_RUNTIME_API",
        "PATH",
        "LAMBDA_CONTEXT_FILE",
        "LAMBDA_STDIO_PROCESS",
        "PYTHONUNBUFFERED",
    ];
    let wanted: BTreeSet<_> = sandbox::VARIABLES.iter().map(|(name, _)| *name).chain(own).collect();
    assert_eq!(names, wanted);
    assert!(seen.contains("LANG=en_US.UTF-8") && seen.contains("TZ=:UTC"), "{seen:?}");
}

#[test]
fn it_sees_nothing_of_the_machine_but_its_programs() {
    let seen = ask("sorted(os.listdir('/'))");
    let lambdas =
        ["bin", "dev", "etc", "lib", "lib32", "lib64", "libo32", "libx32", "opt", "proc", "sbin", "tmp", "usr", "var"];
    let more: Vec<_> =
        seen.as_array().unwrap().iter().filter(|name| !lambdas.contains(&name.as_str().unwrap())).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(ask("os.listdir('/tmp') != [] and os.listdir('/var')"), json!(["task"]));
}

#[test]
fn others_can_be_hidden() {
    let count = |proc| {
        let script = "while read -r e; do set -- /proc/[0-9]*; echo $#; done";
        Function::bash(script).proc(proc).start().call("1").json().as_u64().unwrap()
    };
    // Its own: bootstrap and itself.
    assert_eq!(count(Proc::Hidden) == 2, sandbox::hides_processes());
    assert!(count(Proc::All) > 2);
}
