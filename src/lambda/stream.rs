//! An answer that is streamed: sent in chunks as it comes, with the error, if it fails on the way, in real trailers.
//!
//! ureq has no trailers. The smallest sound way is to let it send the chunks and to put the trailers in where it ends
//! them, which is the connection's (`transport`) business: all the rest of HTTP stays ureq's.

use std::io::{self, Read};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::SendBody;

use super::Lambda;
use super::headers::{ERROR_TYPE, INVOCATION_ID, header_value, path_segment};
use super::http::judge;
use super::prelude::Prelude;
use super::transport::Connections;
use crate::fault::Fault;
use crate::invocation::{AnswerStream, Invocation};

const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";

/// Sends `answer` to its end. The fault that ended it, if one did, is returned; it was sent, too.
pub fn send(
    lambda: &Lambda,
    invocation: &Invocation,
    content_type: Option<&str>,
    answer: &mut dyn AnswerStream,
) -> anyhow::Result<Option<Fault>> {
    let path = format!("invocation/{}/response", path_segment(&invocation.id));
    let content_type = header_value(content_type.unwrap_or("application/octet-stream"));
    let mut answer = Prelude::of(answer, &content_type);
    let mut request = lambda
        .agent
        .post(format!("{}/{path}", lambda.base))
        .header("Content-Type", &content_type)
        .header("Lambda-Runtime-Function-Response-Mode", "streaming")
        .header("Trailer", format!("{ERROR_TYPE}, {ERROR_BODY}"));
    if let Some(nonce) = invocation.header(INVOCATION_ID) {
        request = request.header(INVOCATION_ID, nonce);
    }
    let mut body = StreamBody { answer: &mut answer, connections: &lambda.connections, fault: None };
    let _limit = lambda.connections.tending.limit(invocation.deadline);
    lambda.connections.begin_call();
    lambda.connections.begin_stream();
    // Never twice: what was streamed is gone.
    let response = request.send(SendBody::from_reader(&mut body));
    lambda.connections.end_stream();
    let fault = body.fault;
    judge(&lambda.connections, &path, response)?;
    Ok(fault)
}

/// An answer that is being streamed, as ureq reads it. A fault ends it, and goes into the trailers.
struct StreamBody<'a> {
    answer: &'a mut dyn AnswerStream,
    connections: &'a Connections,
    fault: Option<Fault>,
}

impl Read for StreamBody<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Ok(0);
        }
        self.answer.read(piece).or_else(|fault| {
            let body = BASE64_STANDARD.encode(fault.body());
            let error_type = header_value(&fault.error_type);
            self.connections.set_trailers(format!("{ERROR_TYPE}: {error_type}\r\n{ERROR_BODY}: {body}\r\n"));
            self.fault = Some(fault);
            Ok(0)
        })
    }
}
