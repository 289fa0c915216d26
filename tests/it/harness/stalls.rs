//! Moments in which the machine did nothing for this test: other work has its processors. What has to be done within some
//! milliseconds cannot be judged then, and is tried again; whatever else fails has failed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Who sleeps for so long and wakes up so much later was kept waiting.
const NAP: Duration = Duration::from_millis(2);
const STALL: Duration = Duration::from_millis(15);

/// How often something is tried.
const ATTEMPTS: usize = 8;

/// Runs it. If it fails while the machine stalled, it is run again; if that was so each time, the last failure counts.
#[track_caller]
pub fn unless_all_stalls(attempt: impl Fn()) {
    for number in 1.. {
        let over = Arc::new(AtomicBool::new(false));
        let watching = Arc::clone(&over);
        let watch = thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !watching.load(Ordering::Relaxed) {
                let began = Instant::now();
                thread::sleep(NAP);
                longest = longest.max(began.elapsed().saturating_sub(NAP));
            }
            longest
        });
        let outcome = catch_unwind(AssertUnwindSafe(&attempt));
        over.store(true, Ordering::Relaxed);
        let longest = watch.join().unwrap();
        match outcome {
            Ok(()) => return,
            Err(_) if number < ATTEMPTS && longest >= STALL => {
                println!("the machine stood still for {longest:.0?}: once more");
            }
            Err(failure) => resume_unwind(failure),
        }
    }
}
