//! Error objects: told from answers by what their keys are, and what X-Ray hears of them fits into a header.

use super::is_shallow;
use crate::fault::Fault;
use crate::xray;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fn is_error_object(answer: &[u8]) -> bool {
    // A number may be larger than any that serde_json can hold.
    let Ok(keys) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(answer) else { return false };
    let known = |key: &String| matches!(key.as_str(), "errorMessage" | "errorType" | "stackTrace");
    keys.contains_key("errorMessage") && keys.keys().all(known)
}

pub fn check(data: &[u8]) {
    let fault = Fault::from_error_object(data);
    if is_shallow(data) {
        assert_eq!(fault.is_some(), is_error_object(data));
    }
    let own = fault.is_some();
    let text = String::from_utf8_lossy(data).into_owned();
    let fault = fault.unwrap_or_else(|| Fault::new(&text, text.clone()).with_stack(vec![text.clone()]));
    if own {
        assert_eq!(fault.body(), data, "it is posted as it is");
    } else {
        assert!(serde_json::from_slice::<Value>(&fault.body()).is_ok());
    }
    let cause = xray::cause(&fault);
    assert!(cause.len() < 64 * 1024 && cause.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    assert!(serde_json::from_str::<Value>(&cause).is_ok());
    let message = Fault::from_message(&text, data, None);
    assert_eq!(message.body(), data);
}
