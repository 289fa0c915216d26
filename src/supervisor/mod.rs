//! Which events go to which handler, and when: `one` source with a handler of its own, or several `workers`, each on the way
//! that `events` describes, behind the snapshot that SnapStart takes (`snapstart`). `setup` is all that it takes to start a
//! handler.

mod events;
mod one;
mod setup;
mod snapstart;
mod workers;

pub use one::serve_shell;
pub use setup::Setup;
pub use workers::{init_error, serve as serve_lambda};
