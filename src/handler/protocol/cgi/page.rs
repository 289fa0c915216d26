//! A CGI program's output as it comes, up to the answer: all of it for a buffered answer, or a prelude and then the pieces
//! of the body for a streamed one.

use super::{Broken, Head, HeadReader};
use crate::http_event::{Form, Response};
use crate::invocation::LARGEST_ANSWER;

#[cfg(test)]
mod tests;

/// One program's output.
#[derive(Debug)]
pub struct Page {
    form: Form,
    /// `HEAD` is answered without the body that its `Content-Length` tells of.
    is_head: bool,
    reader: HeadReader,
    head: Option<Head>,
    /// A streamed answer's prelude was passed on.
    begun: bool,
    body: Vec<u8>,
    /// How much of the body has come.
    seen: u64,
}

impl Page {
    pub fn new(form: Form, method: &str) -> Self {
        Self {
            form,
            is_head: method.eq_ignore_ascii_case("HEAD"),
            reader: HeadReader::default(),
            head: None,
            begun: false,
            body: Vec::new(),
            seen: 0,
        }
    }

    /// Takes what the program printed, for a buffered answer.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Broken> {
        let Some(head) = &self.head else {
            if let Some((head, body)) = self.reader.push(piece)? {
                self.head = Some(head);
                return self.push(&body);
            }
            return Ok(());
        };
        if piece.is_empty() {
            return Ok(());
        }
        has_type(head)?;
        self.seen += piece.len() as u64;
        if self.body.len() + piece.len() > LARGEST_ANSWER {
            return Err(too_large());
        }
        self.body.extend_from_slice(piece);
        Ok(())
    }

    /// Takes what the program printed, for a streamed answer: what can be passed on of it (nothing, as long as the head is
    /// not complete).
    pub fn push_streamed(&mut self, piece: &[u8]) -> Result<Vec<u8>, Broken> {
        let body = if self.head.is_some() {
            piece.to_vec()
        } else {
            let Some((head, body)) = self.reader.push(piece)? else { return Ok(Vec::new()) };
            self.head = Some(head);
            body
        };
        let Some(head) = &self.head else { return Ok(Vec::new()) };
        if body.is_empty() {
            // Whether a head without a type is one depends on whether a body follows.
            return Ok(if head.response.header("content-type").is_some() { self.begin() } else { Vec::new() });
        }
        if !self.begun {
            has_type(head)?;
        }
        let mut out = self.begin();
        self.seen += body.len() as u64;
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Whether a streamed answer has begun: from then on a fault can only cut it off.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The output has ended, and the program with status 0: the answer.
    pub fn finish(mut self) -> Result<Vec<u8>, Broken> {
        let Some(head) = self.head.take() else { return Err(self.reader.finish()) };
        self.check_length(&head)?;
        let mut response = head.response;
        if self.is_head {
            response.headers.extend(head.length.map(|length| ("Content-Length".to_owned(), length.to_string())));
        } else {
            response.body = self.body;
        }
        let answer = response.to_json(self.form);
        if answer.len() > LARGEST_ANSWER { Err(too_large()) } else { Ok(answer) }
    }

    /// The same for a streamed answer: what is still to be passed on.
    pub fn finish_streamed(mut self) -> Result<Vec<u8>, Broken> {
        let rest = if self.head.is_some() { self.begin() } else { return Err(self.reader.finish()) };
        match &self.head {
            Some(head) => self.check_length(head).map(|()| rest),
            None => Ok(rest),
        }
    }

    /// The prelude, once.
    fn begin(&mut self) -> Vec<u8> {
        match &self.head {
            Some(head) if !self.begun => {
                self.begun = true;
                head.response.prelude()
            }
            _ => Vec::new(),
        }
    }

    /// A body that is not as long as the program said was cut off, or is somebody else's.
    fn check_length(&self, head: &Head) -> Result<(), Broken> {
        match head.length {
            Some(length)
                if length != self.seen && !(self.seen == 0 && (self.is_head || head.response.status == 304)) =>
            {
                Err(Broken(format!("Content-Length says {length} bytes, and the body has {}", self.seen)))
            }
            _ => Ok(()),
        }
    }
}

/// What a caller gets in a program's place: a status, and nothing of the inside.
pub fn refusal(form: Form, status: u16) -> Vec<u8> {
    Response::plain(status).to_json(form)
}

/// The same where the answer is streamed.
pub fn refusal_streamed(status: u16) -> Vec<u8> {
    let response = Response::plain(status);
    let mut out = response.prelude();
    out.extend_from_slice(&response.body);
    out
}

fn has_type(head: &Head) -> Result<(), Broken> {
    if head.response.header("content-type").is_some() {
        return Ok(());
    }
    Err(Broken("there is a body, and no Content-Type among the headers".to_owned()))
}

fn too_large() -> Broken {
    Broken(format!(
        "the response is larger than the {LARGEST_ANSWER} bytes that Lambda takes (with base64, a third less). \
         HANDLER_RESPONSE=streaming takes more, or put what is large elsewhere (S3, say) and answer with Location"
    ))
}
