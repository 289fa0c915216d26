//! Events from Lambda's Runtime API, and their answers.
//!
//! The two calls that each event makes go over a kept connection (`connection`) in a few lines of our own (`fast_path`, `event`). All
//! other calls are ureq's (`http`), over the same connection (`transport`, `buffers`): errors, answers that are streams (`stream`,
//! `prelude`), what Lambda wants to be asked before the first event (`snapstart`, `extension`), and whatever is unusual.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod buffers;
mod connection;
mod event;
mod extension;
mod fast_path;
mod headers;
mod http;
mod prelude;
mod snapstart;
mod stream;
mod transport;

use std::borrow::Cow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use self::fast_path::{FastPath, Went};
use self::headers::{ERROR_CAUSE, error_headers, header_value, path_segment, with_nonce};
use self::http::{LONGEST_WORDS, agent, judge, judge_status, read_body, warn_of_double};
use self::transport::Connections;
use crate::fault::Fault;
use crate::idle::Tended;
use crate::invocation::{AnswerStream, Invocation, Whole};
use crate::source::{Snapshots, Source};
use crate::{config, log, xray};

/// An emulator that answers 204 at once is asked again no more often than this.
const ASKING_AGAIN: Duration = Duration::from_millis(50);

/// How often a patient worker asks, and how long it pauses first; then twice as long, and so on.
const PATIENCE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The Runtime API of one function.
pub struct Lambda {
    agent: Agent,
    connections: Arc<Connections>,
    fast_path: FastPath,
    /// `http://host:port[/path]`
    root: String,
    /// The same with `/2018-06-01/runtime`.
    base: String,
    /// Where the next event is, read once for all events.
    next: Uri,
    /// How often in a row `/next` may fail before that is the end.
    tries: u32,
}

impl Lambda {
    /// `address` is `$AWS_LAMBDA_RUNTIME_API`: `host:port` on Lambda, with a path or a scheme from emulators.
    pub fn at(address: &str) -> anyhow::Result<Self> {
        let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let root = format!("http://{address}");
        let base = format!("{root}/2018-06-01/runtime");
        let next = format!("{base}/invocation/next").parse::<Uri>().ok();
        let next = next.filter(|next| transport::address(next).is_some()).with_context(|| {
            format!("AWS_LAMBDA_RUNTIME_API={address} cannot be read: it takes ADDRESS:PORT, such as 127.0.0.1:9001")
        })?;
        let connections = Arc::new(Connections::default());
        let fast_path = FastPath::new(connections.clone(), &base.parse()?);
        Ok(Self { agent: agent(&connections), connections, fast_path, root, base, next, tries: 1 })
    }

    /// For one of several workers: what goes wrong with `/next` may be over soon, and is nobody else's business.
    pub fn patient(mut self) -> Self {
        self.tries = PATIENCE;
        self
    }

    /// Has Lambda send SIGTERM before it ends the sandbox, if it can be had. To be called before the first `next`, once for
    /// all workers.
    pub fn ask_for_sigterm(&self) {
        extension::register(&self.root);
    }

    /// Says that the handler could not be started. Nothing comes after it.
    pub fn init_error(&self, fault: &Fault) -> anyhow::Result<()> {
        self.post_failed_start("init/error", fault)
    }

    /// Asks for the next event once.
    fn ask(&self) -> anyhow::Result<Response<Body>> {
        let connections = self.connections.opened();
        let ask = || self.agent.get(self.next.clone()).call();
        let response = match ask() {
            // The server has closed a connection that was kept: nothing was asked yet.
            Err(error) if transport::is_broken(&error) && self.connections.opened() == connections => ask(),
            other => other,
        };
        response.map_err(|error| {
            let address = self.base.split('/').nth(2).unwrap_or_default();
            anyhow!(
                "the Runtime API's /next failed: {error} (AWS_LAMBDA_RUNTIME_API={address}; unset it to serve a shell)"
            )
        })
    }

