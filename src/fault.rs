//! Every way in which an invocation, or the start, can fail: what Lambda is told (`errorType`, `errorMessage`,
//! `stackTrace`) and what a person reads in the log. A message says what happened, to what, and what to do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::json;

/// How much of a `stackTrace` is kept for the log.
const MOST_ENTRIES: usize = 100;

const ENVIRONMENT_TOO_LARGE: &str = "Runtime.EnvironmentTooLarge";

/// A failure as `/error` and `/init/error` take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `Lambda-Runtime-Function-Error-Type`. The platform keeps `(Runtime|Function)\.[A-Z][a-zA-Z]+` and turns all
    /// else into `Runtime.Unknown`.
    pub error_type: String,
    pub message: String,
    /// Where it happened: mostly the end of what the handler wrote to stderr, a line each.
    pub stack: Vec<String>,
    /// `Lambda-Runtime-Function-XRay-Error-Cause`, where the handler says one.
    pub cause: Option<String>,
    /// The handler has logged it, in its language's own form.
    pub logged: bool,
    /// The handler's own error object, which is posted as it is.
    own: Option<Box<[u8]>>,
}

impl Fault {
    pub fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: message.into(),
            stack: Vec::new(),
            cause: None,
            logged: false,
            own: None,
        }
    }

    /// Adds where it happened; a handler's own error object says that itself.
    #[must_use]
    pub fn with_stack(mut self, stack: Vec<String>) -> Self {
        if self.own.is_none() {
            self.stack = stack;
        }
        self
    }

    /// `$_HANDLER` is empty or no name at all.
    pub fn malformed_handler_name(message: impl Into<String>) -> Self {
        Self::new("Runtime.MalformedHandlerName", message)
    }

    /// Nothing runs what `$_HANDLER` names.
    pub fn handler_not_found(message: impl Into<String>) -> Self {
        Self::new("Runtime.HandlerNotFound", message)
    }

    /// The handler's file is there but cannot be run.
    pub fn invalid_entrypoint(message: impl Into<String>) -> Self {
        Self::new("Runtime.InvalidEntrypoint", message)
    }

    /// A variable that `bootstrap` reads has a value that it cannot take.
    pub fn invalid_configuration(message: impl Into<String>) -> Self {
        Self::new("Runtime.InvalidConfiguration", message)
    }

    /// The handler ended without an answer, or could not be kept running.
    pub fn exit(message: impl Into<String>) -> Self {
        Self::new("Runtime.ExitError", message)
    }

    /// What the handler said cannot be posted as JSON.
    pub fn marshal(message: impl Into<String>) -> Self {
        Self::new("Runtime.MarshalError", message)
    }

    /// No answer before the deadline.
    pub fn timeout(worked: Duration, seen: &str) -> Self {
        Self::new(
            "Runtime.InvokeTimeout",
            format!(
                "The handler gave no answer in {:.2} s and was killed before the deadline: {seen}",
                worked.as_secs_f64()
            ),
        )
    }

    /// The Runtime API gave an event and broke off in the middle of it.
    pub fn broken_event(error: &anyhow::Error) -> Self {
        Self::new("Runtime.UnmarshalError", format!("The event broke off before all of it had come: {error:#}"))
    }

    /// The event's time is up, and the handler is still starting.
    pub fn still_starting(started: Duration) -> Self {
        Self::new(
            "Runtime.InvokeTimeout",
            format!(
                "The handler is still starting, {:.1} s so far: the event had to wait for it and its time is up (the start goes on)",
                started.as_secs_f64()
            ),
        )
    }

    /// Polling fails where the system has no memory left for it.
    pub fn pipes(error: &std::io::Error) -> Self {
        Self::system("The handler's pipes cannot be waited for", error)
    }

    /// A signal ended `bootstrap` while the event was being worked on.
    pub fn shutdown(signal: &str) -> Self {
        Self::new("Runtime.Shutdown", format!("bootstrap was told to stop ({signal}) before the handler had answered"))
    }

    /// The operating system refused `bootstrap` something that it needs for an exchange.
    pub fn system(what: &str, error: &std::io::Error) -> Self {
        Self::new("Runtime.SystemError", format!("{what}: {error}"))
    }

    /// What is said of the event in the environment is more than the operating system starts a program with.
    pub fn environment_too_large(error: &std::io::Error) -> Self {
        Self::new(
            ENVIRONMENT_TOO_LARGE,
            format!("The handler cannot be started with the variables of this event: {error} (execve(2))"),
        )
    }

    /// Whether it is the event, and not the handler, that no process can be started for.
    pub fn is_of_the_event(&self) -> bool {
        self.error_type == ENVIRONMENT_TOO_LARGE
    }

    /// The answer is larger than Lambda takes.
    pub fn too_large(limit: usize, seen: usize, complete: bool) -> Self {
        let size = if complete { format!("{seen} bytes long") } else { format!("longer than {seen} bytes") };
        Self::new(
            "Function.ResponseSizeTooLarge",
            format!(
                "The answer is {size}; Lambda takes {limit} at most. Put what is large elsewhere (S3, say) and answer with where it is."
            ),
        )
    }

    /// The handler's own error: an object with `errorMessage` and no key but that, `errorType` and `stackTrace`.
    /// `None` for everything else. Large answers cost nothing here: the first key tells most of them apart.
    pub fn from_error_object(answer: &[u8]) -> Option<Self> {
        let mut tokens = answer.trim_ascii_start().iter().filter(|byte| !byte.is_ascii_whitespace());
        if tokens.next() != Some(&b'{')
            || tokens.next() != Some(&b'"')
            || !matches!(tokens.next(), Some(b'e' | b's' | b'\\'))
        {
            return None;
        }
        Self::from_object(answer, |key| matches!(key, "errorMessage" | "errorType" | "stackTrace"))
    }

    /// An adapter's error, which says more in some languages (`requestId` in Python, `trace` in Node.js).
    pub fn from_adapters_object(object: &[u8]) -> Option<Self> {
        Self::from_object(object, |_| true)
    }

    fn from_object(object: &[u8], is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let keys: BTreeMap<String, &RawValue> = serde_json::from_slice(object).ok()?;
        let message = keys.get("errorMessage")?;
        if !keys.keys().all(|key| is_known(key)) {
            return None;
        }
        let stack = keys.get("stackTrace").or_else(|| keys.get("trace"));
        let stack = stack.and_then(|value| json::elements(value.get()));
        Some(Self {
            error_type: keys.get("errorType").map_or_else(|| "Function.Unknown".to_owned(), |value| text(value.get())),
            message: text(message.get()),
            // An error object may be as large as an answer: it is posted as it is, and so much is for the log.
            stack: stack.into_iter().flatten().take(MOST_ENTRIES).map(text).collect(),
            cause: None,
            logged: false,
            own: Some(object.into()),
        })
    }

    /// An error that came as a message: its type is in the header, and its body is posted as it is.
    pub fn from_message(error_type: &str, body: &[u8], cause: Option<&str>) -> Self {
        let mut fault = Self::from_adapters_object(body).unwrap_or_else(|| {
            let message = String::from_utf8_lossy(&body[..body.len().min(1000)]).into_owned();
            Self { own: Some(body.into()), ..Self::new("", message) }
        });
        error_type.clone_into(&mut fault.error_type);
        fault.cause = cause.map(str::to_owned);
        fault
    }

    /// The JSON that is posted: `{"errorMessage","errorType","stackTrace":[strings]}`.
    pub fn body(&self) -> Vec<u8> {
        let made = || {
            serde_json::json!({
                "errorMessage": self.message,
                "errorType": self.error_type,
                "stackTrace": self.stack,
            })
            .to_string()
            .into_bytes()
        };
        self.own.as_deref().map_or_else(made, <[u8]>::to_vec)
    }
}

