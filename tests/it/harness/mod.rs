//! What the tests stand on: a Runtime API to run `bootstrap` against, a builder for functions, another for the shell.
//!
//! Nothing here sleeps. Whatever a test waits for (a request, a log line, an exit) changes one shared account of what was
//! seen, and waiting is a look at that account whenever it changes, with one time limit for everything.

pub mod building;
pub mod calls;
pub mod clients;
pub mod clock;
pub mod confined;
pub mod event;
pub mod fifo;
pub mod files;
pub mod function;
pub mod http;
pub mod images;
pub mod npm;
pub mod police;
pub mod process;
pub mod procfs;
pub mod random;
pub mod raw;
pub mod rie;
pub mod running;
pub mod sandbox;
pub mod server;
pub mod shell;
pub mod speaking;
pub mod stalls;
pub mod tools;
pub mod watch;

pub use calls::{Call, Reply};
pub use event::{Answer, Event, hex};
pub use files::need;
pub use function::Function;
pub use random::{Random, number_from};
pub use running::Running;
pub use shell::Shell;
