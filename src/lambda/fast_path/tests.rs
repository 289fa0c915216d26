use super::*;

/// The status line and header lines of a response, without the empty line.
#[allow(clippy::redundant_closure_for_method_calls)] // The method is not general enough in its lifetimes.
fn read(head: &str, behind: &str) -> Read<usize> {
    read_head(format!("{head}\r\n\r\n{behind}").as_bytes(), |status| status == 200, |headers| headers.len())
}

#[track_caller]
fn assert_unusual(head: &str) {
    assert!(matches!(read(head, "{}"), Read::Unusual), "{head}");
}

#[test]
fn a_usual_head_says_how_long_its_body_is() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 2\r\nConnection: Keep-Alive";
    let Read::Usual(read) = read(head, "{}") else { panic!("it is usual") };
    assert_eq!((read.length, read.body_length, read.kept), (head.len() + 4, 2, 3));
}

#[test]
fn a_head_is_partial_wherever_it_breaks_off() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    for end in 0..head.len() {
        let read = read_head(&head.as_bytes()[..end], |_| true, |_| ());
        assert!(matches!(read, Read::Partial), "{:?}", &head[..end]);
    }
}

#[test]
fn whatever_is_not_plain_is_left_to_ureq() {
    assert_unusual("HTTP/1.1 204 No Content");
    assert_unusual("HTTP/1.1 403 Forbidden\r\nContent-Length: 2");
    assert_unusual("HTTP/1.0 200 OK\r\nContent-Length: 2");
    assert_unusual("HTTP/1.1 200 OK");
    assert_unusual("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
    assert_unusual("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked");
    assert_unusual("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close");
    assert_unusual("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2");
    for length in ["", "-1", "+2", "2 2", "0x2", "99999999999999999999999"] {
        assert_unusual(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}"));
    }
    assert_unusual(&format!("HTTP/1.1 200 OK\r\nContent-Length: 2{}", "\r\nX: y".repeat(MOST_HEADERS)));
    assert_unusual("no HTTP at all");
}
