//! CGI/1.1 (RFC 3875): a request is an environment and a body on stdin, a response is header lines and a body on stdout.

mod environment;
mod head;
mod page;

pub use environment::{environment, is_meta_variable};
pub use head::{Broken, Head, HeadReader};
pub use page::{Page, refusal, refusal_streamed};
