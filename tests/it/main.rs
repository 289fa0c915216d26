//! The integration tests: one binary, `bootstrap` from the outside, against a Runtime API of their own or on a shell.
//!
//! Each module is one part of what `bootstrap` promises. All of them run at once, wait for events instead of sleeping, and
//! use the loopback interface alone.

mod harness;

mod adapter_bash;
mod adapter_node;
mod adapter_python;
mod adapter_ruby;
mod adapter_sbcl;
mod auto;
mod bounds;
mod build_sbcl;
mod build_zip;
mod cgi;
mod clock;
mod context;
mod dependencies;
mod deploy;
mod deploying;
mod emulator;
mod errors_told;
mod examples;
mod exits;
mod extension;
mod faults;
mod faults_limits;
mod faults_server;
mod frozen;
mod hostile;
mod image;
mod jsonrpc;
mod languages;
mod layers;
mod libraries_node;
mod libraries_python;
mod limits;
mod log;
mod loop_;
mod messages;
mod official_node;
mod oneshot;
mod package;
mod pages;
mod readme;
mod ready;
mod resources;
mod rie;
mod runtime_api;
mod runtime_image;
mod sandbox;
mod security;
mod shared;
mod shell;
mod signals;
mod snapstart;
mod snapstart_hooks;
mod static_binary;
mod storm;
mod streams;
mod traps;
mod truth;
mod variables;
mod watching;
mod which_handler;
mod workers;
