//! What a handler, a server and a log can do to `bootstrap`, and where it ends: memory, work, time, the log. Each of these
//! has once cost an answer, the sandbox, or the truth.

use crate::harness::files::Folder;
use crate::harness::files::bootstrap as binary;
use crate::harness::raw::Raw;
use crate::harness::sandbox::Proc;
use crate::harness::speaking::SPEAKING;
use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Running, procfs};
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MB: u64 = 1 << 20;

/// The largest answer that Lambda takes.
const LARGEST: usize = 6_291_556;

/// A handler in Python that speaks messages; `answer` says what it writes for a body.
fn speaking(answer: &str) -> Function {
    let body = answer.replace('\n', "\n    ");
    Function::python(&format!("{SPEAKING}emit('lambda-stdio/1 ready\\n')\nfor headers, body in events():\n    {body}"))
}

fn string(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

#[test]
fn a_filters_answer_is_whole_or_too_large_and_never_a_piece_of_it() {
    for (script, event) in [("exec base64", string(5_600_000)), ("exec sed -u s/x/xx/g", string(4_000_000))] {
        let function = Function::bash(script).start();
        function.call(event).error("Function.ResponseSizeTooLarge");
        let log = function.stderr();
        assert!(log.len() < 10_000, "{} bytes of log: {}", log.len(), &log[..500]);
    }
    // What is just small enough is whole.
    let function = Function::bash("exec sed -u s/x/xx/g").start();
    let answer = function.call(string(3_000_000));
    assert_eq!(answer.value().len(), 6_000_002);
}

#[test]
fn trailers_without_end_are_refused_in_bounded_memory() {
    let endless = "
if body == b'1': os.write(1, b'Transfer-Encoding: chunked\\n' + mode + b'\\n1\\nx\\n0\\n')
while body == b'1': os.write(1, b'a: b\\n' * 1000)
write('2')";
    for mode in ["", "Lambda-Runtime-Function-Response-Mode: streaming\\n"] {
        let function = speaking(&format!("import os; mode = b'{mode}'{endless}")).start();
        function.call("2");
        let before = procfs::peak_memory(function.pid());
        let id = function.send("1");
        if mode.is_empty() {
            assert!(function.answer(&id).error("Runtime.MarshalError").contains("64 KiB"));
        }
        assert_eq!(function.call("2").response(), b"2");
        let grown = procfs::peak_memory(function.pid()).saturating_sub(before);
        assert!(grown < 4 * MB, "grew by {} KiB", grown / 1024);
    }
}

#[test]
fn trailers_without_end_are_refused_where_several_events_share_a_process() {
    let script = format!(
        "{SPEAKING}emit('lambda-stdio/1 ready concurrency=2\\n')
for headers, body in events():
    id = headers['Lambda-Runtime-Aws-Request-Id']
    if body == b'1': emit(f'Lambda-Runtime-Aws-Request-Id: {{id}}\\nTransfer-Encoding: chunked\\n\\n1\\nx\\n0\\n')
    while body == b'1': emit('a: b\\n' * 1000)
    write('2', Lambda_Runtime_Aws_Request_Id=id)
"
    );
    let function = Function::python(&script).workers(2).start();
    function.call("2");
    let before = procfs::peak_memory(function.pid());
    assert!(function.call("1").error("Runtime.MarshalError").contains("64 KiB"));
    assert_eq!(function.call("2").response(), b"2");
    let grown = procfs::peak_memory(function.pid()).saturating_sub(before);
    assert!(grown < 4 * MB, "grew by {} KiB", grown / 1024);
}

#[test]
fn an_error_object_of_six_megabytes_costs_no_more_than_an_answer() {
    let script = "import sys
for line in sys.stdin:
    print('{\"errorType\":\"T\",\"errorMessage\":\"x\",\"stackTrace\":[' + '1,' * 3000000 + '1]}' if line == '1\\n' else line, flush=True)";
    let function = Function::python(script).mode("loop").start();
    function.call("2");
    let before = procfs::peak_memory(function.pid());
    let answer = function.call("1");
    answer.error("T");
    assert!(answer.0.body.len() > 6_000_000, "it goes out as it came");
    let grown = procfs::peak_memory(function.pid()).saturating_sub(before);
    assert!(grown < 3 * 6 * MB, "grew by {} KiB", grown / 1024);
    function.wait_idle();
    assert!(function.stderr().len() < 300 * 1024, "{} bytes of log", function.stderr().len());
}

#[test]
fn with_128_mb_of_memory_every_event_has_its_error() {
    let script = "import sys
for line in sys.stdin:
    if line == '1\\n': print('{\"errorType\":\"T\",\"errorMessage\":\"x\",\"stackTrace\":[' + '1,' * 3000000 + '1]}', flush=True)
    elif line == '2\\n':
        while True: print('x' * 1000000)
    elif line == '3\\n': print('\"' + 'x' * 30000000 + '\"', flush=True)
    else: print(line, flush=True)";
    let function = Function::python(script).mode("loop").start_behind("ulimit -v 128000");
    function.call("1").error("T");
    function.call(Event::new("2").deadline_in(Duration::from_secs(2))).error("Runtime.InvokeTimeout");
    function.call("3").error("Function.ResponseSizeTooLarge");
    assert_eq!(function.call("4").value(), "4");
}

#[test]
fn signals_that_somebody_ignored_or_blocked_are_set_right() {
    let script = "while read -r e; do [ \"$e\" = 1 ] && exit 3; echo \"$e\"; done";
    for option in ["--ignore-signal=CHLD", "--block-signal=CHLD", "--ignore-signal=TERM", "--block-signal=TERM"] {
        let function = Function::bash(script).start_behind(&format!("set -- env {option} \"$@\""));
        assert!(function.call("1").error("Runtime.ExitError").contains("exit status 3"), "{option}");
        assert_eq!(function.call("2").response(), b"2", "{option}");
        function.signal(Signal::SIGTERM);
        assert_eq!(function.exit(), Exit::Status(0), "{option}: {}", function.story());
    }
}

#[test]
fn a_post_that_nobody_takes_holds_up_neither_a_signal_nor_the_deadline() {
    let echo = "while IFS= read -r e; do echo \"$e\"; done";
    for signal in [true, false] {
        let raw = Raw::listen();
        let function = Function::bash(echo).mode("loop").served_by(&raw).start();
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        let time = if signal { 600 } else { 6 };
        connection.give(&Event::new(string(6_000_000)).deadline_in(Duration::from_secs(time)));
        // The answer is begun, and its rest is never read.
        connection.read_bytes(1000);
        let began = Instant::now();
        if signal {
            function.signal(Signal::SIGTERM);
        }
        function.exit();
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing_and_its_loss_is_counted() {
    let handler =
        "#!/bin/sh\nwhile read -r e; do head -c 3000000 /dev/zero | tr '\\0' x | fold -w 100 >&2; echo \"$e\"; done\n";
    let folder = Folder::new();
    folder.write("handler", handler.as_bytes(), 0o755);
    let mut bootstrap = Command::new(binary())
        .current_dir(folder.path())
        .arg("./handler")
        .env("HANDLER_MODE", "loop")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = bootstrap.stdin.take().unwrap();
    let mut answers = BufReader::new(bootstrap.stdout.take().unwrap()).lines();
    for number in 0..3 {
        writeln!(stdin, "{number}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), number.to_string());
    }
    // From now on it is read.
    let mut log = BufReader::new(bootstrap.stderr.take().unwrap());
    let read = std::thread::spawn(move || {
        let mut seen = String::new();
        log.read_to_string(&mut seen).unwrap();
        seen
    });
    writeln!(stdin, "3").unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), "3");
    drop(stdin);
    bootstrap.wait().unwrap();
    let seen = read.join().unwrap();
    assert!(seen.contains("lines of the log were dropped"), "{} bytes of log", seen.len());
    assert!(seen.lines().filter(|line| line.starts_with('x')).all(|line| line.len() == 100), "a line was cut in two");
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_a_signal_nor_the_deadline() {
    let script = "while read -r e; do
  head -c 1000000 /dev/zero | tr '\\0' x | fold -w 100 >&2
  [ \"$e\" = 1 ] && sleep 1000
  echo \"$e\"
done";
    let unread = "exec 2> >(exec sleep 1000 > /dev/null 2>&1)";
    let function = Function::bash(script).mode("loop").start_behind(unread);
    assert_eq!(function.call("0").response(), b"0");
    let sent = Instant::now();
    let answer = function.call(Event::new("1").deadline_in(Duration::from_secs(2)));
    answer.error("Runtime.InvokeTimeout");
    let took = answer.0.at - sent;
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(function.call("2").response(), b"2");
    function.wait_idle();
    let told = Instant::now();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
}

#[test]
fn the_words_of_others_cannot_forge_or_overwrite_a_line() {
    let error = r#"{"errorMessage":"a\rb\u001b[2Jc\u0000d\u009be\nf","errorType":"T\nREPORT RequestId: 0\n[FATAL] lambda-stdio: x","stackTrace":["g\rh\u0085i"]}"#;
    let script = format!(
        "while read -r e; do [ $e = 1 ] && printf '%s\\n' '{error}'; [ $e = 2 ] && {{ printf 'x\\033y\\rz\\n'; exit 1; }}; done"
    );
    let function = Function::bash(&script).mode("loop").start();
    function.call("1");
    function.call("2").error("Runtime.ExitError");
    function.wait_idle();
    for line in function.stderr().lines().filter(|line| line.contains("lambda-stdio: ")) {
        assert!(line.starts_with('['), "{line:?}");
        // Entries of several lines are joined by CR, behind which the next line is indented.
        let odd = line.split("\r    ").find(|part| part.chars().any(|c| c.is_control() && c != '\t'));
        assert_eq!(odd, None, "{line:?}");
    }
    function.wait_log("a\\x0db\\x1b[2Jc\\x00d\\x9be");
}

#[test]
fn text_on_stdout_costs_about_as_much_as_on_stderr() {
    let cost = |to: &str| {
        let script = format!("while read -r e; do yes x | head -c 20000000 {to}; echo; echo \"$e\"; done");
        let function = Function::bash(&script).mode("loop").start();
        function.call("1");
        function.wait_idle();
        procfs::processor_time(function.pid())
    };
    let (stdout, stderr) = (cost(""), cost(">&2"));
    assert!(stdout < 6 * stderr + Duration::from_millis(200), "stdout {stdout:?}, stderr {stderr:?}");
}

#[test]
fn a_chunk_of_a_byte_costs_no_more_than_its_bytes() {
    let answer = "import os
if body == b'1':
    piece = memoryview(b'1\\n7\\n' * 1000000)
    os.write(1, b'Transfer-Encoding: chunked\\n\\n')
    while piece: piece = piece[os.write(1, piece):]
    os.write(1, b'0\\n\\n')
else: write('2')";
    let function = speaking(answer).start();
    function.call("2");
    assert_eq!(function.call("1").0.body.len(), 1_000_000);
    let used = procfs::processor_time(function.pid());
    assert!(used < Duration::from_secs(5), "{used:?}");
}

#[test]
fn a_flood_of_tiny_lines_is_no_flood_of_json() {
    let script = "while read -r e; do yes x | head -c 2000000 >&2; echo \"$e\"; done";
    let function = Function::bash(script).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    function.call("1");
    function.wait_log("put together");
    function.wait_idle();
    let log = function.stderr();
    assert!(log.len() < 8_000_000, "{} bytes of log for 2,000,000", log.len());
    let lines: usize = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter_map(|entry| entry["message"].as_str().map(|message| message.matches('x').count()))
        .sum();
    assert!(lines >= 1_000_000, "{lines} of 1,000,000 lines");
}

#[test]
fn lengths_are_digits_and_nothing_else() {
    for (head, kind) in [
        ("Content-Length: +1", "Runtime.MarshalError"),
        ("Content-Length: 1\\nContent-Length: 2", "Runtime.MarshalError"),
        ("Content-Length: 99999999999999999999999", "Function.ResponseSizeTooLarge"),
    ] {
        let function = speaking(&format!("emit('{head}\\n\\n1') if body == b'1' else write('2')")).start();
        function.call("1").error(kind);
        assert_eq!(function.call("2").response(), b"2", "{head}");
    }
    let chunk = |size: &str| {
        let answer =
            format!("emit('Transfer-Encoding: chunked\\n\\n{size}\\nx\\n0\\n\\n') if body == b'1' else write('2')");
        speaking(&answer).start()
    };
    chunk("+1").call("1").error("Runtime.MarshalError");
    chunk("ffffffffffffffff").call("1").error("Function.ResponseSizeTooLarge");
}

#[test]
fn bytes_behind_an_answer_are_never_the_next_ones() {
    // Its length counts characters, and one has two bytes.
    let answer = "text = json.loads(body) + '\\u00e9'
emit('Content-Length: %d\\n\\n%s %s' % (len(body) + 1, json.dumps(text[:-1]), text[-1]))";
    let function = speaking(answer).start();
    for number in 0..4 {
        let text = format!("\"plain {number}\"");
        assert_eq!(function.call(text.clone()).value(), text);
    }
    function.wait_log("bytes behind its last answer");
}

#[test]
fn odd_request_ids_are_answered_where_they_belong() {
    for id in ["a b", "a#b", "..", "a/../../x", "%2e"] {
        let raw = Raw::listen();
        let _function = Function::bash("while read -r e; do echo \"$e\"; done").mode("loop").served_by(&raw).start();
        let mut connection = raw.accept();
        connection.expect(Call::Next);
        let mut event = Event::new("1");
        event.id = id.to_owned();
        connection.give(&event);
        let (answered, _) = connection.expect(Call::Response);
        let wanted: String = id
            .bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect();
        assert_eq!(answered, wanted);
        connection.take();
        connection.expect(Call::Next);
    }
}

#[test]
fn whatever_is_done_to_the_context_file_each_event_has_its_own_or_none() {
    let script = "while read -r e; do
  seen=$(cat \"$LAMBDA_CONTEXT_FILE\" 2> /dev/null | head -n 1)
  case $e in
    1) sed -i s/a/a/ \"$LAMBDA_CONTEXT_FILE\" ;;
    2) echo seen > \"$LAMBDA_CONTEXT_FILE\" ;;
    3) : > \"$LAMBDA_CONTEXT_FILE\" ;;
    4) rm \"$LAMBDA_CONTEXT_FILE\" ;;
    5) ln -sf /etc/hostname \"$LAMBDA_CONTEXT_FILE\" ;;
    6) rm -f \"$LAMBDA_CONTEXT_FILE\"; mkdir -p \"$LAMBDA_CONTEXT_FILE/in\" ;;
    7) mkfifo \"$LAMBDA_CONTEXT_FILE.x\"; mv \"$LAMBDA_CONTEXT_FILE.x\" \"$LAMBDA_CONTEXT_FILE\" ;;
  esac
  echo \"${seen:-null}\"
