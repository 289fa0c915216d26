//! Each way to talk, measured: memory, processor time, descriptors, threads, processes, the log, the end. What is stated of them
//! is checked here; what was measured goes into the table.

use super::page::{self, Row};
use super::ways::{Deed, LOGGED, Way};
use crate::harness::watch::Exit;
use crate::harness::{Event, Running, procfs, sandbox};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const MB: u64 = 1 << 20;

/// A larger event; it is given back, and so is the answer.
const LARGE: usize = 6_000_000;

/// How many of them.
const EVENTS: u32 = 10;

/// How long an end may take beyond what is stated, on a machine that does other things as well; and how often it may be tried.
const LATE: Duration = Duration::from_millis(250);
const ATTEMPTS: usize = 6;

/// The time that a handler has after SIGTERM.
const GRACE: Duration = Duration::from_millis(300);

/// What was measured of the log.
struct Log {
    /// Bytes a second.
    rate: f64,
    /// Processor time for a MB.
    cost: Duration,
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number with as many digits as mean something.
fn in_words(number: f64, unit: &str) -> String {
    if number < 10.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

#[allow(clippy::cast_precision_loss)] // far fewer bytes than that
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MB as f64
}

/// Has the handler log its lines in an event: all of them are in the log when the answer comes, or were counted.
fn measure_log(function: &Running, way: &Way) -> Log {
    let bytes = 64.0 * f64::from(u32::try_from(LOGGED).unwrap());
    let before = procfs::processor_time(function.pid());
    let began = Instant::now();
    let answer = function.call(way.event(Deed::Log));
    let took = answer.0.at - began;
    assert!(answer.text().contains("the log, please"), "{}: {}", way.name, answer.0);
    function.wait_all_idle(way.workers);
    let used = procfs::processor_time(function.pid()).saturating_sub(before);
    // A reader that was kept waiting itself has lost some, which is told with the next line; or it has not come to the end yet.
    let has_all = |log: &[u8]| memchr::memchr_iter(b'x', log).count() >= 63 * LOGGED;
    if !function.watch().look(|seen| has_all(&seen.stderr)) {
        function.call(way.event(Deed::Line));
        function.watch().wait("all of the log, or word of what was lost", |seen| {
            let is_told = || memchr::memmem::find(&seen.stderr, b"lines of the log were dropped").is_some();
            (has_all(&seen.stderr) || is_told()).then_some(())
        });
    }
    Log { rate: bytes / took.as_secs_f64(), cost: used.div_f64(bytes / 1e6) }
}

/// Sends SIGTERM, and says how long it takes.
fn end(function: &Running, way: &Way) -> Duration {
    let began = Instant::now();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}: {}", way.name, function.story());
    began.elapsed()
}

/// The shortest of some ends, up to the first that is soon enough. A machine that is busy with something else delays one now and
/// then; that `bootstrap` itself is slow would show in all.
fn shortest_end(way: &Way, bound: Duration, first: Duration, again: impl Fn() -> Duration) -> Duration {
    let mut shortest = first;
    for _ in 1..ATTEMPTS {
        if shortest <= bound {
            break;
        }
        shortest = shortest.min(again());
    }
    assert!(shortest <= bound, "{}: its end took {shortest:?}", way.name);
    shortest
}

/// The end while the handler is in an event, and deaf.
fn deaf_end(function: &Running, way: &Way) -> Duration {
    function.send(way.event(Deed::Deaf));
    function.wait_log("deaf");
    end(function, way)
}

fn started(way: &Way) -> Running {
    let function = way.function().start();
    function.wait_all_idle(way.workers);
    function
}

