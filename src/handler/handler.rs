//! What a handler is: its settings, its processes, its context file; and one exchange with it, from the event to the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::ContextFile;
use super::exchange::{self, Limits, Manner, Outcome, Streamed, trace};
use super::instance::Instance;
use super::lifecycle::{Lifecycle, Reload};
use super::process::describe;
use super::program::Program;
use super::program::Sought;
use super::protocol::cgi::{self, Page};
use super::protocol::{Protocol, jsonrpc};
use super::shared::Shared;
use super::variables::Variable;
use super::{refusal, snapshot};
use crate::config::Config;
use crate::fault::Fault;
use crate::http_event::Request;
use crate::idle::{Tend, Wanted};
use crate::invocation::{Answer, Invocation};
use crate::log;
use crate::os::Signals;

/// After so long without an answer a person at a shell is told what the handler is seen doing.
const HINT_AFTER: Duration = Duration::from_secs(3);

/// The handler with its processes.
pub struct Handler {
    config: Config,
    lifecycle: Lifecycle,
    context: Option<ContextFile>,
    /// When the last event was given to the handler.
    began: Instant,
}

impl Handler {
    /// Starts the handler and waits until it is ready. Any fault is one of the start: an init error.
    /// Without a `program` it is found here, and anew when it has changed.
    pub fn start(
        config: Config,
        sought: &Sought,
        program: Option<Program>,
        signals: Arc<Signals>,
    ) -> Result<Self, Fault> {
        // Before anything is written: the context file may be in there.
        let reload = config.watch.then(|| Reload::under(&config.task_root, &config.watched)).transpose()?;
        let context = ContextFile::create().map_err(|error| {
            log::warn(format_args!("there will be no LAMBDA_CONTEXT_FILE: {error}"));
        });
        let context = context.ok();
        let path = context.as_ref().map(ContextFile::path);
        let lifecycle = Lifecycle::start(config.clone(), sought, program, signals, path, reload)?;
        Ok(Self { config, lifecycle, context, began: Instant::now() })
    }

