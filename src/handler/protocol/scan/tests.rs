//! The answer is found among whatever a handler prints, and what is no answer costs neither time nor memory.

use super::*;

/// The answer in `printed`, fed in pieces of `size`, and what follows it.
fn answer_in(printed: &[u8], size: usize) -> Option<(String, String)> {
    let mut scan = Scan::new();
    let (mut output, mut log) = (Vec::new(), Lines::default());
    let mut pieces = printed.chunks(size).peekable();
    while let Some(piece) = pieces.next() {
        output.extend_from_slice(piece);
        if let Some(Found::Answer { value, rest }) = scan.advance(&mut output, &mut log, pieces.peek().is_none()) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let left: Vec<u8> = output[rest..].iter().copied().chain(pieces.flatten().copied()).collect();
            return Some((text(&output[value]), text(&left)));
        }
    }
    None
}

fn answer(printed: &str) -> Option<(String, String)> {
    let whole = answer_in(printed.as_bytes(), usize::MAX);
    for size in [1, 2, 5] {
        assert_eq!(answer_in(printed.as_bytes(), size), whole, "{printed:?} in pieces of {size}");
    }
    whole
}

/// What `answer` says of this value and what follows it.
fn found(value: &str, rest: &str) -> Option<(String, String)> {
    Some((value, rest)).map(|(value, rest)| (value.to_owned(), rest.to_owned()))
}

#[test]
fn text_before_the_answer_is_passed_over() {
    assert_eq!(answer("loading…\n[INFO] started\n2026-11-22 12:00 ready\n{\"a\":1}\n"), found("{\"a\":1}", "\n"));
    assert_eq!(answer("{oops\n\"no end\n\n  {\"in\":1}\n7\n"), found("7", "\n"));
    assert_eq!(answer("{\n \"a\": [\n 1 ]\n} behind\n"), found("{\n \"a\": [\n 1 ]\n}", " behind\n"));
}

#[test]
fn several_lines_that_are_no_value_give_back_all_but_the_first() {
    assert_eq!(answer("[1,\n{\"ok\":1}\n{\"ok\":2}\n"), found("{\"ok\":1}", "\n{\"ok\":2}\n"));
    assert_eq!(answer("{\n[\n{\n\"x\"\noops\n"), found("\"x\"", "\noops\n"));
}

#[test]
fn the_end_of_the_output_ends_its_line() {
    assert_eq!(answer("42"), found("42", ""));
    assert_eq!(answer("true  "), found("true", ""));
    assert_eq!(answer("text\nnull"), found("null", ""));
    assert_eq!(answer("tex"), None);
    assert_eq!(answer("{\n1\n"), found("1", "\n"));
}

#[test]
fn an_answer_that_is_too_large_is_read_to_its_end_but_not_kept() {
    let (mut scan, mut log) = (Scan::new(), Lines::default());
    let mut output = b"text\n\"".to_vec();
    let piece = vec![b'x'; LARGEST_ANSWER / 6];
    let mut total = 1;
    for _ in 0..8 {
        output.extend_from_slice(&piece);
        total += piece.len();
        assert_eq!(scan.advance(&mut output, &mut log, false), None);
        assert!(output.len() <= LARGEST_ANSWER);
    }
    assert_eq!(scan.begun(&output), Some(format!("({total} bytes of JSON)")));
    output.extend_from_slice(b"\"\n");
    assert_eq!(scan.advance(&mut output, &mut log, false), Some(Found::TooLarge { length: total + 1, complete: true }));
}

#[test]
fn an_answer_is_too_large_from_one_byte_more_on_however_it_comes() {
    for length in [LARGEST_ANSWER, LARGEST_ANSWER + 1] {
        // A number ends with its line.
        let printed = [b"text\n", "1".repeat(length).as_bytes(), b"\n"].concat();
        for cut in [0, printed.len() - 1] {
            let (mut scan, mut log, mut output) = (Scan::new(), Lines::default(), printed[..cut].to_vec());
            assert_eq!(scan.advance(&mut output, &mut log, false), None);
            output.extend_from_slice(&printed[cut..]);
            match scan.advance(&mut output, &mut log, false) {
                Some(Found::Answer { value, .. }) => assert_eq!((value.len(), length), (LARGEST_ANSWER, length)),
                found => {
                    assert_eq!(found, Some(Found::TooLarge { length: LARGEST_ANSWER + 1, complete: true }));
                    assert_eq!(length, LARGEST_ANSWER + 1);
                }
            }
        }
    }
}

#[test]
fn an_answer_without_end_is_given_up() {
    let (mut scan, mut log) = (Scan::new(), Lines::default());
    let mut output = vec![b'"'];
    for _ in 0..100 {
        output.extend_from_slice(&vec![b'x'; 1 << 20]);
        if let Some(Found::TooLarge { complete, .. }) = scan.advance(&mut output, &mut log, false) {
            assert!(!complete);
            return;
        }
    }
    panic!("it was read for ever");
}

#[test]
fn lines_that_each_begin_a_value_cost_no_more_than_their_number() {
    let mut output = b"[\n".repeat(400_000);
    output.extend_from_slice(b"oops\n{}\n");
    let (mut scan, mut log) = (undecided(), Lines::default());
    let found = scan.advance(&mut output, &mut log, false);
    let Some(Found::Answer { value, .. }) = found else { panic!("{found:?}") };
    assert_eq!(&output[value], b"{}");
}

