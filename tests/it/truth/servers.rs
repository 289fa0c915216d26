//! Servers: somebody reads stdin on while somebody else works on the event. None of them waits for end-of-file.

use super::{is_a_server, learned};
use crate::harness::{Call, Event, Function};
use std::time::Duration;

/// How long each of them works, and on what it waits meanwhile.
fn threads(work: &str) -> Function {
    Function::python(&format!(
        "import os, queue, subprocess, sys, threading, time
def work(line):
    {work}
    print('[%d,%s]' % (os.getpid(), line.strip()), flush=True)
for line in sys.stdin:
    threading.Thread(target=work, args=(line,)).start()
"
    ))
}

#[test]
fn a_thread_for_each_line_sleeps() {
    is_a_server(threads("time.sleep(0.3)"));
}

#[test]
fn a_thread_for_each_line_runs_a_tool() {
    is_a_server(threads("subprocess.run(['sleep', '0.3'])"));
}

#[test]
fn a_thread_for_each_line_computes() {
    is_a_server(threads("until = time.monotonic() + 0.3\n    while time.monotonic() < until: pass"));
}

#[test]
fn a_thread_for_each_line_waits_with_a_time_out() {
    is_a_server(threads("threading.Event().wait(0.3)"));
}

#[test]
fn a_thread_for_each_line_waits_for_a_socket() {
    // Nobody but the clock makes the other end speak, as nobody here makes a server on the network answer.
    is_a_server(threads(
        "import socket
    ours, theirs = socket.socketpair()
    subprocess.Popen(['sh', '-c', 'sleep 0.3; echo'], stdout=theirs)
    ours.recv(1)",
    ));
}

#[test]
fn a_worker_looks_into_its_queue_now_and_then() {
    is_a_server(Function::python(
        "import os, queue, sys, threading, time
lines = queue.Queue()
def work():
    seen = []
    while True:
        try:
            seen.append((time.monotonic(), lines.get(timeout=0.1)))
        except queue.Empty:
            pass
        while seen and time.monotonic() - seen[0][0] > 0.3:
            print('[%d,%s]' % (os.getpid(), seen.pop(0)[1].strip()), flush=True)
threading.Thread(target=work, daemon=True).start()
for line in sys.stdin:
    lines.put(line)
",
    ));
}

#[test]
fn asyncio_reads_in_a_thread_of_its_own() {
    is_a_server(Function::python(
        "import asyncio, os, sys
async def work(line):
    await asyncio.sleep(0.3)
    print('[%d,%s]' % (os.getpid(), line.strip()), flush=True)
async def main():
    loop = asyncio.get_running_loop()
    tasks = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tasks.append(asyncio.create_task(work(line)))
asyncio.run(main())
",
    ));
}

#[test]
fn asyncio_runs_a_tool_while_it_reads_on() {
    is_a_server(Function::python(
        "import asyncio, os, sys
async def work(line):
    tool = await asyncio.create_subprocess_exec('sh', '-c', 'sleep 0.3; cat', stdin=-1, stdout=-1)
    said, _ = await tool.communicate(line.encode())
    print('[%d,%s]' % (os.getpid(), said.decode().strip()), flush=True)
async def main():
    loop = asyncio.get_running_loop()
    tasks = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tasks.append(asyncio.create_task(work(line)))
asyncio.run(main())
",
    ));
}

#[test]
fn a_child_for_each_line() {
    is_a_server(Function::of(
        "perl",
        "$SIG{CHLD} = 'IGNORE';
while (my $line = <STDIN>) {
    chomp $line;
    next if fork;
    select(undef, undef, undef, 0.3);
    syswrite STDOUT, '[' . getppid() . \",$line]\\n\";
    exit;
}
",
    ));
    is_a_server(Function::bash("while read -r e; do { sleep 0.3; echo \"[$$,$e]\"; } & done"));
}

#[test]
fn an_event_loop_with_an_await() {
    is_a_server(Function::of(
        "node",
        "const lines = require('readline').createInterface({ input: process.stdin });
(async () => {
    for await (const line of lines) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        console.log(`[${process.pid},${line}]`);
    }
})();
",
    ));
}

#[test]
fn ruby_threads() {
    is_a_server(Function::of(
        "ruby",
        "$stdout.sync = true
threads = []
while (line = gets)
  threads << Thread.new(line.chomp) { |e| sleep 0.3; puts \"[#{$$},#{e}]\" }
end
",
    ));
}

/// A server that is still at work half a margin before its time is up is given end-of-file, in case that is what it waits for.
/// What it does then is no answer.
#[test]
fn one_that_is_too_slow_fails_and_is_no_filter() {
    for (daemon, kinds) in [
        // Its end is not waited for by its worker, or is: exit 0 without a word, or no exit in time.
        ("True", ["Runtime.ExitError", "Runtime.InvokeTimeout"]),
        ("False", ["Runtime.InvokeTimeout", "Runtime.InvokeTimeout"]),
    ] {
        let function = Function::python(&format!(
            "import os, sys, threading, time
def work(line):
    time.sleep(1000 if line == '1\\n' else 0)
    print('[%d,%s]' % (os.getpid(), line.strip()), flush=True)
for line in sys.stdin:
    threading.Thread(target=work, args=(line,), daemon={daemon}).start()
"
        ))
        .env("HANDLER_DEADLINE_MARGIN_MS", "1000")
        .start();
        let answer = function.call(Event::new("1").deadline_in(Duration::from_secs(3)));
        assert_eq!(answer.0.call, Call::Error, "{}\n{}", answer.0, function.story());
        let kind = answer.json()["errorType"].as_str().unwrap().to_owned();
        assert!(kinds.contains(&kind.as_str()), "{}", answer.0);
        let first = super::answer(&function, 2);
        assert_eq!(super::answer(&function, 3), first);
        assert_eq!(learned(&function), 0, "{}", function.story());
    }
}
