//! The course of a storm: gusts of events, each of whose answers is judged, bounds that are looked at behind each gust, and what
//! must be gone at the end.

use super::deeds::Deed;
use super::forms::{Came, Form, MARGIN_MS};
use crate::harness::watch::LIMIT;
use crate::harness::{Answer, Call, Event, Function, Random, Reply, Running, number_from, procfs};
use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

/// How many events are sent before all of them are waited for.
const GUST: usize = 50;

/// How many gusts it takes until memory has its size, and how much it may grow from then on: what comes in large and small
/// pieces leaves gaps, which are filled by and by.
const WARM: usize = 10;
const GROWTH: u64 = 8 << 20;

/// Descriptors that are opened once, whenever it is that a killed process has to be waited for.
const LATE: usize = 2;

/// How many descriptors there are at most at any moment, also while a process is being started and looked at, and how many
/// more with each further worker, or process that stands by.
pub const DESCRIPTORS: usize = 20;
const DESCRIPTORS_EACH: usize = 7;

/// How many events have one request id, where that is so.
const SAME: usize = 4;

const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

#[derive(Clone, Copy)]
pub struct Storm {
    pub events: usize,
    pub deeds: &'static [Deed],
    pub form: Form,
    /// How many events are worked on at once, and by how many processes.
    pub workers: usize,
    pub processes: usize,
    /// How many processes each of these is, with its own children.
    pub members: usize,
    /// Several events in flight have one request id, and only their invocation ids tell them apart.
    pub same_ids: bool,
    /// What happens to a connection now and then.
    pub disturbances: &'static [(Call, Reply)],
    /// What one event does may cost others their process, too.
    pub shared: bool,
    /// The most memory that it may ever use.
    pub memory: u64,
    /// The last event ends the handler, and with it what that has started and never ended.
    pub clears: bool,
}

/// An answer that is sent twice where it may not have arrived, or on a new connection.
pub const DISTURBANCES: &[(Call, Reply)] = &[
    (Call::Response, Reply::Drop),
    (Call::Response, Reply::TakeAndDrop),
    (Call::Response, Reply::ThenClose),
    (Call::Response, Reply::InPieces),
    (Call::Response, Reply::Status(413)),
    (Call::Error, Reply::Drop),
    (Call::Error, Reply::SayClose),
    (Call::Error, Reply::TakeAndDrop),
    (Call::Next, Reply::Drop),
    (Call::Next, Reply::SayClose),
    (Call::Next, Reply::InPieces),
    (Call::Next, Reply::Status(204)),
];

/// A stream is never sent twice.
pub const GENTLE: &[(Call, Reply)] = &[
    (Call::Response, Reply::SayClose),
    (Call::Response, Reply::InPieces),
    (Call::Error, Reply::Drop),
    (Call::Next, Reply::Drop),
    (Call::Next, Reply::SayClose),
    (Call::Next, Reply::Status(204)),
];

/// What came of the events.
#[derive(Default)]
pub struct Counts {
    pub answers: usize,
    pub errors: usize,
    pub broken: usize,
}

impl Counts {
    pub fn add(&mut self, came: Came) {
        match came {
            Came::Answer => self.answers += 1,
            Came::Error => self.errors += 1,
            Came::BrokenStream => self.broken += 1,
        }
    }
}

impl Storm {
    pub const fn of(events: usize, deeds: &'static [Deed]) -> Self {
        Self {
            events,
            deeds,
            form: Form::Plain,
            workers: 1,
            processes: 1,
            members: 1,
            same_ids: false,
            disturbances: DISTURBANCES,
            shared: false,
            memory: 24 << 20,
            clears: false,
        }
    }

    /// Sends at least so many events, in gusts, and looks at every answer.
    pub fn over(&self, function: &Running) {
        let mut random = Random::seeded("STORM_SEED");
        let started = Instant::now();
        // What is opened once, at the first death, is not a leak.
        let deadly = self.deeds.iter().find(|deed| deed.is_deadly()).unwrap();
        function.call(self.form.event(0, deadly));
        function.call(self.form.event(0, &self.deeds[0]));
        function.wait_all_idle(self.workers);
        function.settle();
        let descriptors = procfs::descriptors(function.pid());
        let (mut gusts, mut number, mut warm, mut most) = (0, 0, 0, descriptors);
        let mut counts = Counts::default();
        while number < self.events || started.elapsed() < soak() {
            if !function.server().has_replies() && random.one_in(2) {
                let (call, reply) = &self.disturbances[random.below(self.disturbances.len())];
                function.server().reply(*call, reply.clone());
            }
            let gust = self.gust(&mut random, &mut number);
            let log = gust.iter().map(|(_, deed, _)| deed.log).sum();
            self.blow(function, gust, log, &mut counts);
            gusts += 1;
            most = most.max(procfs::descriptors(function.pid()));
            let bound = DESCRIPTORS + DESCRIPTORS_EACH * (self.workers.max(self.processes) - 1);
            assert!(most <= bound, "{most} descriptors");
            let peak = procfs::peak_memory(function.pid());
            assert!(peak <= self.memory, "{} KiB of memory", peak / 1024);
            if gusts <= WARM {
                warm = procfs::resident(function.pid());
            }
        }
        let (time, resident) = (started.elapsed(), procfs::resident(function.pid()));
        report(
            &format!("{number} events in {:.1} s", time.as_secs_f32()),
            &counts,
            &format!(
                "resident {} KiB after {} events, {} KiB at the end, {} KiB at most; {most} descriptors at most",
                warm / 1024,
                WARM.min(gusts) * GUST,
                resident / 1024,
                procfs::peak_memory(function.pid()) / 1024
            ),
        );
        assert!(resident <= warm + GROWTH, "memory leaked: {} KiB, then {} KiB", warm / 1024, resident / 1024);
        self.nothing_is_left(function, descriptors);
    }

