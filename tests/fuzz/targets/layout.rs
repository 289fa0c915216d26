//! The white space of a JSON value: nothing but that is changed.

use super::is_shallow;
use crate::json::{compact, flatten, is_value, pretty, push_string};
use serde_json::Value;

pub fn check(data: &[u8]) {
    let (small, large) = (compact(data), pretty(data));
    let mut flat = data.to_vec();
    flatten(&mut flat);
    assert_eq!(flat.len(), data.len());
    assert!(!flat.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
    let text = String::from_utf8_lossy(data);
    let mut string = String::new();
    push_string(&mut string, &text);
    assert_eq!(serde_json::from_str::<String>(&string).ok().as_deref(), Some(&*text));
    if !is_value(data) {
        return;
    }
    assert!(is_value(&small) && is_value(&large) && is_value(&flat));
    assert!(small.len() <= data.len());
    assert_eq!(compact(&small), small);
    assert_eq!(compact(&large), small);
    assert_eq!(compact(&flat), small);
    assert_eq!(pretty(&small), large);
    assert_eq!(pretty(&large), large);
    if is_shallow(data) {
        let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        assert_eq!(value(&small), value(data));
        assert_eq!(value(&large), value(data));
    }
}
