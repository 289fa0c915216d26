//! The bounds that are numbers of their own: of a stack, of a head, of starts, of the time before a deadline, of a log that nobody
//! reads.

use crate::harness::files::{Folder, bootstrap, need, spawn};
use crate::harness::speaking::SPEAKING;
use crate::harness::watch::Exit;
use crate::harness::{Event, Function};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is measured takes longer now and then, on a machine that does other things as well. What `bootstrap` itself waits for
/// shows in each of so many attempts.
const ATTEMPTS: usize = 6;

fn shortest(enough: Duration, mut attempt: impl FnMut() -> Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..ATTEMPTS {
        best = best.min(attempt());
        if best <= enough {
            break;
        }
    }
    best
}

/// How long an event takes that logs three megabytes into a pipe that nobody reads.
pub fn event_with_an_unread_log() -> Duration {
    let folder = Folder::new();
    let script = "import sys
lines = 'x' * 99 + '\\n'
for line in sys.stdin:
    sys.stderr.write(lines * (30000 if line == '1\\n' else 0))
    print(line.strip(), flush=True)";
    folder.write("handler", format!("#!{}\n{script}", need("python3").display()).as_bytes(), 0o755);
    let mut command = Command::new(bootstrap());
    command.current_dir(folder.path()).args(["./handler", "--quiet"]).env("HANDLER_MODE", "loop");
    let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let (mut stdin, mut unread) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answered = |event: &str| {
        let began = Instant::now();
        stdin.write_all(event.as_bytes()).unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), event.trim_end());
        began.elapsed()
    };
    answered("0\n");
    let took = answered("1\n");
    // Now it is read, and what it lost is told at the end.
    let (heard, hear) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut log, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        while let Ok(got @ 1..) = unread.read(&mut piece) {
            log.extend_from_slice(&piece[..got]);
            let _ = heard.send(());
        }
        String::from_utf8(log).unwrap()
    });
    hear.recv().unwrap();
    drop(stdin);
    child.wait().unwrap();
    let log = reader.join().unwrap();
    assert!(log.contains("lines of the log were dropped"), "{} bytes of log", log.len());
    took
}

#[test]
fn a_log_that_nobody_reads_costs_an_event_a_moment() {
    let enough = Duration::from_millis(250);
    let took = shortest(enough, event_with_an_unread_log);
    assert!(took <= enough, "{took:?}");
}

#[test]
fn a_head_a_chunks_size_and_trailers_are_64_kib_at_most() {
    let script = format!(
        "{SPEAKING}emit('lambda-stdio/1 ready\\n')
chunked = 'Transfer-Encoding: chunked\\n\\n'
for headers, body in events():
    if body == b'1': emit('Content-Length: 1\\nX: ' + 'y' * 65536 + '\\n\\n2')
    elif body == b'2': emit(chunked, '0' * 65536 + '1\\n2\\n0\\n\\n')
    elif body == b'3': emit(chunked, '1;x=' + 'y' * 65536 + '\\n2\\n0\\n\\n')
    elif body == b'4': emit(chunked, '1\\n2\\n0\\nX: ' + 'y' * 65536 + '\\n\\n')
    elif body == b'5': emit('X: ' + 'y' * 60000 + '\\n' + chunked, '1\\n2\\n0\\n\\n')
    else: write('2')
"
    );
    let function = Function::python(&script).start();
    for event in ["1", "2", "3", "4"] {
        let message = function.call(event).error("Runtime.MarshalError");
        assert!(message.contains("64 KiB"), "{event}: {message}");
        assert_eq!(function.call("0").response(), b"2", "{event}");
    }
    assert_eq!(function.call("5").response(), b"2");
}

#[test]
fn a_stack_has_40_lines_of_8_kib_and_an_objects_100_entries_are_logged() {
    let script = "import json, sys
for line in sys.stdin:
    if line == '1\\n':
        print(json.dumps({'errorMessage': 'x', 'stackTrace': ['entry %d.' % n for n in range(300)]}), flush=True)
        continue
    for number in range(500):
        print('line %d' % number, '' if line == '2\\n' else 'y' * 1000, file=sys.stderr)
    sys.exit(1)";
    let function = Function::python(script).mode("loop").start();
    let answer = function.call("1");
    assert_eq!(answer.stack().len(), 300, "it goes out as it came");
    function.wait_log("entry 99.");
    let stack = function.call("2").stack();
    assert_eq!((stack.len(), stack[39].trim()), (40, "line 499"));
    let size = function.call("3").stack().iter().map(String::len).sum::<usize>();
    assert!((6000..=8192).contains(&size), "{size} bytes");
    assert!(!function.stderr().contains("entry 100."));
}

#[test]
fn starts_that_fail_are_further_and_further_apart_and_five() {
    let script = "import os, sys, time
if os.path.exists('/tmp/broken'):
    print(time.monotonic_ns(), file=open('/tmp/starts', 'a'))
    sys.exit(4)
sys.stdin.readline()
open('/tmp/broken', 'w')
sys.exit(3)";
    let function = Function::python(script).mode("loop").start();
    function.call("1").error("Runtime.ExitError");
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    let starts: Vec<u64> = function.tmp().read("starts").lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(starts.len(), 5);
    // A start takes its time, and not always the same.
    let gaps: Vec<_> = starts.windows(2).map(|pair| Duration::from_nanos(pair[1] - pair[0])).collect();
    for (gap, least) in gaps.iter().zip([100, 200, 400, 800]) {
        assert!(*gap >= Duration::from_millis(least * 9 / 10) && *gap < Duration::from_secs(5), "{gaps:?}");
    }
}

#[test]
fn an_event_ends_100_ms_before_its_deadline() {
    let function = Function::bash("while read -r e; do sleep 1000; done").mode("loop").start();
    let took = shortest(Duration::from_millis(970), || {
        function.wait_idle();
        let began = Instant::now();
        let answer = function.call(Event::new("1").deadline_in(Duration::from_secs(1)));
        answer.error("Runtime.InvokeTimeout");
        let took = answer.0.at - began;
        assert!(took >= Duration::from_millis(890), "{took:?}");
        took
    });
    assert!(took <= Duration::from_millis(970), "{took:?}");
}
