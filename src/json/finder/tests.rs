//! The end of a value is found wherever the stream is cut, and judged as `serde_json` judges it.

use super::*;

/// The end of the value in `text`, fed in pieces of `size` bytes.
fn end_in(text: &[u8], size: usize, scalars: Scalars) -> Step {
    let mut finder = Finder::new(scalars);
    let mut before = 0;
    for piece in text.chunks(size) {
        match finder.push(piece) {
            Step::More => before += piece.len(),
            Step::End(used) => return Step::End(before + used - finder.trailing()),
            Step::Bad(at) => return Step::Bad(before + at),
        }
    }
    if finder.finish() { Step::End(before - finder.trailing()) } else { Step::More }
}

fn end(text: &str) -> Step {
    let whole = end_in(text.as_bytes(), usize::MAX, Scalars::EndAtLine);
    for size in [1, 2, 3, 7, 8, 9] {
        assert_eq!(end_in(text.as_bytes(), size, Scalars::EndAtLine), whole, "{text:?} in pieces of {size}");
    }
    whole
}

#[test]
fn objects_arrays_and_strings_end_at_their_closing_character() {
    assert_eq!(end(r#"{"a":[1,2,{"b":"}"}]} and more"#), Step::End(21));
    assert_eq!(end("[]\n"), Step::End(2));
    assert_eq!(end("{ }"), Step::End(3));
    assert_eq!(end(r#""a\"b" tail"#), Step::End(6));
    assert_eq!(end("\"\\u00e9\u{e9}\""), Step::End(10));
    assert_eq!(end("{\n  \"a\": 1.50e+3\n}\n"), Step::End(18));
    assert_eq!(end(r#"[-0,0.1,1e9,-12E-7,true,false,null,"x"]"#), Step::End(39));
}

#[test]
fn scalars_end_with_their_line() {
    assert_eq!(end("12345678901234567890.10\n"), Step::End(23));
    assert_eq!(end("true \t\r\nfalse"), Step::End(4));
    assert_eq!(end("null"), Step::End(4));
    assert_eq!(end("0"), Step::End(1));
}

#[test]
fn text_is_told_at_the_first_byte_that_no_value_has_there() {
    for (text, at) in [
        ("loading", 0),
        ("[INFO] started", 1),
        ("2026-11-22 12:00 ready", 4),
        ("2026 ready", 5),
        ("{oops", 1),
        ("\"no end\n", 7),
        ("nullable", 4),
        ("trUe", 2),
        ("01", 1),
        ("1.\n", 2),
        ("-\n", 1),
        ("1e+\n", 3),
        ("[1,]", 3),
        ("{\"a\":1,}", 7),
        ("{\"a\" 1}", 5),
        ("[1}", 2),
        ("\"\\x\"", 2),
        ("\"\\u12g4\"", 5),
        ("\"a\u{1}\"", 2),
        (" 1\n", 0),
        ("]", 0),
    ] {
        assert_eq!(end(text), Step::Bad(at), "{text:?}");
    }
}

#[test]
fn what_is_cut_short_is_not_a_value() {
    for text in ["", "{", "[1", "\"abc", "{\"a\"", "-", "1e", "tru", "[true"] {
        assert_eq!(end(text), Step::More, "{text:?}");
    }
}

#[test]
fn events_may_follow_one_another_without_a_line_between() {
    let in_stream = |text: &str| end_in(text.as_bytes(), usize::MAX, Scalars::EndAtSpace);
    assert_eq!(in_stream("1 2 3"), Step::End(1));
    assert_eq!(in_stream("1{\"a\":2}"), Step::End(1));
    assert_eq!(in_stream("true[1]"), Step::End(4));
    assert_eq!(in_stream("{}{}"), Step::End(2));
    assert_eq!(in_stream("12x"), Step::Bad(2));
}

#[test]
fn depth_costs_no_stack() {
    let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
    assert_eq!(end_in(&deep, 4096, Scalars::EndAtLine), Step::End(2_000_000));
}

#[test]
fn long_plain_text_is_found_to_its_end_wherever_the_end_lies() {
    for length in 0..40 {
        for stop in [b'"', b'\\', 0x1f, b'\n'] {
            let mut bytes = vec![0xc3; length];
            bytes.push(stop);
            bytes.extend(b"abcdefgh");
            assert_eq!(plain_text(&bytes), length);
        }
    }
}

/// Every short string over the characters that matter is judged as `serde_json` judges it.
#[test]
fn agrees_with_serde_json() {
    let alphabet = b"{}[]:,\"\\u0123aeE+-. \ntrf";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut values = 0;
    for _ in 0..300_000 {
        let mut text = Vec::new();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut bits = state;
        for _ in 0..=(state % 9) {
            text.push(alphabet[usize::try_from(bits % alphabet.len() as u64).expect("small")]);
            bits /= alphabet.len() as u64;
        }
        let known = serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok() && !is_space(text[0]);
        let found = match end_in(&text, usize::MAX, Scalars::EndAtLine) {
            Step::End(end) => text[end..].iter().all(|&byte| is_space(byte)),
            _ => false,
        };
        assert_eq!(found, known, "{:?}", String::from_utf8_lossy(&text));
        values += u32::from(known);
    }
    assert!(values > 500, "only {values} of the strings were values");
}

#[test]
fn brackets_close_as_they_were_opened_however_many_there_are() {
    for depth in [1, 63, 64, 65, 127, 128, 129, 1000] {
        let opened = |at: usize| if at.is_multiple_of(3) { "{\"a\":" } else { "[" };
        let closed = |at: usize| if at.is_multiple_of(3) { '}' } else { ']' };
        let begin: String = (0..depth).map(opened).collect();
        let ends: String = (0..depth).rev().map(closed).collect();
        let text = format!("{begin}1{ends}");
        assert_eq!(end(&text), Step::End(text.len()), "{depth}");
        // Closed and opened again where a word of bits ends, and then closed by the other bracket.
        let again = format!("{begin}[[[]]]{}", if closed(depth - 1) == '}' { ']' } else { '}' });
        assert_eq!(end(&again), Step::Bad(again.len() - 1), "{depth}");
    }
}
