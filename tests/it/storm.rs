//! The storms: thousands of events against handlers that do everything wrong at random, over connections that break, for each
//! way to talk. No event is lost, none is answered twice, none gets another's answer, and afterwards nothing is left over: no
//! process, no descriptor, no memory.
//!
//! `STORM_SEED` repeats a storm (a failing one prints its seed), `SOAK_SECONDS` makes it longer.

mod cgi;
mod course;
mod deeds;
mod forms;
mod handlers;
mod hostile_handler;
mod hostile_server;
mod jsonrpc;
mod life;
mod messages;
mod trees;

use self::cgi::{CGI, CGI_DEEDS, CGI_STREAM_DEEDS};
use self::course::{GENTLE, Storm};
use self::forms::Form;
use self::handlers::{FILTER, FILTER_DEEDS, LOOP, LOOP_DEEDS, ONESHOT, ONESHOT_DEEDS, STREAM, STREAM_DEEDS};
use self::jsonrpc::{JSON_RPC_DEEDS, JSON_RPC_SHARED_DEEDS};
use self::messages::{MESSAGES_DEEDS, SHARED_DEEDS};
use self::trees::{PIPELINE_DEEDS, SERVER_DEEDS};
use crate::harness::Function;

/// How many events are worked on at once, where there are several.
const WORKERS: usize = 8;

/// With several, each may have a large event.
const SEVERAL: Storm = Storm { workers: WORKERS, memory: 40 << 20, ..Storm::of(1000, SHARED_DEEDS) };

fn perl(script: &str) -> Function {
    Function::of("perl", script)
}

#[track_caller]
fn blows(storm: Storm, function: Function) {
    storm.over(&course::prepared(function).start());
}

/// In 128 MB, of which what `bootstrap` starts has as much.
#[track_caller]
fn blows_in_128_mb(storm: Storm, function: Function) {
    let storm = Storm { memory: hostile_handler::MEMORY, ..storm };
    storm.over(&course::prepared(function).start_behind(hostile_handler::LIMIT));
}

#[test]
fn a_loop_in_a_storm() {
    blows(Storm::of(1500, LOOP_DEEDS), perl(LOOP).mode("loop"));
}

#[test]
fn a_loop_that_is_not_said_to_be_one_in_a_storm() {
    blows(Storm::of(800, LOOP_DEEDS), perl(LOOP));
}

#[test]
fn a_loop_with_standby_in_a_storm() {
    blows(Storm { processes: 2, ..Storm::of(600, LOOP_DEEDS) }, perl(LOOP).env("HANDLER_STANDBY", "1"));
}

#[test]
fn a_oneshot_in_a_storm() {
    blows(Storm::of(800, ONESHOT_DEEDS), perl(ONESHOT).mode("oneshot"));
}

#[test]
fn a_filter_that_is_not_said_to_be_one_in_a_storm() {
    blows(Storm::of(600, FILTER_DEEDS), perl(FILTER));
}

#[test]
fn messages_in_a_storm() {
    blows(Storm { disturbances: GENTLE, ..Storm::of(1000, MESSAGES_DEEDS) }, perl(&messages::messages()));
}

#[test]
fn a_stream_in_a_storm() {
    let function = perl(STREAM).mode("oneshot").env("HANDLER_RESPONSE", "streaming");
    blows(Storm { disturbances: GENTLE, ..Storm::of(600, STREAM_DEEDS) }, function);
}

#[test]
fn a_cgi_program_in_a_storm() {
    let form = Form::Page { streamed: false };
    blows_in_128_mb(Storm { form, processes: 0, ..Storm::of(400, CGI_DEEDS) }, perl(CGI).mode("cgi"));
}

#[test]
fn eight_cgi_programs_at_once_in_a_storm() {
    let form = Form::Page { streamed: false };
    blows(Storm { form, processes: 0, deeds: CGI_DEEDS, ..SEVERAL }, perl(CGI).mode("cgi").workers(WORKERS));
}

#[test]
fn a_cgi_program_whose_pages_are_streamed_in_a_storm() {
    let (form, function) = (Form::Page { streamed: true }, perl(CGI).mode("cgi").env("HANDLER_RESPONSE", "streaming"));
    let storm = Storm { form, processes: 0, disturbances: GENTLE, ..Storm::of(400, CGI_STREAM_DEEDS) };
    blows(storm, function);
}

#[test]
fn a_json_rpc_server_in_a_storm() {
    let storm = Storm { form: Form::JsonRpc, ..Storm::of(600, JSON_RPC_DEEDS) };
    blows_in_128_mb(storm, perl(&jsonrpc::server()).mode("jsonrpc"));
}

#[test]
fn eight_events_in_one_json_rpc_server_in_a_storm() {
    let storm = Storm { form: Form::JsonRpc, shared: true, deeds: JSON_RPC_SHARED_DEEDS, ..SEVERAL };
    blows(storm, perl(&jsonrpc::shared()).mode("jsonrpc").workers(WORKERS));
}

#[test]
fn eight_events_in_one_process_in_a_storm() {
    blows(Storm { shared: true, ..SEVERAL }, perl(&messages::shared()).workers(WORKERS));
}

#[test]
fn eight_workers_in_a_storm() {
    let storm = Storm { processes: WORKERS, deeds: LOOP_DEEDS, events: 1500, ..SEVERAL };
    blows(storm, perl(LOOP).workers(WORKERS));
}

#[test]
fn events_with_one_request_id_in_a_storm() {
    blows(Storm { shared: true, same_ids: true, ..SEVERAL }, perl(&messages::shared()).workers(WORKERS));
}

#[test]
fn a_server_in_a_storm() {
    blows(Storm::of(800, SERVER_DEEDS), trees::server());
}

#[test]
fn a_pipeline_in_a_storm() {
    blows(Storm { members: 3, ..Storm::of(800, PIPELINE_DEEDS) }, trees::pipeline());
}

#[test]
fn a_slow_starter_in_a_storm() {
    blows(Storm::of(250, LOOP_DEEDS), trees::slow_starter());
}

#[test]
fn a_loop_in_a_group_of_its_own_in_a_storm() {
    blows(Storm { members: 2, ..Storm::of(600, LOOP_DEEDS) }, trees::own_group());
}

/// Against a handler that attacks.
#[track_caller]
fn attacks(storm: Storm, function: Function) {
    blows_in_128_mb(Storm { clears: true, ..storm }, function);
}

#[test]
fn a_hostile_loop_in_a_storm() {
    attacks(Storm::of(250, hostile_handler::LOOP_DEEDS), perl(&hostile_handler::looping()));
}

#[test]
fn hostile_messages_in_a_storm() {
    let storm = Storm { disturbances: GENTLE, ..Storm::of(200, hostile_handler::MESSAGES_DEEDS) };
    attacks(storm, perl(&hostile_handler::messages()));
}

#[test]
fn a_hostile_filter_in_a_storm() {
    attacks(Storm::of(150, hostile_handler::FILTER_DEEDS), perl(&hostile_handler::filter()).mode("oneshot"));
}

#[test]
fn a_hostile_filter_that_is_not_said_to_be_one_in_a_storm() {
    attacks(Storm::of(150, hostile_handler::FILTER_DEEDS), perl(&hostile_handler::filter()));
}

#[test]
fn a_hostile_server_in_a_storm() {
    hostile_server::over();
}
