//! All that a process printed as one answer, or as the reason why there is none.

use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;
use crate::json;
use crate::log;

/// How much of the output an error quotes, in bytes.
const QUOTED: usize = 400;

/// All of stdout as JSON: as it is if it is JSON, else as a string.
pub fn answer(mut output: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if output.is_empty() {
        return Ok(b"null".to_vec());
    }
    if json::is_value(&output) {
        let start = output.len() - output.trim_ascii_start().len();
        output.truncate(output.trim_ascii_end().len());
        output.drain(..start);
        return Ok(output);
    }
    if matches!(output.trim_ascii_start().first(), Some(b'{' | b'[')) {
        log::warn("the handler's output begins like JSON but is none: it is answered as a string");
    }
    let text = String::from_utf8(output).map_err(|_| {
        Fault::marshal(
            "The handler's output is neither JSON nor text in UTF-8: encode it (base64, say) to answer with it",
        )
    })?;
    let body = serde_json::to_vec(text.strip_suffix('\n').unwrap_or(&text))
        .map_err(|error| Fault::marshal(format!("The handler's output cannot be written as JSON: {error}")))?;
    if body.len() > LARGEST_ANSWER {
        return Err(Fault::too_large(LARGEST_ANSWER, body.len(), true));
    }
    Ok(body)
}

/// It ended with anything but 0: its own error object, if that is all it printed, says what happened.
pub fn failed(status: &str, output: &[u8]) -> Fault {
    if let Some(own) = Fault::from_error_object(output) {
        return own;
    }
    let text = String::from_utf8_lossy(&output[output.len().saturating_sub(QUOTED)..]).trim().to_owned();
    let quote = if text.is_empty() { String::new() } else { format!("; it had printed: {text}") };
    Fault::exit(format!("The handler ended with {status}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(output: &[u8]) -> String {
        String::from_utf8(answer(output.to_vec()).expect("an answer")).expect("text")
    }

    #[test]
    fn json_is_posted_as_it_is_and_text_as_a_string() {
        assert_eq!(
            posted(b" {\"b\":12345678901234567890.10,\n\"a\":1}\n"),
            "{\"b\":12345678901234567890.10,\n\"a\":1}"
        );
        assert_eq!(posted(b"14\n"), "14");
        assert_eq!(posted(b""), "null");
        assert_eq!(posted(b"\n"), "\"\"");
        assert_eq!(posted(b"two\nlines\n\n"), "\"two\\nlines\\n\"");
        assert_eq!(posted(b"{} {}"), "\"{} {}\"");
        assert_eq!(answer(vec![b'x'; LARGEST_ANSWER - 2]).map(|body| body.len()), Ok(LARGEST_ANSWER));
        assert!(answer(vec![b'x'; LARGEST_ANSWER - 1]).is_err());
        assert_eq!(answer(b"\xff".to_vec()).expect_err("a fault").error_type, "Runtime.MarshalError");
    }
}