fn measure(way: &Way) -> Row {
    let function = started(way);
    let pid = function.pid();
    let at_start = procfs::resident(pid);
    function.call(way.event(Deed::Echo(10)));
    function.wait_all_idle(way.workers);

    let before = procfs::processor_time(pid);
    for _ in 0..EVENTS {
        let answer = function.call(way.event(Deed::Echo(LARGE)));
        answer.response();
        assert!((LARGE..LARGE + 300).contains(&answer.0.body.len()), "{}: {}", way.name, answer.0);
    }
    function.wait_all_idle(way.workers);
    let peak = procfs::peak_memory(pid);
    let cost = procfs::processor_time(pid).saturating_sub(before).div_f64(2.0 * f64::from(EVENTS) * 6.0);
    // Twice the event, and the answer, and 16 MB. What there was at the start is `bootstrap` itself, and a thread's stack.
    // GNU's C library, which does not ship, keeps memory for each thread apart.
    let kept = if sandbox::c_library() == "musl" { 1 } else { way.workers };
    let bound = 3 * (kept * LARGE) as u64 + 16 * MB;
    assert!(peak - at_start <= bound, "{}: {at_start} bytes at the start, {peak} at most", way.name);

    let is_settled = || function.others().len() == way.processes;
    let by = Instant::now() + crate::harness::watch::LIMIT;
    while !is_settled() && Instant::now() < by {
        std::thread::yield_now();
    }
    let (descriptors, threads) = (procfs::descriptors(pid), procfs::threads(pid));
    let processes = function.others().len();
    assert_eq!(processes, way.processes, "{}: {}", way.name, function.story());
    assert!(descriptors <= 16 + 7 * (way.workers - 1), "{}: {descriptors} descriptors", way.name);
    assert!(threads <= 1 + way.workers, "{}: {threads} threads", way.name);

    let plain = measure_log(&function, way);
    let ended = end(&function, way);
    let ended = shortest_end(way, GRACE + LATE, ended, || end(&started(way), way));

    let function = way.function().env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let json = measure_log(&function, way);
    let deaf = deaf_end(&function, way);
    let deaf = shortest_end(way, GRACE + LATE, deaf, || deaf_end(&started(way), way));
    assert!(deaf >= GRACE, "{}: the handler was killed after {deaf:?}", way.name);

    if page::is_optimised() {
        let most = |figure: Duration, most: u64| figure <= Duration::from_millis(most);
        assert!(most(cost, 10), "{}: {cost:?} for a MB", way.name);
        assert!(
            most(plain.cost, 20) && most(json.cost, 60),
            "{}: {:?}, {:?} for a MB of log",
            way.name,
            plain.cost,
            json.cost
        );
    }
    let log = |log: &Log| format!("{} / {}", in_words(log.rate / 1e6, "MB/s"), in_words(milliseconds(log.cost), "ms"));
    Row(vec![
        way.name.to_owned(),
        format!("{:.1} MB", megabytes(at_start)),
        format!("{:.1} MB", megabytes(peak)),
        in_words(milliseconds(cost), "ms"),
        descriptors.to_string(),
        threads.to_string(),
        processes.to_string(),
        log(&plain),
        log(&json),
        in_words(milliseconds(ended), "ms"),
        in_words(milliseconds(deaf), "ms"),
    ])
}

/// The handler hangs, with a second of time: when its error goes out, and how soon the next event is answered.
fn hanging() -> (Duration, Duration) {
    let way = &Way::all()[0];
    let function = started(way);
    let began = Instant::now();
    let answer = function.call(Event::new(way.event(Deed::Deaf)).deadline_in(Duration::from_secs(1)));
    answer.error("Runtime.InvokeTimeout");
    let next = function.call(way.event(Deed::Echo(10)));
    (answer.0.at - began, next.0.at - answer.0.at)
}

#[test]
fn each_way_to_talk_keeps_its_bounds() {
    let rows: Vec<_> = Way::all().iter().map(measure).collect();
    let (told, next) = hanging();
    let unread = super::stated::event_with_an_unread_log();
    let [told, next, unread] = [told, next, unread].map(|time| in_words(milliseconds(time), "ms"));
    let more = [
        Row(vec![
            "a handler that hangs, with 1 s of time".to_owned(),
            format!("its error goes out after {told}, and the next event is answered {next} later"),
        ]),
        Row(vec![
            "an event that logs 3 MB, and nobody reads the log".to_owned(),
            format!("is answered after {unread}"),
        ]),
    ];
    let table = page::table(&rows, &more);
    println!("{table}");
    page::check(&table);
}

#[test]
fn twice_as_much_costs_twice_as_much() {
    for way in Way::all().iter().filter(|way| way.workers == 1) {
        let function = started(way);
        let cost = |length: usize| {
            let before = procfs::processor_time(function.pid());
            for _ in 0..3 {
                function.call(way.event(Deed::Echo(length))).response();
            }
            procfs::processor_time(function.pid()).saturating_sub(before)
        };
        let (small, large) = (cost(LARGE / 6), cost(LARGE));
        assert!(
            large < 12 * small + Duration::from_millis(100),
            "{}: {small:?} for 1 MB, {large:?} for 6 MB",
            way.name
        );
    }
}
