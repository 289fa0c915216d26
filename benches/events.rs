//! What an event costs: `bootstrap` beside the least that a program can do, in one run.
//!
//! Both serve the same native echo handler and talk to the same server, in turns, so that a noisy machine is noisy for
//! both. The *floor* is raw sockets and pipes: it reads an event, writes it to the handler, reads the answer, posts it,
//! and knows nothing of deadlines, logs, crashes or JSON. Run it with `cargo bench`, or on one processor, as most sandboxes
//! have it and where figures are steadier (an idle processor takes its time to wake up), with `taskset -c 0 cargo bench`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const EVENTS: usize = 2000;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("echo") => echo(),
        Some("floor") => floor(),
        _ => compare(std::env::args().find_map(|word| word.parse().ok())),
    }
}

/// The handler: a line in, the same line out.
fn echo() {
    let (mut stdin, mut stdout) = (BufReader::with_capacity(1 << 16, std::io::stdin()), std::io::stdout());
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).is_ok_and(|got| got > 0) {
        if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
            return;
        }
        line.clear();
    }
}

/// The least that a runtime can do.
#[allow(clippy::zombie_processes)] // The server kills it, and the handler reads its end-of-file then.
fn floor() {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the server's address");
    let this = std::env::current_exe().expect("this program");
    let mut handler =
        Command::new(this).arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the handler");
    let mut stdin = handler.stdin.take().expect("its stdin");
    let mut stdout = BufReader::with_capacity(1 << 16, handler.stdout.take().expect("its stdout"));
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone().expect("a clone"));
    let mut writer = stream;
    let next = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut answer = Vec::new();
    loop {
        if writer.write_all(next).is_err() {
            return;
        }
        let Some((head, mut event)) = message(&mut reader) else { return };
        let id = field(&head, "lambda-runtime-aws-request-id").unwrap_or_default();
        event.push(b'\n');
        stdin.write_all(&event).expect("the event is written");
        answer.clear();
        stdout.read_until(b'\n', &mut answer).expect("an answer");
        answer.pop();
        let mut post = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        )
        .into_bytes();
        post.extend_from_slice(&answer);
        writer.write_all(&post).expect("the answer is posted");
        let _ = message(&mut reader);
    }
}

/// A head and a body of `Content-Length` bytes.
fn message(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut body = vec![0; field(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A runtime under measurement.
struct Contender {
    name: &'static str,
    process: Child,
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    start_up: Duration,
    each: Vec<Duration>,
    cycles: Vec<Duration>,
    count: usize,
}

impl Contender {
    fn start(name: &'static str, mut command: Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        command.env("AWS_LAMBDA_RUNTIME_API", &address).env("HANDLER_MODE", "loop");
        let began = Instant::now();
        let process = command.spawn().expect("the contender");
        let (writer, _) = listener.accept().expect("it connects");
        writer.set_nodelay(true).expect("no delay");
        let mut reader = BufReader::with_capacity(1 << 16, writer.try_clone().expect("a clone"));
        message(&mut reader).expect("its first /next");
        let start_up = began.elapsed();
        Self { name, process, reader, writer, start_up, each: vec![], cycles: vec![], count: 0 }
    }

    /// One event: from its sending to the answer's arrival, and to the next `/next`.
    fn event(&mut self, body: &[u8]) {
        self.count += 1;
        let mut next = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-{:012}\r\n\
             Lambda-Runtime-Deadline-Ms: 4000000000000\r\nLambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-2:123456789012:function:f\r\nContent-Length: {}\r\n\r\n",
            self.count,
            body.len()
        )
        .into_bytes();
        next.extend_from_slice(body);
        let sent = Instant::now();
        self.writer.write_all(&next).expect("the event is sent");
        let (_, answer) = message(&mut self.reader).expect("an answer");
        self.each.push(sent.elapsed());
        assert_eq!(answer.len(), body.len(), "{} answers another thing", self.name);
        self.writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").expect("it is accepted");
        message(&mut self.reader).expect("the next /next");
        self.cycles.push(sent.elapsed());
    }

    fn memory(&self, field: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("?").trim().to_owned()
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn contenders() -> [Contender; 2] {
    let this = std::env::current_exe().expect("this program");
    let mut floor = Command::new(&this);
    floor.arg("floor");
    // The handler is this program again, with an argument: a script of one line names both.
    let handler = std::env::temp_dir().join(format!("lambda-stdio-bench-{}", std::process::id()));
    std::fs::create_dir_all(&handler).expect("a folder");
    let script = handler.join("echo");
    std::fs::write(&script, format!("#!{} echo\n", this.display())).expect("the handler");
    let mut permissions = std::fs::metadata(&script).expect("the handler").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&script, permissions).expect("it is executable");
    let mut bootstrap = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    bootstrap.arg0("bootstrap").env("_HANDLER", &script);
    [Contender::start("floor", floor), Contender::start("bootstrap", bootstrap)]
}

/// `only`: events of this size alone (`cargo bench -- 1000000`).
fn compare(only: Option<usize>) {
    println!(
        "{:>10} {:>10} {:>9} {:>9} {:>11} {:>9} {:>10} {:>10}",
        "event", "", "p50", "p99", "cycle p50", "start-up", "resident", "peak"
    );
    for (size, rounds, events) in
        [(100, ROUNDS, EVENTS), (10_000, ROUNDS, EVENTS / 2), (1_000_000, ROUNDS, 20), (6_000_000, ROUNDS, 5)]
    {
        if only.is_some_and(|only| only != size) {
            continue;
        }
        let body = format!("\"{}\"", "x".repeat(size - 2)).into_bytes();
        let mut contenders = contenders();
        for _ in 0..rounds {
            for contender in &mut contenders {
                for _ in 0..events {
                    contender.event(&body);
                }
            }
        }
        let mut p50 = Vec::new();
        for contender in &mut contenders {
            let (median, cycle) = (percentile(&mut contender.each, 50), percentile(&mut contender.cycles, 50));
            p50.push((median, cycle));
            println!(
                "{size:>10} {:>10} {:>9.1?} {:>9.1?} {cycle:>11.1?} {:>9.1?} {:>10} {:>10}",
                contender.name,
                median,
                percentile(&mut contender.each, 99),
                contender.start_up,
                contender.memory("VmRSS:"),
                contender.memory("VmHWM:"),
            );
        }
        let ratio = |one: Duration, other: Duration| other.as_secs_f64() / one.as_secs_f64();
        println!("{:>21} {:>9.2} {:>9} {:>11.2}", "ratio", ratio(p50[0].0, p50[1].0), "", ratio(p50[0].1, p50[1].1));
    }
    let _ = std::fs::remove_dir_all(std::env::temp_dir().join(format!("lambda-stdio-bench-{}", std::process::id())));
}