    /// Carries out one exchange: the event goes to the handler, its answer comes back. The body of `invocation` is
    /// used up.
    pub fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.lifecycle.busy = true;
        self.began = Instant::now();
        let body = std::mem::take(&mut invocation.body);
        if self.config.trace {
            log::trace('>', &body);
        }
        let result = match self.lifecycle.starts.learned.protocol {
            Protocol::Cgi => self.serve_request(invocation, &body),
            Protocol::JsonRpc => self.call_server(invocation, &body),
            _ => self.exchange_twice_at_most(invocation, body),
        };
        if self.config.trace {
            trace(&result);
        }
        result
    }

    /// The next piece of an answer that is a stream.
    pub fn stream(&mut self, deadline: Option<Instant>, piece: &mut [u8]) -> Result<usize, Fault> {
        let Some(mut instance) = self.lifecycle.pool.current.take() else {
            return Err(Fault::exit("The handler is gone"));
        };
        let answer_by = self.config.answer_by(self.began, deadline);
        let streamed =
            exchange::stream(&mut instance, piece, &mut Limits::of(self.lifecycle.for_limits(), self.began, answer_by));
        let (result, keep) = match streamed.map_err(|error| Fault::pipes(&error))? {
            Streamed::Piece(length) => (Ok(length), true),
            Streamed::End => (Ok(0), !instance.protocol().is_oneshot() && !instance.retired),
            Streamed::Failed(Outcome::Fault { fault, keep }) => (Err(fault), keep),
            Streamed::Failed(_) => (Err(Fault::exit("The handler ended before its answer was complete")), false),
        };
        self.lifecycle.pool.put_back(instance, keep);
        result
    }

    /// The answer that the handler is giving is of no use any more: neither is the handler.
    pub fn abandon(&mut self) {
        self.lifecycle.pool.current = None;
        self.lifecycle.pool.spent = None;
    }

    /// The event with this deadline is over: makes the handler ready for the next one, which is asked for in time, whatever
    /// is starting. An error means that the handler cannot be started.
    pub fn renew(&mut self, deadline: Option<Instant>) -> anyhow::Result<()> {
        self.lifecycle.renew(self.config.ask_by(self.began, deadline))
    }

    /// Ends the handler: by itself if it will, and in any case in bounded time.
    pub fn stop(&mut self) {
        self.lifecycle.stop();
    }

    /// An error once the handler has been given up.
    pub fn is_alive(&self) -> anyhow::Result<()> {
        self.lifecycle.starts.is_alive()
    }

    /// Whether a signal has told `bootstrap` to end.
    pub fn is_stopping(&self) -> bool {
        self.lifecycle.pool.is_stopping()
    }

    /// How many events the handler takes at once in one process.
    pub fn concurrency(&self) -> u16 {
        if self.lifecycle.starts.learned.protocol == Protocol::JsonRpc {
            return u16::MAX;
        }
        let current = self.lifecycle.pool.current.as_ref();
        current.map_or(1, |instance| instance.dialogue.greeting().concurrency())
    }

    /// Has the one process that there is work on the events of several workers.
    pub fn share(self, workers: usize) -> std::io::Result<Shared> {
        Shared::new(self.lifecycle, self.config, workers)
    }

    /// Tells the handler that a snapshot is about to be taken, and waits until it agrees.
    pub fn before_snapshot(&mut self) -> Result<(), Fault> {
        snapshot::BEFORE.tell_all(&mut self.lifecycle, self.config.ready_timeout)
    }

    /// Tells the handler that it was restored from a snapshot, and waits until it is ready for events again.
    pub fn after_restore(&mut self) -> Result<(), Fault> {
        snapshot::AFTER.tell_all(&mut self.lifecycle, self.config.ready_timeout)
    }

    /// A process that ended before it had read a byte of the event ended idle, whatever the clocks say: the event then
    /// goes to the next one. Once, for a process that ends without reading may do so for ever.
    fn exchange_twice_at_most(&mut self, invocation: &Invocation, body: Vec<u8>) -> Result<Answer, Fault> {
        let give = |body| {
            move |instance: &mut Instance, manner: Manner<'_>, limits: &mut Limits<'_>| {
                exchange::carry_out(instance, invocation, body, manner, limits)
            }
        };
        let (mut instance, outcome) = self.hand_over(invocation, &[], give(body))?;
        if !matches!(outcome, Outcome::Untouched) {
            return self.settle(instance, outcome);
        }
        let body = instance.take_back();
        self.lifecycle.starts.ended_idle(instance);
        let (instance, outcome) = self.hand_over(invocation, &[], give(body))?;
        self.settle(instance, outcome)
    }

    /// An HTTP request for a CGI program. Whatever goes wrong is a status for the caller, and told in the log.
    fn serve_request(&mut self, invocation: &Invocation, event: &[u8]) -> Result<Answer, Fault> {
        let mut request = Request::read(event)?;
        let streaming = self.config.streaming.is_some();
        let refused = |status| refusal::answer(request.form, streaming, status);
        let variables = match cgi::environment(&request) {
            Ok(variables) => variables,
            Err(status) => return Ok(refused(status)),
        };
        let (page, body) = (Page::new(request.form, &request.method), std::mem::take(&mut request.body));
        let serve = |instance: &mut Instance, _: Manner<'_>, limits: &mut Limits<'_>| {
            exchange::serve(instance, page, body, streaming, limits)
        };
        let served = self.hand_over(invocation, &variables, serve);
        let served = served.and_then(|(instance, outcome)| self.settle(instance, outcome));
        served.or_else(|fault| {
            log::fault(&fault);
            Ok(refused(refusal::status(&fault)))
        })
    }

    /// An event for a JSON-RPC server. It is read again for the second server, where the first turns out to have ended.
    fn call_server(&mut self, invocation: &Invocation, body: &[u8]) -> Result<Answer, Fault> {
        let streaming = self.config.streaming.is_some();
        let read = || jsonrpc::Event::read(body, streaming);
        for is_last in [false, true] {
            let event = read()?;
            let is_of_another_kind =
                |instance: &mut Box<Instance>| instance.dialogue.talk.session.needs_fresh_server(&event);
            if self.lifecycle.pool.current.take_if(is_of_another_kind).is_some() {
                log::debug(
                    "the server has served callers of the other kind (with a handshake or without): it is started again",
                );
            }
            let call = |instance: &mut Instance, _: Manner<'_>, limits: &mut Limits<'_>| {
                exchange::call(instance, event, limits)
            };
            match self.hand_over(invocation, &[], call) {
                Ok((instance, Outcome::Untouched)) if !is_last => self.lifecycle.starts.ended_idle(instance),
                Ok((instance, outcome)) => match self.settle(instance, outcome) {
                    // A process that is gone can tell nobody by itself.
                    Err(fault) => return exchange::jsonrpc::refuse(read()?, &fault),
                    answer => return answer,
                },
                Err(fault) => return exchange::jsonrpc::refuse(read()?, &fault),
            }
        }
        Err(Fault::exit("The handler ended twice without reading the event"))
    }

    /// Gives an event to a process, by `give`. `variables` are for a process that is started for it, beside those that say
    /// what Lambda says of it.
    fn hand_over(
        &mut self,
        invocation: &Invocation,
        variables: &[Variable],
        give: impl FnOnce(&mut Instance, Manner<'_>, &mut Limits<'_>) -> std::io::Result<Outcome>,
    ) -> Result<(Box<Instance>, Outcome), Fault> {
        let answer_by = self.config.answer_by(self.began, invocation.deadline);
        let of_event = if self.lifecycle.starts.starts_for_event() {
            [super::variables::variables(invocation).as_slice(), variables].concat()
        } else {
            Vec::new()
        };
        let mut instance = self.lifecycle.take_for_event(answer_by, &of_event)?;
        instance.expect(self.lifecycle.starts.learned.protocol);
        instance.dialogue.talk.session.serves = self.lifecycle.starts.learned.serves;
        // In messages it is in the headers.
        if instance.needs_context_file() {
            self.write_context(invocation);
        }
        let manner =
            Manner { streaming: self.config.streaming.as_deref(), half_margin: self.config.deadline_margin / 2 };
        let mut limits = Limits::of(self.lifecycle.for_limits(), self.began, answer_by);
        limits.hint_at = self.config.hints.then(|| self.began + HINT_AFTER);
        let outcome = give(&mut instance, manner, &mut limits);
        Ok((instance, outcome.map_err(|error| Fault::pipes(&error))?))
    }

    /// What an outcome means for the process and for the way to talk.
    fn settle(&mut self, mut instance: Box<Instance>, outcome: Outcome) -> Result<Answer, Fault> {
        let lifecycle = &mut self.lifecycle;
        let protocol = instance.protocol();
        let (result, keep) = match outcome {
            Outcome::Answer(answer) => {
                let goes_on = matches!(answer, Answer::Stream { whole: false, .. }) || !protocol.is_oneshot();
                // It may be an answer that tells of a fault: the process is gone then.
                (Ok(answer), goes_on && !instance.retired)
            }
            Outcome::Fault { fault, keep } => (Err(fault), keep),
            Outcome::Untouched => {
                let status = describe(instance.process.kill());
                let fault = Fault::exit(format!("The handler ended with {status} without reading the event"));
                (Err(fault.with_stack(instance.process.stderr.stack())), false)
            }
            Outcome::ReadsToEnd { answer, learn } => {
                if learn && protocol == Protocol::Undecided {
                    lifecycle.starts.learned.reads_to_end();
                }
                (Ok(answer), false)
            }
            Outcome::Buffered(fault) => {
                lifecycle.starts.learned.buffers();
                (Err(fault), false)
            }
        };
        lifecycle.starts.learned.note(protocol, result.is_ok(), instance.answers > 0);
        lifecycle.starts.learned.serves = instance.dialogue.talk.session.serves;
        if (result.is_ok() && !instance.retired) || keep {
            lifecycle.starts.restarts.succeeded();
        }
        lifecycle.pool.put_back(instance, keep);
        result
    }

    fn write_context(&mut self, invocation: &Invocation) {
        if let Some(context) = &mut self.context
            && let Err(error) = context.write(invocation)
        {
            log::error(format_args!("LAMBDA_CONTEXT_FILE could not be brought up to date: {error}"));
        }
    }
}

impl Tend for Handler {
    fn wait(&mut self, wanted: Wanted<'_>) -> std::io::Result<()> {
        self.lifecycle.wait(wanted)
    }
}
