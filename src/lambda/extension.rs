//! The internal extension: what makes Lambda send SIGTERM before it ends the sandbox.
//!
//! Lambda kills a runtime without a word, unless an extension is registered: then the runtime gets SIGTERM first, and a
//! few hundred milliseconds. So one is registered that asks for no events and does nothing. It must still ask for its
//! next event, or Lambda takes it to be starting for ever. That call never returns, and goes on through a snapshot: it
//! has a thread and a connection of its own, and costs nothing while it is blocked.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::ASKING_AGAIN;
use super::http::{LONGEST_WORDS, agent, read_body};
use crate::log;

/// Unique among the function's extensions.
const NAME: &str = "lambda-stdio";

const IDENTIFIER: &str = "Lambda-Extension-Identifier";

/// The start is held up by no more than this. Lambda answers in a millisecond or so.
const LIMIT: Duration = Duration::from_secs(2);

/// Registers the extension with the Runtime API at `root`, before the first event is asked for: later it is refused. That
/// it could not be is no reason not to serve events.
pub fn register(root: &str) {
    let base = format!("{root}/2020-01-01/extension");
    let tried = Arc::new((Mutex::new(false), Condvar::new()));
    let told = tried.clone();
    // It inherits the mask by which SIGTERM is blocked, and ends with the process.
    let live = move || {
        let agent = agent(&Arc::default());
        let identifier = identifier(&agent, &base);
        if identifier.is_ok() {
            log::debug("the internal extension is registered: SIGTERM will come before the end");
        }
        let lived = identifier.and_then(|identifier| {
            announce(&told);
            wait_for_ever(&agent, &base, &identifier)
        });
        lived.unwrap_or_else(|problem| warn(&format!("{problem:#}")));
        announce(&told);
    };
    if let Err(error) = thread::Builder::new().spawn(live) {
        return warn(&format!("there is no thread for the extension: {error}"));
    }
    let (done, changed) = &*tried;
    let done = done.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(done, LIMIT, |done| !*done);
    if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
        warn(&format!("the Runtime API's /extension/register did not answer within {LIMIT:?}"));
    }
}

/// Says that the registration is over, whatever came of it.
fn announce((done, changed): &(Mutex<bool>, Condvar)) {
    *done.lock().unwrap_or_else(PoisonError::into_inner) = true;
    changed.notify_all();
}

fn warn(problem: &str) {
    log::warn(format_args!(
        "HANDLER_SHUTDOWN=graceful has no effect: {problem} (the sandbox may end without SIGTERM to the handler)"
    ));
}

/// Registers; what the extension is known by from then on.
fn identifier(agent: &Agent, base: &str) -> anyhow::Result<String> {
    let request = agent.post(&format!("{base}/register"));
    let request = request.header("Lambda-Extension-Name", NAME).header("Content-Type", "application/json");
    let response = judge("register", request.send(br#"{"events":[]}"#.as_slice()))?;
    let identifier = response.headers().iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case(IDENTIFIER));
    let identifier = identifier.and_then(|(_, value)| value.to_str().ok());
    identifier.map(str::to_owned).with_context(|| format!("the Runtime API's /extension/register gave no {IDENTIFIER}"))
}

/// Asks for the events that never come. Only an emulator would give one: it is passed over.
fn wait_for_ever(agent: &Agent, base: &str, identifier: &str) -> anyhow::Result<()> {
    let next: Uri = format!("{base}/event/next").parse()?;
    loop {
        let asked = Instant::now();
        judge("event/next", agent.get(next.clone()).header(IDENTIFIER, identifier).call())?;
        thread::sleep(ASKING_AGAIN.saturating_sub(asked.elapsed()));
    }
}

/// The response to a call, read to its end, if it is a good one.
fn judge(path: &str, response: Result<Response<Body>, ureq::Error>) -> anyhow::Result<Response<Body>> {
    let mut response = response.map_err(|error| anyhow!("the Runtime API's /extension/{path} failed: {error}"))?;
    let words = read_body(&mut response, LONGEST_WORDS).unwrap_or_default();
    let status = response.status().as_u16();
    if status != 200 {
        let words = String::from_utf8_lossy(&words);
        bail!("the Runtime API's /extension/{path} answered {status}: {}", words.trim());
    }
    Ok(response)
}
