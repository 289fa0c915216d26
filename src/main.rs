//! `bootstrap`: an AWS Lambda custom runtime that makes any program a Lambda function.
//!
//! The way of an event: a source gives it (`lambda`, or `shell` in its place), `supervisor` hands it to the `handler`
//! and the answer, or the `fault`, back to the source.

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
mod xray;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use cli::Arguments;
use config::Config;
use fault::Fault;
use handler::program::find;
use os::Signals;
use shell::Shell;
use supervisor::Setup;

fn main() -> ExitCode {
    os::set_up_signals();
    os::become_subreaper();
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
    let address = config::runtime_api();
    if arguments.watch && address.is_some() {
        return Ok(wrong_usage(
            "--watch is for a shell: what Lambda runs (AWS_LAMBDA_RUNTIME_API is set) does not change",
        ));
    }
    if address.is_none() && name.is_empty() && config::handler_name().is_none() {
        return Ok(wrong_usage("which handler? The first argument names a program or script"));
    }
    let setup = set_up(name, arguments.trace, arguments.watch, signals).inspect_err(log::fault);
    let served = match (address, setup) {
        (Some(address), Ok(setup)) => supervisor::serve_lambda(&address, &setup),
        (Some(address), Err(fault)) => supervisor::init_error(&address, &fault),
        (None, Ok(setup)) => supervisor::serve_shell(Shell::new(arguments.event_files, arguments.timeout), &setup),
        (None, Err(_)) => Ok(ExitCode::FAILURE),
    };
    process_tree::kill_orphans();
    served
}

fn set_up(name: OsString, trace: bool, watch: bool, signals: Arc<Signals>) -> Result<Setup, Fault> {
    let mut config = Config::read()?;
    config.trace |= trace;
    config.watch = watch;
    let find = || find(&name, &config.task_root, &config::search_path());
    let program = if watch { None } else { Some(find()?) };
    Ok(Setup { config, name, program, signals })
}

fn wrong_usage(problem: &str) -> ExitCode {
    log::plain(&format!(
        "bootstrap: {problem}\n\nTry:\n    echo '{{\"name\":\"Ada\"}}' | bootstrap ./handler.sh\nMore: bootstrap --help"
    ));
    ExitCode::from(2)
}