    /// So many events, each with its number and what it is to do.
    fn gust(&self, random: &mut Random, number: &mut usize) -> Vec<(usize, &'static Deed, Event)> {
        let event = |_| {
            *number += 1;
            let deed = any_of(self.deeds, random);
            let mut event = self.form.event(*number, deed);
            if self.same_ids {
                event.id = format!("same-{}", *number / SAME);
                event = event.header(INVOCATION_ID, &format!("attempt-{number}"));
            }
            (*number, deed, event)
        };
        (0..GUST).map(event).collect()
    }

    /// Sends them, waits for their answers, and judges each.
    fn blow(&self, function: &Running, gust: Vec<(usize, &'static Deed, Event)>, log: usize, counts: &mut Counts) {
        let mut expected = HashMap::new();
        for (number, deed, event) in gust {
            expected.insert((event.id.clone(), event.nonce()), (number, deed));
            function.send(event);
        }
        answers_come(function, expected.len());
        function.wait_all_idle(self.workers);
        let written = function.watch().look(|seen| seen.stderr.len());
        assert!(written <= log, "{written} bytes of log, and {log} are the most\n{}", function.story());
        function.watch().look(|seen| log_is_honest(&seen.stderr));
        for answer in function.settle().into_iter().filter(|request| request.counts) {
            let key = (answer.id.clone(), answer.header(INVOCATION_ID).map(str::to_owned));
            let (number, deed) = expected.remove(&key).unwrap_or_else(|| panic!("answered twice: {answer}"));
            counts.add(self.form.judge(number, deed, &Answer(answer), self.shared));
        }
        assert!(expected.is_empty(), "not answered: {:?}", expected.keys());
    }

    /// Processes and descriptors are what they were at the beginning.
    fn nothing_is_left(&self, function: &Running, descriptors: usize) {
        if self.clears {
            let exits = self.deeds.iter().find(|deed| deed.name == "exit").unwrap();
            function.call(self.form.event(0, exits));
            function.wait_all_idle(self.workers);
        }
        // Whoever died after the last answer is being replaced, perhaps at this moment.
        let now = || procfs::descriptors(function.pid());
        let fine = || (descriptors..=descriptors + LATE).contains(&now());
        assert!(is_so(fine), "descriptors leaked: {descriptors}, then {}", now());
        let all_alive = || function.children().iter().filter(|(_, state)| *state != 'Z').count() == self.processes;
        let all = self.processes * self.members;
        let no_more = || function.children().len() == self.processes && function.others().len() == all;
        assert!(is_so(|| all_alive() && no_more()), "processes: {:?}, {:?}", function.children(), function.others());
    }
}

/// With what every function in a storm has.
pub fn prepared(function: Function) -> Function {
    function.env("HANDLER_DEADLINE_MARGIN_MS", MARGIN_MS)
}

/// How long a storm lasts at least.
pub fn soak() -> Duration {
    Duration::from_secs(number_from("SOAK_SECONDS").unwrap_or(0))
}

/// One of the deeds, by how often each is to come.
pub fn any_of(deeds: &'static [Deed], random: &mut Random) -> &'static Deed {
    let mut left = random.below(deeds.iter().map(|deed| deed.weight).sum());
    let found = deeds.iter().find(|deed| {
        let here = left < deed.weight;
        left = left.wrapping_sub(deed.weight);
        here
    });
    found.unwrap()
}

/// The one line of a storm that was come through.
pub fn report(events: &str, counts: &Counts, rest: &str) {
    let name = thread::current().name().unwrap_or_default().to_owned();
    let Counts { answers, errors, broken } = counts;
    println!("{name}: {events}: {answers} answers, {errors} errors, {broken} broken streams; {rest}");
}

/// Waits until there are so many answers. A busy machine may take long for them all, but never long for the next one: that
/// none comes within the time limit is a hang.
fn answers_come(function: &Running, all: usize) {
    let mut before = 0;
    loop {
        let mut now = 0;
        let waited = function.watch().wait_within(LIMIT, |seen| {
            now = seen.requests.iter().filter(|request| request.counts).count();
            (now >= all).then_some(())
        });
        match waited {
            Ok(()) => return,
            Err(why) if why != "the time ran out" || now == before => {
                panic!("{why}: {now} of {all} answers have come\n{}", function.story())
            }
            Err(_) => before = now,
        }
    }
}

/// What `bootstrap` itself says begins a line, and has no control character that it was given; and nobody begins a line in
/// its name.
fn log_is_honest(log: &[u8]) {
    for line in log.split(|&byte| byte == b'\n') {
        assert!(!line.starts_with(b"REPORT "), "{:?}", String::from_utf8_lossy(line));
        if memchr::memmem::find(line, b"lambda-stdio: ").is_some() {
            let text = String::from_utf8_lossy(line);
            // Entries of several lines are joined by CR, behind which the next line is indented.
            let odd = text.split("\r    ").find(|part| part.chars().any(|c| c.is_control() && c != '\t'));
            assert!(text.starts_with('[') && odd.is_none() && !text.starts_with("[FATAL]"), "{text:?}");
        }
    }
}

/// Whether something is so, or soon comes to be.
fn is_so(so: impl Fn() -> bool) -> bool {
    let by = Instant::now() + LIMIT;
    loop {
        let is = so();
        if is || Instant::now() >= by {
            return is;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
