//! The storm: thousands of events against handlers that do everything wrong at random, over connections that break. No event
//! is lost, none is answered twice, none gets another's answer, and afterwards nothing is left over: no process, no descriptor,
//! no memory.
//!
//! `STORM_SEED` repeats a storm (a failing one prints its seed), `SOAK_SECONDS` makes it longer.

mod handlers;
mod trees;

use self::handlers::{Deed, LOOP, LOOP_DEEDS, MESSAGES_DEEDS, ONESHOT, ONESHOT_DEEDS, SHARED_DEEDS, messages, shared};
use self::trees::{PIPELINE_DEEDS, SERVER_DEEDS};
use crate::harness::event::Request;
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

const LARGE: usize = 400_000;

/// How many events have one request id, where that is so.
const SAME: usize = 4;

const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

/// What is to come of an event.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Answer,
    Fault(&'static str),
    /// The answer is there, with this in its trailers.
    BrokenStream(&'static str),
}

struct Storm {
    events: usize,
    deeds: &'static [Deed],
    /// How many events are worked on at once, and by how many processes.
    workers: usize,
    processes: usize,
    /// How many processes each of these is, with its own children.
    members: usize,
    /// Several events in flight have one request id, and only their invocation ids tell them apart.
    same_ids: bool,
    /// What happens to a connection now and then.
    disturbances: &'static [(Call, Reply)],
    /// What one event does may cost others their process, too.
    shared: bool,
}

/// An answer that is sent twice where it may not have arrived, or on a new connection.
const DISTURBANCES: &[(Call, Reply)] = &[
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
const GENTLE: &[(Call, Reply)] = &[
    (Call::Response, Reply::SayClose),
    (Call::Response, Reply::InPieces),
    (Call::Error, Reply::Drop),
    (Call::Next, Reply::Drop),
    (Call::Next, Reply::SayClose),
    (Call::Next, Reply::Status(204)),
];

impl Storm {
    fn of(events: usize, deeds: &'static [Deed]) -> Self {
        Self {
            events,
            deeds,
            workers: 1,
            processes: 1,
            members: 1,
            same_ids: false,
            disturbances: DISTURBANCES,
            shared: false,
        }
    }

    /// Sends at least so many events, in gusts, and looks at every answer.
    fn over(&self, function: &Running) {
        let mut random = Random::seeded("STORM_SEED");
        let soak = Duration::from_secs(number_from("SOAK_SECONDS").unwrap_or(0));
        let started = Instant::now();
        // What is opened once, at the first death, is not a leak.
        let deadly =
            |deed: &&Deed| matches!(deed.outcome, Outcome::Fault("Runtime.ExitError" | "Runtime.InvokeTimeout"));
        function.call(event(0, self.deeds.iter().find(deadly).unwrap()));
        function.call(event(0, &self.deeds[0]));
        function.wait_all_idle(self.workers);
        function.settle();
        let descriptors = procfs::descriptors(function.pid());
        let (mut gusts, mut number, mut warm) = (0, 0, 0);
        let mut counts = (0, 0, 0);
        while number < self.events || started.elapsed() < soak {
            if !function.server().has_replies() && random.one_in(2) {
                let (call, reply) = &self.disturbances[random.below(self.disturbances.len())];
                function.server().reply(*call, reply.clone());
            }
            let mut expected = HashMap::new();
            for _ in 0..GUST {
                number += 1;
                let deed = self.deed(&mut random);
                let mut event = event(number, deed);
                if self.same_ids {
                    event.id = format!("same-{}", number / SAME);
                    event = event.header(INVOCATION_ID, &format!("attempt-{number}"));
                }
                expected.insert((event.id.clone(), event.nonce()), (number, deed));
                function.send(event);
            }
            for (id, nonce) in expected.keys() {
                function.answer_of(id, nonce.as_deref());
            }
            function.wait_all_idle(self.workers);
            let answers = function.settle().into_iter().filter(|request| request.counts);
            for answer in answers {
                let key = (answer.id.clone(), answer.header(INVOCATION_ID).map(str::to_owned));
                let (number, deed) = expected.remove(&key).unwrap_or_else(|| panic!("answered twice: {answer}"));
                self.judge(number, deed, answer, &mut counts);
            }
            assert!(expected.is_empty(), "not answered: {:?}", expected.keys());
            gusts += 1;
            if gusts == WARM {
                warm = procfs::resident(function.pid());
            }
        }
        let time = started.elapsed();
        let resident = procfs::resident(function.pid());
        println!(
            "{number} events in {time:.1?}: {} answers, {} errors, {} broken streams; {descriptors} descriptors; resident {} KiB \
             after {WARM} gusts, {} KiB at the end, {} KiB at most",
            counts.0,
            counts.1,
            counts.2,
            warm / 1024,
            resident / 1024,
            procfs::peak_memory(function.pid()) / 1024
        );
        // Whoever died after the last answer is being replaced, perhaps at this moment.
        let now = || procfs::descriptors(function.pid());
        let fine = || (descriptors..=descriptors + LATE).contains(&now());
        assert!(is_so(fine), "descriptors leaked: {descriptors}, then {}", now());
        assert!(resident <= warm + GROWTH, "memory leaked: {} KiB, then {} KiB", warm / 1024, resident / 1024);
        let all_alive = || function.children().iter().filter(|(_, state)| *state != 'Z').count() == self.processes;
        let all = self.processes * self.members;
        let no_more = || function.children().len() == self.processes && function.others().len() == all;
        assert!(is_so(|| all_alive() && no_more()), "processes: {:?}, {:?}", function.children(), function.others());
    }

    /// One of the deeds, by how often each is to come.
    fn deed(&self, random: &mut Random) -> &'static Deed {
        let total = self.deeds.iter().map(|deed| deed.weight).sum();
        let mut left = random.below(total);
        let found = self.deeds.iter().find(|deed| {
            let here = left < deed.weight;
            left = left.wrapping_sub(deed.weight);
            here
        });
        found.unwrap()
    }

    fn judge(&self, number: usize, deed: &Deed, answer: Request, counts: &mut (usize, usize, usize)) {
        let answer = Answer(answer);
        let context = || format!("event {number} ({}): {}", deed.name, answer.0);
        let body = answer.json();
        if self.shared && answer.0.call == Call::Error && body["errorType"] == "Runtime.ExitError" {
            counts.1 += 1;
            return;
        }
        let broken = answer.0.header("Lambda-Runtime-Function-Error-Type");
        match deed.outcome {
            Outcome::Answer => {
                counts.0 += 1;
                assert!(answer.0.call == Call::Response && body["n"] == number && broken.is_none(), "{}", context());
            }
            Outcome::Fault(kind) => {
                counts.1 += 1;
                assert!(answer.0.call == Call::Error && body["errorType"] == kind, "{}", context());
                assert!(kind != "Storm.Staged" || body["errorMessage"] == format!("n={number}"), "{}", context());
            }
            Outcome::BrokenStream(kind) => {
                counts.2 += 1;
                assert!(answer.0.call == Call::Response && body["n"] == number, "{}", context());
                assert_eq!(broken, Some(kind), "{}", context());
            }
        }
    }
}

/// Whether something is so, or soon comes to be.
fn is_so(so: impl Fn() -> bool) -> bool {
    (0..1000).any(|_| {
        let is = so();
        if !is {
            thread::sleep(Duration::from_millis(10));
        }
        is
    })
}

fn event(number: usize, deed: &Deed) -> Event {
    let padding = "p".repeat(if deed.large { LARGE } else { 0 });
    let event = Event::new(format!("{{\"n\":{number},\"do\":\"{}\",\"p\":\"{padding}\"}}", deed.name));
    let hopeless = matches!(deed.outcome, Outcome::Fault("Runtime.InvokeTimeout"));
    if hopeless { event.deadline_in(Duration::from_secs(1)) } else { event }
}

#[test]
fn a_loop_in_a_storm() {
    Storm::of(1500, LOOP_DEEDS).over(&Function::of("perl", LOOP).start());
}

#[test]
fn a_loop_with_standby_in_a_storm() {
    let function = Function::of("perl", LOOP).env("HANDLER_STANDBY", "1").start();
    Storm { processes: 2, ..Storm::of(600, LOOP_DEEDS) }.over(&function);
}

#[test]
fn a_oneshot_in_a_storm() {
    Storm::of(800, ONESHOT_DEEDS).over(&Function::of("perl", ONESHOT).mode("oneshot").start());
}

#[test]
fn messages_in_a_storm() {
    let function = Function::of("perl", &messages()).start();
    Storm { disturbances: GENTLE, ..Storm::of(1000, MESSAGES_DEEDS) }.over(&function);
}

#[test]
fn eight_events_in_one_process_in_a_storm() {
    let function = Function::of("perl", &shared()).workers(8).start();
    Storm { workers: 8, shared: true, ..Storm::of(1000, SHARED_DEEDS) }.over(&function);
}

#[test]
fn eight_workers_in_a_storm() {
    let function = Function::of("perl", LOOP).workers(8).start();
    Storm { workers: 8, processes: 8, ..Storm::of(1500, LOOP_DEEDS) }.over(&function);
}

#[test]
fn events_with_one_request_id_in_a_storm() {
    let function = Function::of("perl", &shared()).workers(8).start();
    Storm { workers: 8, shared: true, same_ids: true, ..Storm::of(1000, SHARED_DEEDS) }.over(&function);
}

#[test]
fn a_server_in_a_storm() {
    Storm::of(800, SERVER_DEEDS).over(&trees::server().start());
}

#[test]
fn a_pipeline_in_a_storm() {
    Storm { members: 3, ..Storm::of(800, PIPELINE_DEEDS) }.over(&trees::pipeline().start());
}

#[test]
fn a_slow_starter_in_a_storm() {
    Storm::of(250, LOOP_DEEDS).over(&trees::slow_starter().start());
}

#[test]
fn a_loop_in_a_group_of_its_own_in_a_storm() {
    Storm { members: 2, ..Storm::of(600, LOOP_DEEDS) }.over(&trees::own_group().start());
}
