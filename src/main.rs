//! `bootstrap`: an AWS Lambda custom runtime that makes any program a Lambda function.
//!
//! The way of an event: a source gives it (`lambda`, or `shell` in its place), `supervisor` hands it to the `handler`
//! and the answer, or the `fault`, back to the source.

#[cfg(not(target_os = "linux"))]
compile_error!("lambda-stdio is for Linux, which Lambda runs on: build it for a *-linux-* target, or in a container");

mod cli;
mod config;
mod fault;
mod handler;
mod http_event;
mod idle;
mod invocation;
mod json;
mod lambda;
mod log;
mod os;
mod process_tree;
mod shell;
mod source;
mod supervisor;
mod words;
mod xray;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use nix::sys::signal::Signal;

use cli::Arguments;
use config::Config;
use fault::Fault;
use handler::program::{Sought, find};
use os::Signals;
use shell::Shell;
use supervisor::Setup;

fn main() -> ExitCode {
    os::set_up_signals();
    process_tree::become_subreaper();
    log::set_style(config::log_style());
    if let Some(number) = config::telemetry_descriptor() {
        os::reserve_descriptor(number);
    }
    let served = match config::runtime_api() {
        Some(address) => on_lambda(&address),
        None => on_shell(),
    };
    served.unwrap_or_else(|error| {
        log::fatal(format_args!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Whatever is wrong with the configuration or the command line is an init error.
fn on_lambda(address: &str) -> anyhow::Result<ExitCode> {
    let (name, arguments) = cli::on_lambda(config::handler_name());
    let setup = signals().and_then(|signals| {
        let (config, sought) = configure(name, arguments)?;
        let program = find(&sought)?;
        if let Some(file) = &program.file {
            xray::set_handler(
                file,
                program.arguments.last().map(OsString::as_os_str).filter(|_| program.speaks_messages),
            );
        }
        Ok(Setup { config, sought, program: Some(program), signals })
    });
    let served = match setup.inspect_err(log::fault) {
        Ok(setup) => supervisor::serve_lambda(address, &setup),
        Err(fault) => supervisor::init_error(address, &fault),
    };
    process_tree::kill_orphans();
    log::finish();
    served
}

fn on_shell() -> anyhow::Result<ExitCode> {
    let arguments = match Arguments::read(config::handler_name()) {
        Ok(arguments) => arguments,
        Err(error) => return Ok(wrong_usage(&format!("{error:#}"))),
    };
    if let Some(page) = arguments.page {
        page.print(&config::program_name()).context("it could not be written to stdout")?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(name) = arguments.handler else {
        return Ok(wrong_usage("which handler? The first argument names a program or script"));
    };
    let shell = Shell::new(&name, arguments.events, arguments.timeout, arguments.watch, arguments.quiet);
    let signals = signals();
    let setup = signals.clone().and_then(|signals| {
        let (mut config, sought) = configure(name, arguments.for_handler)?;
        config.trace |= arguments.trace;
        config.watch = arguments.watch;
        config.watched = shell.files();
        config.hints = !arguments.quiet;
        // What may change is found anew at each start.
        let program = if arguments.watch { None } else { Some(find(&sought)?) };
        Ok(Setup { config, sought, program, signals })
    });
    let served = match setup {
        Ok(setup) => supervisor::serve_shell(shell, &setup),
        Err(fault) => {
            log::fault(&fault);
            Ok(ExitCode::FAILURE)
        }
    };
    process_tree::kill_orphans();
    log::finish();
    // A script around it stops at an interrupt only if what it has started ended by it.
    if let Ok(signals) = signals
        && signals.pending() == Some(Signal::SIGINT)
    {
        return Ok(signals.end_by(Signal::SIGINT));
    }
    served
}

fn signals() -> Result<Arc<Signals>, Fault> {
    Signals::block().map(Arc::new).map_err(|error| Fault::system("Signals cannot be waited for", &error))
}

/// What the environment and the command line say of the handler.
fn configure(name: OsString, arguments: Vec<OsString>) -> Result<(Config, Sought), Fault> {
    let config = Config::read()?;
    let mut sought = Sought::named(name, config.task_root.clone(), config::search_path());
    sought.arguments = match (config.arguments.is_empty(), arguments.is_empty()) {
        (false, false) => {
            return Err(Fault::invalid_configuration(
                "The handler's arguments are given twice, in HANDLER_ARGS and on the command line: leave out one of them",
            ));
        }
        (false, true) => config.arguments.clone(),
        (true, _) => arguments,
    };
    sought.language = config.language;
    sought.wrapper.clone_from(&config.wrapper);
    Ok((config, sought))
}

fn wrong_usage(problem: &str) -> ExitCode {
    let name = config::program_name();
    log::plain(&format!(
        "{name}: {problem}\n\nTry:\n    echo '{{\"name\":\"Ada\"}}' | {name} ./handler.sh\nMore: {name} --help"
    ));
    ExitCode::from(2)
}
