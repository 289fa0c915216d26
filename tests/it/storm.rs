//! The storm: thousands of events against a handler that does everything wrong at random. No event is lost, none is answered
//! twice, none gets another's answer, and afterwards nothing is left over.
//!
//! `STORM_SEED` repeats a storm (a failing one prints its seed), `SOAK_SECONDS` makes it longer.

use crate::harness::{Answer, Call, Event, Function, Random, Running, number_from, procfs};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Does what the event says. Every true answer carries the event's number, every false one another.
const LOOP: &str = r#"
$| = 1;
while (my $e = <STDIN>) {
    my ($n) = $e =~ /"n":(\d+)/;
    my ($do) = $e =~ /"do":"(\w+)"/;
    my $answer = "{\"n\":$n}";
    if ($do eq 'answer') { print "$answer\n" }
    elsif ($do eq 'pretty') { print "{\n  \"n\":\n    $n\n}\n" }
    elsif ($do eq 'pieces') { for (split //, "text\n$answer\n") { syswrite STDOUT, $_ } }
    elsif ($do eq 'text') { print "loading $n\n[INFO] {\"n\":-1}\n$answer\n" }
    elsif ($do eq 'rubbish') { print "{oops\n\"no end\n\xff\xfe\n[1,\n$answer behind it\n" }
    elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n"; print "$answer\n" }
    elsif ($do eq 'big') { print "{\"n\":$n,\"x\":\"", "y" x 300000, "\"}\n" }
    elsif ($do eq 'late') { syswrite STDOUT, "$answer\n{\"n\":-1}\n" }
    elsif ($do eq 'slow') { select(undef, undef, undef, 0.01); print "$answer\n" }
    elsif ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}\n" }
    elsif ($do eq 'marshal') { print "{\"n\":\"\xff\"}\n" }
    elsif ($do eq 'last') { print "$answer\n"; exit 0 }
    elsif ($do eq 'lastbad') { print "$answer\n"; exit 5 }
    elsif ($do eq 'lastkill') { print "$answer\n"; kill 'KILL', $$ }
    elsif ($do eq 'exit') { exit 3 }
    elsif ($do eq 'exit0') { exit 0 }
    elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
    elsif ($do eq 'half') { print "{\"n\":$n,\"x\":[1,2"; exit 3 }
    elsif ($do eq 'halfkill') { print "$answer"x0, "{\"n\":$n,"; kill 'KILL', $$ }
    elsif ($do eq 'orphan') {
        # A child that answers when its parent is dead and the next event is there.
        if (!fork) { select(undef, undef, undef, 0.02); print "{\"n\":-2}\n"; exit 0 }
        exit 3;
    }
    elsif ($do eq 'toolate') { print "{\"n\":"; select(undef, undef, undef, 3); print "$n}\n" }
    elsif ($do eq 'hang') { sleep 1000 }
}
"#;

/// The same for one process per event.
const ONESHOT: &str = r#"
$| = 1;
my $e = join '', <STDIN>;
my ($n) = $e =~ /"n":(\d+)/;
my ($do) = $e =~ /"do":"(\w+)"/;
my $answer = "{\"n\":$n}";
if ($do eq 'exit') { print $answer; exit 3 }
elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
elsif ($do eq 'orphan') { if (!fork) { select(undef, undef, undef, 0.02); print "{\"n\":-2}"; exit 0 } exit 3 }
elsif ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}"; exit 1 }
elsif ($do eq 'noise') { print STDERR "x" x 150000; print $answer }
elsif ($do eq 'pretty') { print "{\n  \"n\":\n    $n\n}\n" }
elsif ($do eq 'marshal') { print "\xff" }
elsif ($do eq 'hang') { sleep 1000 }
else { print $answer }
"#;

/// What a handler may do, how often, and the error that it is (or none).
const DEEDS: [(&str, usize, Option<&str>); 25] = [
    ("answer", 300, None),
    ("pretty", 60, None),
    ("pieces", 40, None),
    ("text", 60, None),
    ("rubbish", 60, None),
    ("noise", 30, None),
    ("big", 30, None),
    ("late", 60, None),
    ("slow", 30, None),
    ("error", 60, Some("Storm.Staged")),
    ("marshal", 30, Some("Runtime.MarshalError")),
    ("last", 30, None),
    ("lastbad", 20, None),
    ("lastkill", 20, None),
    ("exit", 30, Some("Runtime.ExitError")),
    ("exit0", 20, Some("Runtime.ExitError")),
    ("signal", 20, Some("Runtime.ExitError")),
    ("half", 20, Some("Runtime.ExitError")),
    ("halfkill", 20, Some("Runtime.ExitError")),
    ("orphan", 20, Some("Runtime.ExitError")),
    ("toolate", 1, Some("Runtime.InvokeTimeout")),
    ("hang", 2, Some("Runtime.InvokeTimeout")),
    // Large events, twice as often as large answers.
    ("answer", 20, None),
    ("exit", 5, Some("Runtime.ExitError")),
    ("late", 5, None),
];
/// From here on, deeds come with an event of this size.
const LARGE_FROM: usize = 22;
const LARGE: usize = 400_000;

