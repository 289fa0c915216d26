//! The table of bounds in SECURITY.md. `ways` has each way to talk, by a handler that gives the event back; `measured` measures
//! each of them, and checks it against the bounds that are stated; `stated` has the bounds that are numbers of their own; `page`
//! is the table.
//!
//! `LAMBDA_STDIO_WRITE=1` writes what was measured into SECURITY.md. It is for a machine that does nothing else:
//!
//!     ./build.sh -o out
//!     LAMBDA_STDIO_BOOTSTRAP=out/bootstrap LAMBDA_STDIO_WRITE=1 cargo test --test it bounds::measured -- --test-threads=1

mod measured;
mod page;
mod stated;
mod ways;
