//! Handlers for the storm that are more than one thread or process: servers, pipelines, slow starters, and wrappers that put the real
//! handler into a group or a session of its own.

use super::deeds::Outcome::Answer;
use super::deeds::{Deed, EXIT, STAGED, TIME_OUT, deed, large};
use super::handlers::LOOP;
use crate::harness::{Function, need};

/// One thread reads on, another works, and looks up now and then.
const SERVER: &str = r#"
import os, queue, re, signal, subprocess, sys, threading, time
lines = queue.Queue()

def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()

def work(line):
    n = int(re.search(r'"n":(\d+)', line)[1])
    do = re.search(r'"do":"(\w+)"', line)[1]
    answer = '{"n":%d}\n' % n
    if do == 'pretty': answer = '{\n  "n":\n    %d\n}\n' % n
    elif do == 'text': answer = 'loading %d\n[INFO] {"n":-1}\n%s' % (n, answer)
    elif do == 'big': answer = '{"n":%d,"x":"%s"}\n' % (n, 'y' * 300000)
    elif do == 'noise': os.write(2, b'x' * 150000 + b'\n')
    elif do == 'slow': time.sleep(0.02)
    elif do == 'tool': subprocess.run(['sleep', '0.02'])
    elif do == 'late': answer += '{"n":-1}\n'
    elif do == 'error': answer = '{"errorMessage":"n=%d","errorType":"Storm.Staged"}\n' % n
    elif do == 'exit': os._exit(3)
    elif do == 'signal':
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(5)
    elif do == 'hang': time.sleep(1000)
    say(answer)

def worker():
    while True:
        try:
            line = lines.get(timeout=0.05)
        except queue.Empty:
            continue
        work(line)

threading.Thread(target=worker, daemon=True).start()
for line in sys.stdin:
    lines.put(line)
"#;

/// What `SERVER` does.
pub const SERVER_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pretty", 60, Answer),
    deed("text", 60, Answer),
    deed("big", 30, Answer),
    deed("noise", 30, Answer),
    deed("slow", 60, Answer),
    deed("tool", 60, Answer),
    deed("late", 30, Answer),
    deed("error", 60, STAGED),
    deed("exit", 20, EXIT),
    deed("signal", 10, EXIT),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];

/// What the loop at the end of a pipeline does. If it dies, the pipeline's shell waits on for the reader.
pub const PIPELINE_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pretty", 60, Answer),
    deed("pieces", 40, Answer),
    deed("text", 60, Answer),
    deed("rubbish", 60, Answer),
    deed("noise", 30, Answer),
    deed("big", 30, Answer),
    deed("late", 60, Answer),
    deed("slow", 30, Answer),
    deed("error", 60, STAGED),
    deed("exit", 1, TIME_OUT),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("late", 5, Answer),
];

pub fn server() -> Function {
    Function::python(SERVER)
}

/// A reader that hands the lines on, and a loop behind it: with their shell, three processes.
pub fn pipeline() -> Function {
    around("cat | ./loop.pl")
}

/// A loop that takes its time to start.
pub fn slow_starter() -> Function {
    Function::of("perl", &format!("select(undef, undef, undef, 0.15);\n{LOOP}"))
}

/// A loop in a group of its own, or in a session: with its shell, two processes.
pub fn own_group() -> Function {
    around("if ((RANDOM % 2)); then set -m; ./loop.pl; else setsid -w ./loop.pl; fi; exit $?")
}

/// A shell around the loop.
fn around(script: &str) -> Function {
    let program = format!("#!{}\n{LOOP}", need("perl").display());
    Function::bash(script).program("loop.pl", program).in_task_root()
}