/// One of the deeds, by how often each is to come.
fn deed(random: &mut Random) -> usize {
    let total: usize = DEEDS.iter().map(|(_, weight, _)| weight).sum();
    let mut left = random.below(total);
    let found = DEEDS.iter().position(|(_, weight, _)| {
        let here = left < *weight;
        left = left.wrapping_sub(*weight);
        here
    });
    found.unwrap()
}

/// Sends a storm of at least this many events, in gusts, and checks every answer.
fn storm(function: &Running, workers: usize, events: u32, deeds_of: impl Fn(&str) -> bool) {
    let mut random = Random::seeded("STORM_SEED");
    let seed = random.0;
    let soak = Duration::from_secs(number_from("SOAK_SECONDS").unwrap_or(0));
    let mut expected = HashMap::new();
    let started = Instant::now();

    // What is opened once, at the first death, is not a leak.
    function.call(r#"{"n":0,"do":"exit"}"#);
    function.wait_all_idle(workers);
    let descriptors = procfs::descriptors(function.pid());
    let mut number = 0;
    while number < events || started.elapsed() < soak {
        let mut last = None;
        for _ in 0..50 {
            number += 1;
            let chosen = deed(&mut random);
            let (deed, _, error) = DEEDS[chosen];
            if !deeds_of(deed) {
                continue;
            }
            let padding = "p".repeat(if chosen >= LARGE_FROM { LARGE } else { 0 });
            let event = Event::new(format!("{{\"n\":{number},\"do\":\"{deed}\",\"p\":\"{padding}\"}}"));
            let hopeless = matches!(deed, "hang" | "toolate");
            let id = function.send(if hopeless { event.deadline_in(Duration::from_secs(1)) } else { event });
            expected.insert(id.clone(), (number, deed, error));
            last = Some(id);
        }
        if let Some(id) = last {
            function.answer(&id);
        }
    }
    function.wait_all_idle(workers);

    let answers = function.watch().look(|seen| {
        seen.requests.iter().filter(|request| request.call != Call::Next).cloned().map(Answer).collect::<Vec<_>>()
    });
    // The first event of all is not among those expected. That none was answered twice is the server's business.
    assert_eq!(answers.len(), expected.len() + 1, "STORM_SEED={seed}");
    for answer in &answers[1..] {
        let (number, deed, error) =
            expected.remove(&answer.0.id).unwrap_or_else(|| panic!("answered twice: {}", answer.0));
        let context = || format!("STORM_SEED={seed}, event {number} ({deed}): {}", answer.0);
        let body = answer.json();
        match error {
            None => assert!(answer.0.call == Call::Response && body["n"] == number, "{}", context()),
            Some(kind) => {
                assert!(answer.0.call == Call::Error && body["errorType"] == kind, "{}", context());
                assert!(kind != "Storm.Staged" || body["errorMessage"] == format!("n={number}"), "{}", context());
            }
        }
    }

    assert_eq!(procfs::descriptors(function.pid()), descriptors, "descriptors leaked, STORM_SEED={seed}");
    let children = function.children();
    let alive = children.iter().filter(|(_, state)| *state != 'Z').count();
    assert!(children.len() == workers && alive == workers, "{children:?}, STORM_SEED={seed}");
    assert_eq!(function.others().len(), workers, "processes were left over, STORM_SEED={seed}");
}

#[test]
fn a_loop_in_a_storm() {
    storm(&Function::of("perl", LOOP).start(), 1, 2000, |_| true);
}

#[test]
fn a_oneshot_in_a_storm() {
    let function = Function::of("perl", ONESHOT).mode("oneshot").start();
    let deeds = ["answer", "pretty", "noise", "error", "marshal", "exit", "signal", "orphan", "hang"];
    storm(&function, 1, 1500, |deed| deeds.contains(&deed));
}

#[test]
fn eight_workers_in_a_storm() {
    storm(&Function::of("perl", LOOP).workers(8).start(), 8, 3000, |_| true);
}
