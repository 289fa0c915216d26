//! What a process is taken to have said, by when it said it.

use super::*;
use crate::handler::protocol::scan::Found;

/// One that has greeted with these words behind.
fn greeted(offers: &str) -> Dialogue {
    let mut dialogue = Dialogue::new(Protocol::Messages);
    dialogue.set_aside(&mut format!("lambda-stdio/1 ready{offers}\n").into_bytes());
    assert!(dialogue.has_greeted());
    dialogue
}

/// The next message's body, and whether it is late.
fn next(dialogue: &mut Dialogue, output: &mut Vec<u8>) -> Option<(Vec<u8>, bool)> {
    match dialogue.next_message(output).expect("no fault")? {
        Item::Message { message, late } => Some((message.body, late)),
        Item::StreamHead(head) => panic!("{head:?}"),
    }
}

#[test]
fn a_greeting_is_found_behind_what_was_printed_before() {
    for protocol in [Protocol::Messages, Protocol::Undecided, Protocol::Loop] {
        for size in [1, 1000] {
            let mut dialogue = Dialogue::new(protocol);
            let mut output = Vec::new();
            for piece in b"loading\nlambda-stdio/1 readyish\n\nlambda-stdio/1 ready concurrency=4\n".chunks(size) {
                assert!(!dialogue.is_broken() && !dialogue.has_greeted());
                assert_eq!(dialogue.awaits_greeting(), protocol == Protocol::Messages);
                output.extend_from_slice(piece);
                dialogue.set_aside(&mut output);
            }
            assert!(dialogue.has_greeted() && !dialogue.awaits_greeting());
            output.extend_from_slice(b"Content-Length: 2\n\n{}");
            assert_eq!(next(&mut dialogue, &mut output), Some((b"{}".to_vec(), false)), "{protocol:?}");
            assert_eq!((dialogue.protocol, dialogue.greeting().concurrency()), (Protocol::Messages, 4));
        }
    }
}

#[test]
fn who_does_not_greet_before_the_first_event_speaks_no_messages() {
    let mut dialogue = Dialogue::new(Protocol::Loop);
    assert!(!dialogue.has_greeted() && !dialogue.awaits_greeting());
    dialogue.begin_event(&mut Vec::new());
    let mut output = b"lambda-stdio/1 ready\n".to_vec();
    dialogue.set_aside(&mut output);
    assert!(!dialogue.has_greeted() && output.is_empty(), "it is text");
}

#[test]
fn what_was_begun_before_the_event_is_no_answer_to_it() {
    let mut dialogue = greeted("");
    let mut output = b"Content-Length: 2\n\n{".to_vec();
    dialogue.begin_event(&mut output);
    assert!(!dialogue.is_broken());
    output.extend_from_slice(b"}Content-Length: 1\n\n7");
    assert_eq!(next(&mut dialogue, &mut output), Some((b"{}".to_vec(), true)));
    assert_eq!(next(&mut dialogue, &mut output), Some((b"7".to_vec(), false)));
    // One that is whole is dropped before.
    output.extend_from_slice(b"Content-Length: 1\n\n8\n\r\n");
    dialogue.begin_event(&mut output);
    assert!(!dialogue.is_broken() && next(&mut dialogue, &mut output).is_none());
}

#[test]
fn bytes_behind_an_answer_break_the_talk_unless_several_events_are_in_flight() {
    for (offers, broken) in [("", true), (" concurrency=1", true), (" concurrency=2", false)] {
        let mut dialogue = greeted(offers);
        dialogue.begin_event(&mut b"\"}".to_vec());
        assert_eq!(dialogue.is_broken(), broken, "{offers:?}");
    }
}

#[test]
fn what_cannot_be_read_between_events_breaks_the_talk() {
    let mut dialogue = greeted("");
    let mut output = b"Content-Length: 1\n\n7".to_vec();
    dialogue.set_aside(&mut output);
    assert!(!dialogue.is_broken());
    output.extend_from_slice(b"oops\n\n");
    dialogue.set_aside(&mut output);
    assert!(dialogue.is_broken() && output.is_empty());
    output.extend_from_slice(b"Content-Length: 1\n\n7");
    dialogue.set_aside(&mut output);
    assert!(dialogue.is_broken() && output.is_empty(), "nothing is read any more");
}

#[test]
fn an_error_in_place_of_readiness_is_the_reason_unless_more_follows() {
    let error = b"{\"errorType\":\"A.B\",\"errorMessage\":\"why\"}\n";
    for protocol in [Protocol::Messages, Protocol::Undecided] {
        let mut dialogue = Dialogue::new(protocol);
        assert!(dialogue.opening_error().is_none());
        let mut output = [b"text\n", &error[..]].concat();
        dialogue.set_aside(&mut output);
        assert_eq!(dialogue.opening_error().map(|fault| fault.message), Some("why".to_owned()), "{protocol:?}");
        output.extend_from_slice(b"{\"a\":1}\n");
        dialogue.set_aside(&mut output);
        assert!(dialogue.opening_error().is_none() && output.is_empty());
        output.extend_from_slice(&[&error[..], b"lambda-stdio/1 ready\n"].concat());
        dialogue.set_aside(&mut output);
        assert!(dialogue.opening_error().is_none() && dialogue.has_greeted());
    }
}

#[test]
fn only_what_has_no_end_is_kept_for_the_first_event_and_nothing_for_the_next() {
    let mut dialogue = Dialogue::new(Protocol::Undecided);
    let mut output = b"text\n{\"body\":".to_vec();
    dialogue.begin_event(&mut output);
    assert_eq!(output, b"{\"body\":");
    output.extend_from_slice(b"1}\n");
    let found = dialogue.scan.advance(&mut output, &mut dialogue.text, false);
    assert!(matches!(found, Some(Found::Answer { .. })), "{found:?}");
    let mut output = b"{\"late\":".to_vec();
    dialogue.begin_event(&mut output);
    assert!(output.is_empty());
    // One that has had no event and ends has said nothing that counts.
    let mut dialogue = Dialogue::new(Protocol::Undecided);
    let mut output = b"{\"body\":".to_vec();
    dialogue.flush(&mut output);
    assert!(output.is_empty());
    dialogue.begin_event(&mut output);
    output.extend_from_slice(b"1\n");
    let found = dialogue.scan.advance(&mut output, &mut dialogue.text, false);
    assert!(matches!(found, Some(Found::Answer { .. })), "{found:?}");
}

#[test]
fn a_whole_output_is_kept_up_to_what_no_answer_may_have() {
    let mut dialogue = Dialogue::new(Protocol::Oneshot);
    let mut output = vec![b'x'; LARGEST_ANSWER + 10];
    dialogue.set_aside(&mut output);
    assert_eq!(output.len(), LARGEST_ANSWER + 1, "that it is too large can be told");
    dialogue.flush(&mut output);
    assert_eq!(output.len(), LARGEST_ANSWER + 1);
}
