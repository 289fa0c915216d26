//! Heads as the RFC's grammar has them, however they are cut, and what is none.

use super::*;

fn read(output: &[u8]) -> Result<(Head, Vec<u8>), Broken> {
    let whole = HeadReader::default().push(output);
    // The same byte by byte.
    let mut reader = HeadReader::default();
    let mut slowly = Ok(None);
    for (at, byte) in output.iter().enumerate() {
        slowly = reader.push(&[*byte]).map(|found| {
            found.map(|(head, mut body)| {
                body.extend_from_slice(&output[at + 1..]);
                (head, body)
            })
        });
        if !matches!(slowly, Ok(None)) {
            break;
        }
    }
    assert_eq!(whole, slowly);
    whole.and_then(|found| found.ok_or_else(|| reader.finish()))
}

fn good(output: &str) -> (u16, Vec<(String, String)>, Vec<String>, String) {
    let (head, body) = read(output.as_bytes()).expect("a response");
    (head.response.status, head.response.headers, head.response.cookies, String::from_utf8(body).expect("text"))
}

fn bad(output: &[u8]) -> String {
    read(output).expect_err("no response").0
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn lines_end_with_lf_or_cr_lf() {
    for end in ["\n", "\r\n"] {
        let output = format!("Content-Type:  text/html {end}X-A:b:c{end}{end}<p>\n\n");
        let wanted =
            (200, vec![header("Content-Type", "text/html"), header("X-A", "b:c")], vec![], "<p>\n\n".to_owned());
        assert_eq!(good(&output), wanted);
    }
}

#[test]
fn status_and_location_say_the_status() {
    assert_eq!(good("Status: 404 Not Found\n\n").0, 404);
    assert_eq!(good("status:404\n\n").0, 404);
    assert_eq!(
        good("Location: https://example.com/\n\n"),
        (302, vec![header("Location", "https://example.com/")], vec![], String::new())
    );
    assert_eq!(good("Location: /elsewhere\n\n").0, 302);
    assert_eq!(good("Location: /x\nStatus: 301\nContent-Type: text/html\n\n<a>").0, 301);
}

#[test]
fn cookies_are_kept_apart() {
    let (_, headers, cookies, _) = good("Set-Cookie: a=1\nContent-Type: text/plain\nset-cookie: b=2; Path=/\n\n");
    assert_eq!((headers.len(), cookies), (1, vec!["a=1".to_owned(), "b=2; Path=/".to_owned()]));
    let many = "Set-Cookie: a\n".repeat(513) + "Status: 200\n\n";
    assert!(bad(many.as_bytes()).contains("512"));
}

#[test]
fn what_others_carry_is_not_passed_on() {
    let (head, _) = read(b"Content-Type: a/b\nConnection: close\nContent-Length: 12\n\n").expect("a response");
    assert_eq!((head.response.headers, head.length), (vec![header("Content-Type", "a/b")], Some(12)));
}

#[test]
fn what_is_no_head_says_why() {
    for (output, problem) in [
        (&b""[..], "printed nothing"),
        (b"hello\nworld\n", "does not begin with a header"),
        (b"hello\nworld\n", "an empty line: \"hello\""),
        (b"hello", "before the empty line"),
        (b"\nbody", "none is there"),
        (b"X-A: b\n\nbody", "none is there"),
        (b"Content-Type: a/b\nbody", "before the empty line"),
        (b"Content-Type: a/b\noops\n\n", "is none"),
        (b"Content-Type: a/b\n folded\n\n", "is none"),
        (b"Content Type: a/b\n\n", "is none"),
        (b": a/b\n\n", "is none"),
        (b"Content-Type: a\x01b\n\n", "control character"),
        (b"Content-Type: a\rb\n\n", "control character"),
        (b"Content-Type: a\nContent-Type: b\n\n", "twice"),
        (b"Status: 200\nStatus: 404\n\n", "twice"),
        (b"Status: 20\n\n", "Status"),
        (b"Status: 100\n\n", "Status"),
        (b"Status: 600\n\n", "Status"),
        (b"Status: OK\n\n", "Status"),
        (b"Status: \n\n", "Status"),
        (b"Content-Type: a/b\nContent-Length: -1\n\n", "Content-Length"),
        (b"Content-Type: a/b\nContent-Length: 1\nContent-Length: 2\n\n", "twice"),
        (b"Content-Type: a/b\nTransfer-Encoding: chunked\n\n", "Transfer-Encoding"),
    ] {
        let found = bad(output);
        assert!(found.contains(problem), "{:?}: {found}", String::from_utf8_lossy(output));
    }
}

#[test]
fn a_head_has_a_bound() {
    let line = [b"X-A: ".as_slice(), &vec![b'a'; LONGEST]].concat();
    assert!(bad(&line).contains("64 KiB"));
    assert!(bad(&line[..LONGEST]).contains("64 KiB"));
    assert!(bad(&line[..LONGEST - 1]).contains("before the empty line"));
    let body = vec![b'b'; 3 * LONGEST];
    let mut output = b"Content-Type: a/b\n\n".to_vec();
    output.extend_from_slice(&body);
    let (_, found) = HeadReader::default().push(&output).expect("a response").expect("a head");
    assert_eq!(found, body, "a body has none here");
}

#[test]
fn a_value_that_is_no_utf8_is_latin_1() {
    let (head, _) = read(b"Content-Type: a/b\nX-A: \xfc\n\n").expect("a response");
    assert_eq!(head.response.header("x-a"), Some("ü"));
}
