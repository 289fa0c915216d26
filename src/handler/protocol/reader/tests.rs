//! Messages and streams are read whole, wherever their bytes are cut, and what is broken is told.

use super::*;

/// All messages in `stream`, fed in pieces of `size`.
fn read(stream: &[u8], size: usize) -> Result<Vec<Message>, Broken> {
    let (mut reader, mut output, mut messages) = (Reader::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(size) {
        output.extend_from_slice(piece);
        while let Some(item) = reader.next(&mut output)? {
            if let Item::Message { message, .. } = item {
                messages.push(message);
            }
        }
    }
    Ok(messages)
}

fn messages(stream: &str) -> Result<Vec<Message>, Broken> {
    let whole = read(stream.as_bytes(), usize::MAX);
    for size in [1, 2, 7] {
        assert_eq!(read(stream.as_bytes(), size), whole, "{stream:?} in pieces of {size}");
    }
    whole
}

#[test]
fn messages_follow_one_another_with_either_line_end() {
    let all = messages("Content-Length: 2\n\n{}content-length:3\r\nX: a:b \r\n\r\n[1]\r\nContent-Length: 0\n\n");
    let all = all.expect("messages");
    assert_eq!(all.iter().map(|message| message.body.as_slice()).collect::<Vec<_>>(), [&b"{}"[..], b"[1]", b""]);
    assert_eq!(all[1].header("x"), Some("a:b"));
}

#[test]
fn chunks_are_put_together_and_trailers_are_headers() {
    let all = messages("Transfer-Encoding: chunked\n\n3\nabc\r\nA;x=y\r\n0123456789\n0\nError: late\n\n").expect("one");
    assert_eq!(all[0].body, b"abc0123456789");
    assert_eq!(all[0].header("error"), Some("late"));
}

#[test]
fn what_is_broken_is_told() {
    for (stream, word) in [
        ("hello\n\n", "hello"),
        ("X: y\n\n", "Content-Length"),
        ("{\"a\":1}\n\n", "no header line"),
        ("Content-Length: -1\n\n", "-1"),
        ("Content-Length: +1\n\n", "+1"),
        ("Content-Length: 1\nContent-Length: 2\n\n", "two different"),
        ("Transfer-Encoding: chunked\n\n+1\na\n", "+1"),
        ("Transfer-Encoding: chunked\n\nffffffffffffffff\n", "bytes or more"),
        ("Transfer-Encoding: chunked\n\nfffffffffffffffff\n", "bytes or more"),
        ("Content-Length: 99999999999\n\n", "99999999999"),
        ("Transfer-Encoding: chunked\n\nzz\n", "zz"),
        ("Transfer-Encoding: chunked\n\n1\nab\n", "b"),
    ] {
        let reason = messages(stream).expect_err(stream).to_string();
        assert!(reason.contains(word), "{stream:?}: {reason}");
    }
    assert!(read(&vec![b'x'; LONGEST_HEAD + 1], 1000).is_err());
}

#[test]
fn a_body_that_is_too_large_is_counted_and_the_next_message_is_read() {
    let mut stream = format!("Content-Length: {}\n\n", LARGEST_ANSWER + 1).into_bytes();
    stream.resize(stream.len() + LARGEST_ANSWER + 1, b'x');
    stream.extend_from_slice(b"Content-Length: 1\n\n7");
    let all = read(&stream, 1 << 20).expect("messages");
    assert_eq!(all[0].too_large, Some(LARGEST_ANSWER + 1));
    assert_eq!((all[1].body.as_slice(), all[1].too_large), (&b"7"[..], None));
}

#[test]
fn chunks_are_counted_together() {
    let size = LARGEST_ANSWER / 6;
    let chunks = |count: usize| {
        let mut stream = b"Transfer-Encoding: chunked\n\n".to_vec();
        for _ in 0..count {
            stream.extend_from_slice(format!("{size:x}\n").as_bytes());
            stream.resize(stream.len() + size, b'x');
            stream.push(b'\n');
        }
        stream.extend_from_slice(b"0\n\n");
        read(&stream, size)
    };
    let most = READ_TO_END / size;
    assert_eq!(chunks(8).expect("one")[0].too_large, Some(8 * size));
    assert_eq!(chunks(most).expect("one")[0].too_large, Some(most * size));
    assert_eq!(chunks(most + 1), Err(Broken::TooLarge((most + 1) * size)));
}

#[test]
fn a_length_is_judged_before_the_body_has_come() {
    for length in [READ_TO_END, READ_TO_END + 1] {
        for head in [
            format!("Content-Length: {length}\n\n"),
            format!("Transfer-Encoding: chunked\n\n{length:x}\n"),
            format!("Transfer-Encoding: chunked\n\n1\na\n{:x}\n", length - 1),
        ] {
            let wanted = if length > READ_TO_END { Err(Broken::TooLarge(length)) } else { Ok(vec![]) };
            assert_eq!(read(head.as_bytes(), usize::MAX), wanted, "{head:?}");
        }
    }
}

#[test]
fn a_body_in_pieces_is_no_larger_than_in_one() {
    let body = "x".repeat(LARGEST_ANSWER / 2);
    let stream = format!("Content-Length: {}\n\n{body}", body.len());
    for size in [body.len() / 2, body.len() - 1] {
        let all = read(stream.as_bytes(), size).expect("one");
        assert!(all[0].body == body.as_bytes() && all[0].too_large.is_none());
    }
}

#[test]
fn lines_may_be_as_long_together_as_is_said() {
    let head = "Transfer-Encoding: chunked\n\n";
    let trailers = |length: usize| {
        let trailer = format!("a:{}", "b".repeat(length - head.len() + 1 - "a:\n".len()));
        read(format!("{head}0\n{trailer}\n\n").as_bytes(), usize::MAX).map(|all| all.len())
    };
    assert_eq!(trailers(LONGEST_HEAD), Ok(1));
    assert!(trailers(LONGEST_HEAD + 1).is_err());
}

#[test]
fn a_line_may_have_all_the_room_there_is() {
    let line = |bytes: &[u8]| {
        let mut output = bytes.to_vec();
        take_line(&mut Rest { output: &mut output, at: 0 }, 4).map(|line| line.map(<[u8]>::to_vec))
    };
    assert_eq!(line(b"abcd"), Ok(None));
    assert_eq!(line(b"abcd\nefgh"), Ok(Some(b"abcd".to_vec())));
    assert!(line(b"abcde").is_err() && line(b"abcde\n").is_err());
}

#[test]
fn a_stream_is_read_chunk_by_chunk() {
    let mut reader = Reader::new();
    let mut output =
        b"Lambda-Runtime-Function-Response-Mode: Streaming\nTransfer-Encoding: chunked\n\n3\nabc\n5\n01".to_vec();
    let head = reader.next(&mut output).expect("a head");
    let Some(Item::StreamHead(head)) = head else { panic!("{head:?}") };
    assert_eq!(head.header("lambda-runtime-function-response-mode"), Some("Streaming"));
    let mut piece = [0; 64];
    let mut read = |output: &mut Vec<u8>| {
        let stream = reader.stream(output, &mut piece).expect("a stream");
        (piece[..if let Stream::Piece(length) = stream { length } else { 0 }].to_vec(), stream)
    };
    assert_eq!(read(&mut output).0, b"abc01");
    assert_eq!(read(&mut output).1, Stream::Waiting);
    output.extend_from_slice(b"234\n0\nError: late\n\nContent-Length: 1\n\n7");
    assert_eq!(read(&mut output).0, b"234");
    let Stream::End(end) = read(&mut output).1 else { panic!("the stream goes on") };
    assert_eq!(end.header("error"), Some("late"));
    let next = reader.next(&mut output).expect("the next message");
    assert!(matches!(next, Some(Item::Message { message, .. }) if message.body == b"7"));
}

#[test]
fn lines_beside_the_body_are_bounded_together() {
    let chunked = "Transfer-Encoding: chunked\n\n";
    let trailers = format!("{chunked}0\n{}", "a: b\n".repeat(LONGEST_HEAD / 5 + 1));
    let extensions = format!("{chunked}{}", "1;x=yyyyyyyyyyyyyyyyyyyyyyyyy\na\n".repeat(LONGEST_HEAD / 10));
    let one_line = format!("{chunked}0\n{}", "a".repeat(LONGEST_HEAD + 100));
    for endless in [trailers, extensions, one_line] {
        let reason = read(endless.as_bytes(), 1000).expect_err("endless").to_string();
        assert!(reason.contains("64 KiB"), "{reason}");
    }
}

#[test]
fn small_chunks_cost_no_more_than_their_number() {
    let mut stream = b"Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n\n".to_vec();
    let count = 200_000;
    stream.extend(b"1\nx\n".repeat(count));
    let (mut reader, mut got) = (Reader::new(), 0);
    assert!(matches!(reader.next(&mut stream), Ok(Some(Item::StreamHead(_)))));
    let mut piece = [0; 8 * 1024];
    while let Ok(Stream::Piece(length)) = reader.stream(&mut stream, &mut piece) {
        got += length;
    }
    assert_eq!(got, count);
}
