//! When a handler process is started, how long it is waited for, and what follows its end.
//!
//! `launch` starts one and waits until it is ready; `restarts` says when to try again, and when not any more; `learned` is
//! what is known of the way in which the handler talks; `pool` has the process that works and the one that stands by;
//! `starts` puts
//! these together; `reload` says when a person has edited the handler (`changes`). A `Lifecycle` is all of it over time.

mod changes;
mod launch;
mod learned;
#[allow(clippy::module_inception)] // The type that the folder is named after.
mod lifecycle;
mod pool;
mod reload;
mod restarts;
mod starts;

pub use lifecycle::Lifecycle;
pub use reload::Reload;
