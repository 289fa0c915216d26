//! `bootstrap`: an AWS Lambda custom runtime that makes any program a Lambda function.
//!
//! The way of an event: a source gives it (`lambda`, or `shell` in its place), `supervisor` hands it to the `handler`
//! and the answer, or the `fault`, back to the source.

mod cli;
mod config;
mod fault;
mod handler;
mod idle;
mod invocation;
mod json;
mod lambda;
mod log;
mod os;
mod shell;
mod snapstart;
mod source;
mod supervisor;
mod xray;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use cli::Arguments;
use config::Config;
use fault::Fault;
use handler::{Handler, find};
use lambda::Lambda;
use os::Signals;
use shell::Shell;
use source::Source;

fn main() -> ExitCode {
    os::give_back_large_buffers();
    log::set_style(config::log_style());
    if let Some(number) = config::telemetry_descriptor() {
        os::reserve_descriptor(number);
    }
    let arguments = match Arguments::read(config::handler_name()) {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&format!("{error:#}")),
    };
    match run(arguments) {
        Ok(status) => status,
        Err(error) => {
            log::fatal(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.help {
        print!("{}", cli::HELP);
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.version {
        println!("lambda-stdio {}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    let name = arguments.handler.unwrap_or_default();
    let signals = Arc::new(Signals::block()?);
    let mut source: Box<dyn Source> = match config::runtime_api() {
        Some(address) => Box::new(Lambda::at(&address)?),
        None if name.is_empty() && config::handler_name().is_none() => {
            return Ok(wrong_usage("which handler? The first argument names a program or script"));
        }
        None => Box::new(Shell::new(arguments.event_files, arguments.timeout)),
    };
    match start(&name, arguments.trace, &signals, &mut *source) {
        Ok(handler) => supervisor::serve(&mut *source, handler)?,
        Err(_) if signals.pending().is_some() => {}
        Err(fault) => {
            log::fault(&fault);
            source.init_error(&fault)?;
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(if source.all_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start(name: &OsString, trace: bool, signals: &Arc<Signals>, source: &mut dyn Source) -> Result<Handler, Fault> {
    let mut config = Config::read()?;
    config.trace |= trace;
    let program = find::find(name, &config.task_root, &config::search_path())?;
    let graceful = config.graceful;
    let handler = Handler::start(config, name, program, signals.clone())?;
    if graceful {
        source.ask_for_signal();
    }
    Ok(handler)
}

fn wrong_usage(problem: &str) -> ExitCode {
    log::plain(&format!(
        "bootstrap: {problem}\n\nTry:\n    echo '{{\"name\":\"Ada\"}}' | bootstrap ./handler.sh\nMore: bootstrap --help"
    ));
    ExitCode::from(2)
}
