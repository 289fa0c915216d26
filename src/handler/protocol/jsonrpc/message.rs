//! One message, looked at and not built: where its id is, which method it names, what its parameters say of themselves.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{members, string};

/// Where a stateless request of MCP says its revision, in `params._meta`.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// A message of either side.
#[derive(Debug)]
pub struct Message<'a> {
    pub text: &'a str,
    /// Where the id stands.
    pub id: Option<Range<usize>>,
    pub method: Option<Cow<'a, str>>,
    pub params: Option<&'a str>,
    pub result: Option<&'a str>,
    pub error: Option<&'a str>,
    /// It says `"jsonrpc":"2.0"`.
    pub says_version: bool,
}

impl<'a> Message<'a> {
    /// Reads a valid JSON value. The error is why it is no message, whatever else it says.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        let mut message =
            Self { text, id: None, method: None, params: None, result: None, error: None, says_version: false };
        let mut seen = [false; 6];
        for member in members(text).ok_or("a message is an object")? {
            let number = match &*member.name {
                "jsonrpc" => {
                    message.says_version = string(member.value).as_deref() == Some("2.0");
                    0
                }
                "id" => {
                    message.id = Some(member.at..member.at + member.value.len());
                    1
                }
                "method" => {
                    message.method = Some(string(member.value).ok_or("method is a string")?);
                    2
                }
                "params" => {
                    message.params = Some(member.value);
                    3
                }
                "result" => {
                    message.result = Some(member.value);
                    4
                }
                "error" => {
                    message.error = Some(member.value);
                    5
                }
                _ => continue,
            };
            // Two readers might take different ones.
            if std::mem::replace(&mut seen[number], true) {
                return Err("a member is there twice");
            }
        }
        Ok(message)
    }

    /// The id as it is written.
    pub fn id(&self) -> Option<&'a str> {
        self.id.clone().map(|at| &self.text[at])
    }

    /// The id, where it is one that an answer can be told by: a string or a number.
    pub fn usable_id(&self) -> Option<&'a str> {
        self.id().filter(|id| {
            id.starts_with('"') || id.starts_with('-') || id.starts_with(|first: char| first.is_ascii_digit())
        })
    }

    pub fn is_answer(&self) -> bool {
        self.method.is_none() && (self.result.is_some() || self.error.is_some())
    }

    /// The `code` of its error.
    pub fn error_code(&self) -> Option<i64> {
        let code = members(self.error?)?.filter(|member| member.name == "code").last()?;
        code.value.parse().ok()
    }

    /// A member of the parameters, as JSON.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        members(self.params?)?.filter(|member| member.name == name).last().map(|member| member.value)
    }

    /// A member of the parameters' `_meta`, as JSON.
    pub fn meta(&self, name: &str) -> Option<&'a str> {
        members(self.param("_meta")?)?.filter(|member| member.name == name).last().map(|member| member.value)
    }

    /// The revision of MCP that a request of the stateless kind names.
    pub fn stateless_version(&self) -> Option<Cow<'a, str>> {
        self.meta(VERSION_KEY).map(|value| string(value).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_slices_of_itself() {
        let text = r#" {"jsonrpc":"2.0", "id" : 1.50e1 ,"method":"tools\/call","params":{"_meta":{"progressToken":7},"name":"x"}} "#;
        let message = Message::read(text).expect("a message");
        assert_eq!(message.id(), Some("1.50e1"));
        assert_eq!(message.method.as_deref(), Some("tools/call"));
        assert_eq!((message.param("name"), message.meta("progressToken")), (Some("\"x\""), Some("7")));
        assert!(message.says_version && !message.is_answer());
        assert_eq!(message.stateless_version(), None);
    }

    #[test]
    fn what_two_readers_could_take_differently_is_none() {
        for text in [r#"{"id":1,"id":2}"#, r#"{"id":1,"\u0069d":2}"#, r#"{"method":7}"#, "7", "[]", "\"x\""] {
            assert!(Message::read(text).is_err(), "{text}");
        }
        for (text, usable) in
            [("{\"id\":{}}", false), ("{\"id\":null}", false), ("{\"id\":-1}", true), ("{\"id\":\"\"}", true)]
        {
            assert_eq!(Message::read(text).expect("one").usable_id().is_some(), usable, "{text}");
        }
    }

    #[test]
    fn an_answer_may_be_an_error() {
        let message = Message::read(r#"{"id":7,"error":{"code":-32601,"message":"no"}}"#).expect("one");
        assert!(message.is_answer());
        assert_eq!(message.error_code(), Some(-32601));
    }
}