    fn next_event(&mut self) -> anyhow::Result<Option<Invocation>> {
        loop {
            if let Went::Well(invocation) = self.fast_path.next()? {
                return Ok(Some(invocation));
            }
            let asked = Instant::now();
            let mut response = self.ask()?;
            match response.status().as_u16() {
                200 => return event::read(&mut response).map(Some),
                204 => {
                    read_body(&mut response, 0)?;
                    if asked.elapsed() < ASKING_AGAIN {
                        thread::sleep(ASKING_AGAIN);
                    }
                }
                status => {
                    let words = read_body(&mut response, LONGEST_WORDS).unwrap_or_default();
                    bail!("the Runtime API's /next answered {status}: {}", String::from_utf8_lossy(&words).trim());
                }
            }
        }
    }

    /// Posts `body` to `path`; once more where the connection breaks before it was answered, since the platform refuses
    /// doubles.
    fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> anyhow::Result<()> {
        let response = match self.post_once(path, headers, body) {
            Err(error) if transport::is_broken(&error) => {
                if let Some(status) = self.connections.take_cut() {
                    return judge_status(path, status, "(the rest of the response is lost)");
                }
                warn_of_double(path);
                self.post_once(path, headers, body)
            }
            other => other,
        };
        judge(&self.connections, path, response)
    }

    fn post_once(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response<Body>, ureq::Error> {
        self.connections.begin_call();
        let post = self.agent.post(format!("{}/{path}", self.base));
        headers.iter().fold(post, |request, (name, value)| request.header(*name, *value)).send(body)
    }

    fn post_failed_start(&self, path: &str, fault: &Fault) -> anyhow::Result<()> {
        let error_type = header_value(&fault.error_type);
        self.post(path, &error_headers(&error_type), &fault.body())
    }
}

impl Source for Lambda {
    fn tend(&mut self, tended: Tended) {
        self.connections.tending.tend(tended);
    }

    fn next(&mut self) -> anyhow::Result<Option<Invocation>> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..self.tries {
            match self.next_event() {
                Err(error) if !self.connections.tending.is_over() => log::warn(format_args!("{error:#}; trying again")),
                result => return result,
            }
            thread::sleep(pause);
            pause *= 2;
        }
        self.next_event()
    }

    fn respond(&mut self, invocation: &Invocation, answer: Whole) -> anyhow::Result<()> {
        let content_type = answer
            .content_type
            .as_deref()
            .map_or(Cow::Borrowed("application/json"), |said| Cow::Owned(header_value(said)));
        let _limit = self.connections.tending.limit(invocation.deadline);
        let went = self.fast_path.respond(invocation, &content_type, &answer.body);
        let went = went.with_context(|| format!("the Runtime API's /response to {} failed", invocation.id))?;
        let path = || format!("invocation/{}/response", path_segment(&invocation.id));
        let headers = || with_nonce(&[("Content-Type", &*content_type)], invocation);
        match went {
            Went::Well(()) => {
                self.fast_path.renew(answer.body);
                Ok(())
            }
            Went::Cut(status) => judge_status(&path(), status, "(the rest of the response is lost)"),
            Went::Unusual => self.post(&path(), &headers(), &answer.body),
            Went::Broken => {
                warn_of_double(&path());
                judge(&self.connections, &path(), self.post_once(&path(), &headers(), &answer.body))
            }
        }
    }

    fn stream(
        &mut self,
        invocation: &Invocation,
        content_type: Option<&str>,
        answer: &mut dyn AnswerStream,
    ) -> anyhow::Result<Option<Fault>> {
        stream::send(self, invocation, content_type, answer)
    }

    fn report(&mut self, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()> {
        let error_type = header_value(&fault.error_type);
        let cause = fault.cause.as_deref().map_or_else(|| xray::cause(fault), header_value);
        let [content_type, error_type] = error_headers(&error_type);
        let headers = with_nonce(&[content_type, error_type, (ERROR_CAUSE, &cause)], invocation);
        let _limit = self.connections.tending.limit(invocation.deadline);
        let path = format!("invocation/{}/error", path_segment(&invocation.id));
        self.post(&path, &headers, &fault.body())
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        config::is_snapstart().then_some(self)
    }
}
