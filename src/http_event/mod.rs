//! HTTP as events: what a function URL, API Gateway or a load balancer makes of a request, and what each wants as the
//! response. They have four forms for the same thing; everything behind this module knows one `Request` and one
//! `Response`.

mod object;
mod percent;
mod request;
mod response;

pub use request::Request;
pub use response::{MOST_COOKIES, Response};

/// How an event says what the request was, and so how it wants the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Payload format 2.0: function URLs, and HTTP APIs of API Gateway.
    V2,
    /// Payload format 1.0: REST APIs, and HTTP APIs that ask for it.
    V1,
    /// A target of an Application Load Balancer.
    LoadBalancer,
    /// The same, where the target group has multi-value headers.
    LoadBalancerMulti,
}
