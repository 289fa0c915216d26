//! Oneshot: one process per event. The event and end-of-file in, all of stdout out, once it has exited with 0.

use std::io;

use super::exchange::{self, Outcome, Streamed, give_up};
use super::process::{Process, describe};
use super::watch::Watch;
use crate::fault::Fault;
use crate::invocation::{Answer, LARGEST_ANSWER};
use crate::json;

/// How far output that is too large is read, so that the process can come to its own end.
const READ_TO_END: usize = 4 * LARGEST_ANSWER;

/// How much of the output an error quotes.
const QUOTED: usize = 400;

/// Waits for the process to end and makes an answer of what it printed. It was given its event and end-of-file.
pub fn collect(process: &mut Process, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    let mut dropped = 0;
    while !process.ended {
        watch.pump(process, None)?;
        if process.stdout.output.len() > LARGEST_ANSWER {
            dropped += process.stdout.output.len();
            process.stdout.output.clear();
        }
        if process.ended {
            break;
        }
        if dropped > READ_TO_END {
            return Ok(give_up(process, Fault::too_large(LARGEST_ANSWER, dropped, false)));
        }
        if watch.is_over() {
            let seen = doing(process);
            return Ok(exchange::timed_out(process, &seen, watch));
        }
    }
    let unread = process.started < watch.began && !process.stdin.was_read();
    let status = process.kill();
    if unread && watch.stopped_by().is_none() && !status.is_some_and(|status| status.success()) {
        // It stood by, and died before the event could reach it.
        return Ok(Outcome::Untouched);
    }
    let output = std::mem::take(&mut process.stdout.output);
    process.stderr.flush();
    if let Some(signal) = watch.stopped_by()
        && !status.is_some_and(|status| status.success())
    {
        return Ok(give_up(process, Fault::shutdown(signal.as_str())));
    }
    if !status.is_some_and(|status| status.success()) {
        return Ok(give_up(process, failed(&describe(status), &output)));
    }
    if dropped > 0 {
        return Ok(give_up(process, Fault::too_large(LARGEST_ANSWER, dropped + output.len(), true)));
    }
    Ok(match answer(output) {
        Ok(body) => Outcome::Answer(Answer::json(body)),
        Err(reason) => give_up(process, reason),
    })
}

/// Waits for the first bytes of an answer that is to be streamed. A process that ends without any is judged as ever.
pub fn begin_stream(process: &mut Process, content_type: &str, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    while process.stdout.output.is_empty() && !process.ended && !watch.is_over() {
        watch.pump(process, None)?;
    }
    if process.stdout.output.is_empty() {
        return collect(process, watch);
    }
    Ok(Outcome::Answer(Answer::Stream { content_type: Some(content_type.to_owned()) }))
}

/// Waits for the next bytes of an answer that is being streamed: whatever is there.
pub fn stream(process: &mut Process, piece: &mut [u8], watch: &mut Watch<'_>) -> io::Result<Streamed> {
    loop {
        let output = &mut process.stdout.output;
        if !output.is_empty() {
            let length = output.len().min(piece.len());
            piece[..length].copy_from_slice(&output[..length]);
            output.drain(..length);
            return Ok(Streamed::Piece(length));
        }
        if process.ended {
            let status = process.kill();
            if status.is_some_and(|status| status.success()) {
                return Ok(Streamed::End);
            }
            return Ok(Streamed::Failed(give_up(process, failed(&describe(status), &[]))));
        }
        if watch.is_over() {
            let seen = "its output had not ended: its answer is complete once it has exited";
            return Ok(Streamed::Failed(exchange::timed_out(process, seen, watch)));
        }
        watch.pump(process, None)?;
    }
}

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
fn failed(status: &str, output: &[u8]) -> Fault {
    if let Some(own) = Fault::from_error_object(output) {
        return own;
    }
    let text = String::from_utf8_lossy(&output[output.len().saturating_sub(QUOTED)..]).trim().to_owned();
    let quote = if text.is_empty() { String::new() } else { format!("; it had printed: {text}") };
    Fault::exit(format!("The handler ended with {status}{quote}"))
}

/// What a process whose time is up was seen doing, and what may help.
fn doing(process: &Process) -> String {
    let printed = match process.stdout.output.len() {
        0 => "there was no output".to_owned(),
        bytes => format!("it had printed {bytes} bytes"),
    };
    let read = if process.stdin.is_done() { "" } else { ", and it has not read all of the event" };
    format!(
        "{printed}{read}; its answer counts once it has exited (a program that answers and stays: HANDLER_MODE=loop)"
    )
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
        assert_eq!(answer(b"\xff".to_vec()).expect_err("a fault").error_type, "Runtime.MarshalError");
    }
}