done";
    let function = Function::bash(script).mode("loop").start_behind("umask 0777");
    for number in 1..10 {
        let id = function.send(number.to_string());
        let context = function.answer(&id).json();
        assert_eq!(context["awsRequestId"].as_str(), Some(id.as_str()), "event {number}: {context}");
    }
    let file = procfs::with_environment("LAMBDA_CONTEXT_FILE");
    function.signal(Signal::SIGHUP);
    assert_eq!(function.exit(), Exit::Status(0), "{file:?}");
}

#[test]
fn a_fork_bomb_in_sessions_of_its_own_ends_with_its_event() {
    let script = "while read -r e; do
  if [ \"$e\" = 1 ]; then
    for i in 1 2 3 4 5 6 7 8 9 10; do setsid sh -c 'while :; do sleep 1000 & sleep 0.01; done' & done 2> /dev/null
    sleep 1000
  fi
  echo \"$e\"
done";
    let function = Function::bash(script).start_with_processes(60);
    assert_eq!(function.call("2").response(), b"2");
    function.call(Event::new("1").deadline_in(Duration::from_secs(2))).error("Runtime.InvokeTimeout");
    assert_eq!(function.call("3").response(), b"3");
    assert_eq!(function.others().len(), 1, "{}", function.story());
}

#[test]
fn without_proc_a_handlers_group_ends_all_the_same() {
    let function = Function::bash("while read -r e; do [ $e = 1 ] && { sleep 1000 & sleep 1000; }; echo $e; done");
    let function = function.mode("loop").proc(Proc::Absent).start();
    function.call(Event::new("1").deadline_in(Duration::from_secs(1))).error("Runtime.InvokeTimeout");
    assert_eq!(function.call("2").response(), b"2");
}

/// What was found on the way: the largest answer is one.
#[test]
fn the_largest_answer_is_one() {
    let function =
        Function::bash("n=$(cat); printf '\"'; head -c $n /dev/zero | tr '\\0' x; printf '\"'").mode("oneshot");
    let function: Running = function.start();
    assert_eq!(function.call((LARGEST - 2).to_string()).value().len(), LARGEST);
    function.call((LARGEST - 1).to_string()).error("Function.ResponseSizeTooLarge");
}
