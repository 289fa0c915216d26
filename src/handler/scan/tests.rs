//! The answer is found among whatever a handler prints, and what is no answer costs neither time nor memory.

use super::*;

/// The answer in `printed`, fed in pieces of `size`, and what follows it.
fn answer_in(printed: &[u8], size: usize) -> Option<(String, String)> {
    let mut scan = Scan::new(None);
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
    let (mut scan, mut log) = (Scan::new(None), Lines::default());
    let mut output = vec![b'"'];
    let piece = vec![b'x'; 1 << 20];
    let mut total = 1;
    for _ in 0..8 {
        output.extend_from_slice(&piece);
        total += piece.len();
        assert_eq!(scan.advance(&mut output, &mut log, false), None);
        assert!(output.len() <= LARGEST_ANSWER + 1);
    }
    output.extend_from_slice(b"\"\n");
    assert_eq!(scan.advance(&mut output, &mut log, false), Some(Found::TooLarge { length: total + 1, complete: true }));
}

#[test]
fn an_answer_without_end_is_given_up() {
    let (mut scan, mut log) = (Scan::new(None), Lines::default());
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
    let (mut scan, mut log) = (Scan::new(Some(Vec::new())), Lines::default());
    let found = scan.advance(&mut output, &mut log, false);
    let Some(Found::Answer { value, .. }) = found else { panic!("{found:?}") };
    assert_eq!(&output[value], b"{}");
}

#[test]
fn text_is_kept_back_while_it_may_be_the_answer() {
    let (mut scan, mut log) = (Scan::new(Some(b"start-up\n".to_vec())), Lines::default());
    let mut output = b"hello\n{\"a\"".to_vec();
    assert_eq!(scan.advance(&mut output, &mut log, false), None);
    assert_eq!(scan.text_seen().as_deref(), Some("hello"));
    assert_eq!(scan.into_whole(&mut output), b"start-up\nhello\n{\"a\"");
}
