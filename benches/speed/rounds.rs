//! The measurement: all contenders take turns, a few events each, so that whatever else the machine does hits all alike.

use super::contender::Contender;
use super::entry::Entry;
use super::event::Event;
use super::procfs;
use std::time::{Duration, Instant};

/// What was measured of one contender.
pub struct Result {
    pub entry: Entry,
    pub size: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub events_per_second: f64,
    pub cpu: Duration,
    /// The processor time of this process, the server, per event.
    pub server: Duration,
    pub start_up: Duration,
    /// KiB, of the runtime's own process: when it asked for its first event, and after the last one.
    pub fresh: u64,
    pub resident: u64,
    pub with_handler: u64,
    pub peak: u64,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub starts: usize,
    pub warm_up: Duration,
    pub time: Duration,
}

/// How long one contender's turn takes, about.
const TURN: Duration = Duration::from_millis(10);
const LONGEST_TURN: usize = 100;
const FEWEST_TURNS: usize = 5;
/// Who starts more slowly than this is started less often.
const QUICK_START: Duration = Duration::from_millis(20);
const SLOW_STARTS: usize = 11;

/// A contender in the run.
struct Runner {
    contender: Contender,
    event: Event,
    starts: Vec<Duration>,
    turn: usize,
    answers: Vec<Duration>,
    cycles: Duration,
    events: u32,
    cpu: Duration,
    server: Duration,
}

pub fn measure(entries: &[Entry], size: usize, effort: Effort) -> Vec<Result> {
    let mut starts = vec![Vec::new(); entries.len()];
    for round in 1..effort.starts {
        for (entry, starts) in entries.iter().zip(&mut starts) {
            let slow = starts.first().is_some_and(|&start| start > QUICK_START);
            if !slow || round < SLOW_STARTS {
                starts.push(Contender::start(entry).start_up);
            }
        }
    }
    let mut runners: Vec<_> = entries
        .iter()
        .zip(starts)
        .map(|(entry, starts)| Runner::new(Contender::start(entry), starts, entry.event(size), effort.warm_up))
        .collect();
    let began = Instant::now();
    let mut turns = 0;
    while turns < FEWEST_TURNS || began.elapsed() < effort.time {
        for runner in &mut runners {
            runner.turn();
        }
        turns += 1;
    }
    runners.into_iter().map(|runner| runner.result(size)).collect()
}

impl Runner {
    fn new(mut contender: Contender, mut starts: Vec<Duration>, mut event: Event, warm_up: Duration) -> Self {
        starts.push(contender.start_up);
        let each = contender.warm_up(&mut event, warm_up);
        let turn = usize::try_from(TURN.as_nanos() / each.as_nanos()).map_or(2, |turn| turn.clamp(2, LONGEST_TURN));
        let cpu = contender.cpu();
        let zero = Duration::ZERO;
        Self { contender, event, starts, turn, answers: Vec::new(), cycles: zero, events: 0, cpu, server: zero }
    }

    /// Some events, behind a few that are not timed, since the processor's caches are the last contender's.
    fn turn(&mut self) {
        self.answers.reserve(self.turn);
        let server = procfs::own_cpu();
        let cold = self.turn / 10;
        for _ in 0..cold {
            self.contender.event(&mut self.event);
        }
        for _ in 0..self.turn {
            let times = self.contender.event(&mut self.event);
            self.answers.push(times.answer);
            self.cycles += times.cycle;
        }
        self.server += procfs::own_cpu().saturating_sub(server);
        self.events += u32::try_from(cold + self.turn).expect("a small number");
    }

    fn result(mut self, size: usize) -> Result {
        let cpu = self.contender.cpu().saturating_sub(self.cpu);
        Result {
            entry: self.contender.entry.clone(),
            size,
            p50: percentile(&mut self.answers, 50),
            p99: percentile(&mut self.answers, 99),
            events_per_second: f64::from(u32::try_from(self.answers.len()).unwrap_or(u32::MAX))
                / self.cycles.as_secs_f64(),
            cpu: cpu / self.events,
            server: self.server / self.events,
            start_up: percentile(&mut self.starts, 50),
            fresh: self.contender.fresh,
            resident: self.contender.memory("VmRSS"),
            with_handler: self.contender.memory_of_all(),
            peak: self.contender.memory("VmHWM"),
        }
    }
}

pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