#[test]
fn an_answer_is_found_behind_lines_that_never_end_however_many_they_are() {
    let lines = "[\n[1,\n".repeat(5_000);
    assert_eq!(answer(&format!("{lines}{{\"a\":1}}\n")), found("{\"a\":1}", "\n"));
    assert_eq!(answer(&format!("{lines}[\n7],\noops\n[]\n")), found("[\n7]", ",\noops\n[]\n"));
    assert_eq!(answer(&format!("{lines}\"]\\\"[\",\n2 oops\n[]\n")), found("\"]\\\"[\"", ",\n2 oops\n[]\n"));
}

/// A scan whose event has been given.
fn undecided() -> Scan {
    let mut scan = Scan::before_event();
    scan.begin_event(true);
    scan
}

#[test]
fn text_counts_for_nothing_in_the_length_of_an_answer() {
    let (mut scan, mut log) = (Scan::new(), Lines::default());
    let mut output = vec![b'x'; LARGEST_ANSWER * 2 / 3];
    output.extend_from_slice(b"\n[1,");
    assert_eq!(scan.advance(&mut output, &mut log, false), None);
    assert_eq!((output.as_slice(), scan.begun(&output).as_deref()), (&b"[1,"[..], Some("[1,")));
    output.extend_from_slice(b"2]\n");
    let found = scan.advance(&mut output, &mut log, false);
    let Some(Found::Answer { value, .. }) = found else { panic!("{found:?}") };
    assert_eq!(&output[value], b"[1,2]");
    // Nor before the event.
    let (mut scan, mut output) = (Scan::before_event(), vec![b'x'; LARGEST_ANSWER * 2 / 3]);
    output.extend_from_slice(b"\nalmost");
    assert_eq!(scan.next_finished(&mut output, &mut log), None);
    assert_eq!(output, b"almost");
    // Nor in how often it may be looked at a second time.
    let mut output = vec![b'x'; LARGEST_ANSWER * 2 / 3];
    output.push(b'\n');
    output.extend_from_slice(&b"{oops\n".repeat(20));
    output.extend_from_slice(b"[1,\n{\"ok\":1}\n{\"ok\":2}\n");
    let found = undecided().advance(&mut output, &mut log, false);
    let Some(Found::Answer { value, .. }) = found else { panic!("{found:?}") };
    assert_eq!(&output[value], b"{\"ok\":1}");
}

#[test]
fn what_an_error_quotes_is_the_end_of_the_text_or_the_beginning_of_a_value() {
    let (mut scan, mut log, mut output) = (Scan::new(), Lines::default(), Vec::new());
    assert_eq!((scan.text_seen(), scan.begun(&output)), (None, None));
    for piece in [&b"one\n"[..], b" \n\n", b"two\n", b"{\"a\":"] {
        output.extend_from_slice(piece);
        assert_eq!(scan.advance(&mut output, &mut log, false), None);
    }
    assert_eq!(scan.text_seen().as_deref(), Some("one\ntwo"));
    assert_eq!(scan.begun(&output).as_deref(), Some("{\"a\":"));
    output.resize(2 * QUOTED, b' ');
    assert_eq!(scan.advance(&mut output, &mut log, false), None);
    assert_eq!(scan.begun(&output).map(|begun| begun.len()), Some(QUOTED));
    let (mut scan, mut output) = (Scan::new(), Vec::new());
    for letter in ["a", "b", "c"] {
        output.extend_from_slice(format!("{}\n", letter.repeat(QUOTED / 2 - 1)).as_bytes());
        assert_eq!(scan.advance(&mut output, &mut log, false), None);
    }
    let (b, c) = ("b".repeat(QUOTED / 2 - 1), "c".repeat(QUOTED / 2 - 1));
    assert_eq!(scan.text_seen(), Some(format!("{b}\n{c}")));
}

#[test]
fn text_is_kept_back_while_it_may_be_the_answer() {
    let (mut scan, mut log) = (undecided(), Lines::default());
    let mut output = b"hello\n{\"a\"".to_vec();
    assert_eq!(scan.advance(&mut output, &mut log, false), None);
    assert_eq!(scan.text_seen().as_deref(), Some("hello"));
    assert_eq!(scan.into_whole(&mut output).as_deref(), Some(&b"hello\n{\"a\""[..]));
}

#[test]
fn what_is_unfinished_before_the_event_is_the_beginning_of_its_answer() {
    for (before, finished, beginning) in [
        ("loading\nalmost", None, "almost"),
        ("{\"ready\":1}\n{\"body\":\n", Some("{\"ready\":1}"), "{\"body\":\n"),
        ("{\"ready\":1} and\nso ", Some("{\"ready\":1}"), "so "),
    ] {
        for size in [1, 100] {
            let (mut scan, mut log, mut output) = (Scan::before_event(), Lines::default(), Vec::new());
            let mut found = None;
            for piece in before.as_bytes().chunks(size) {
                output.extend_from_slice(piece);
                while let Some(value) = scan.next_finished(&mut output, &mut log) {
                    found = Some(String::from_utf8(value).expect("text"));
                }
            }
            assert_eq!(found.as_deref(), finished, "{before:?}");
            scan.begin_event(true);
            output.extend_from_slice(b"2}");
            let _ = scan.advance(&mut output, &mut log, false);
            let whole = scan.into_whole(&mut output).expect("short");
            assert_eq!(String::from_utf8(whole).expect("text"), format!("{beginning}2}}"), "{before:?}");
        }
    }
}

#[test]
fn text_beyond_any_answer_is_not_kept_and_not_logged() {
    let (mut scan, mut log) = (undecided(), Lines::default());
    let mut output = b"x".repeat(LARGEST_ANSWER + 1);
    assert_eq!(scan.advance(&mut output, &mut log, false), None);
    assert_eq!(scan.overflow(), Some(LARGEST_ANSWER + 1));
    assert_eq!(scan.into_whole(&mut output), None);
}