/// A string's text, and anything else as it is written.
fn text(value: &str) -> String {
    json::string(value).map_or_else(|| value.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_has_a_message_and_no_other_keys() {
        let fault = Fault::from_error_object(
            br#" { "errorMessage": "no such user", "errorType": "LookupError", "stackTrace": ["a", {"b": 1}] }"#,
        )
        .expect("an error object");
        assert_eq!((fault.error_type.as_str(), fault.message.as_str()), ("LookupError", "no such user"));
        assert_eq!(fault.stack, ["a", "{\"b\": 1}"]);
        assert_eq!(Fault::from_error_object(br#"{"errorMessage":7}"#).expect("one").error_type, "Function.Unknown");
        assert_eq!(Fault::from_error_object(br#"{"\u0065rrorMessage":"x"}"#).expect("one").message, "x");
        for answer in [
            r#"{"errorType":"LookupError"}"#,
            r#"{"errorMessage":"x","status":404}"#,
            r#"{"status":404,"errorMessage":"x"}"#,
            r#"["errorMessage"]"#,
            r#""errorMessage""#,
            "{}",
            "7",
        ] {
            assert_eq!(Fault::from_error_object(answer.as_bytes()), None, "{answer}");
        }
    }

    #[test]
    fn a_handlers_own_error_is_posted_to_the_byte() {
        let own = br#"{"errorMessage":"x",  "errorType":"E"}"#;
        assert_eq!(Fault::from_error_object(own).expect("one").body(), own);
    }
}
