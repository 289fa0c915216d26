//! The meta-variables of RFC 3875, and that no header sets anything else.

use std::collections::BTreeMap;

use super::*;

fn request(headers: &str, body: &str) -> Request {
    let event = format!(
        r#"{{"version":"2.0","rawPath":"/prod/a%20b","rawQueryString":"q=%41","cookies":["k=v","l=w"],"headers":{{{headers}}},
        "requestContext":{{"stage":"prod","http":{{"method":"POST","protocol":"HTTP/1.1","sourceIp":"192.0.2.7"}}}},"body":"{body}"}}"#
    );
    Request::read(event.as_bytes()).expect("a request")
}

fn set(headers: &str, body: &str) -> BTreeMap<String, String> {
    let all = environment(&request(headers, body)).expect("an environment");
    let count = all.len();
    let map: BTreeMap<_, _> = all.into_iter().map(|(name, value)| (name, value.into_string().expect("text"))).collect();
    assert_eq!(map.len(), count, "each is set once");
    map
}

#[test]
fn a_request_is_the_variables_of_the_rfc() {
    let headers = r#""host":"example.com:8443","content-type":"text/plain","content-length":"99","X-Forwarded-Port":"8443","Accept":"a"#;
    let found = set(&format!("{headers}\""), "hü");
    let wanted = [
        ("CONTENT_LENGTH", "3"),
        ("CONTENT_TYPE", "text/plain"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("HTTPS", "on"),
        ("HTTP_ACCEPT", "a"),
        ("HTTP_COOKIE", "k=v; l=w"),
        ("HTTP_HOST", "example.com:8443"),
        ("HTTP_X_FORWARDED_PORT", "8443"),
        ("PATH_INFO", "/a b"),
        ("QUERY_STRING", "q=%41"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REMOTE_HOST", "192.0.2.7"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/prod/a%20b?q=%41"),
        ("SCRIPT_NAME", "/prod"),
        ("SERVER_NAME", "example.com"),
        ("SERVER_PORT", "8443"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_SOFTWARE", concat!("lambda-stdio/", env!("CARGO_PKG_VERSION"))),
    ];
    assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert!(!set("", "").contains_key("CONTENT_LENGTH"), "only with a body");
}

#[test]
fn no_header_sets_what_is_not_its_own() {
    let names =
        ["proxy", "PROXY", "x_forwarded_for", "path", "ld.preload", "a%b", "content-type", "content-length", "cookie"];
    let headers: Vec<_> = names.iter().map(|name| format!("\"{name}\":\"evil\"")).collect();
    let plain = set("\"content-type\":\"evil\"", "");
    let found = set(&headers.join(","), "");
    let added: Vec<_> = found.keys().filter(|name| !plain.contains_key(*name)).collect();
    assert_eq!(added, ["HTTP_PATH"]);
}

#[test]
fn values_of_one_header_are_joined() {
    let event = r#"{"httpMethod":"GET","path":"/","multiValueHeaders":{"A":["1","2"],"a":["3"]},"requestContext":{}}"#;
    let all = environment(&Request::read(event.as_bytes()).expect("a request")).expect("an environment");
    assert!(all.contains(&("HTTP_A".to_owned(), "1, 2, 3".into())));
}

#[test]
fn what_no_environment_can_say_has_a_status() {
    let event = |path: &str, header: usize, count: usize| {
        let headers: Vec<_> = (0..count).map(|number| format!("\"x-{number}\":\"{}\"", "v".repeat(header))).collect();
        let event = format!(
            r#"{{"rawPath":"{path}","headers":{{{}}},"requestContext":{{"http":{{"method":"GET"}}}}}}"#,
            headers.join(",")
        );
        environment(&Request::read(event.as_bytes()).expect("a request")).map(|all| all.len())
    };
    assert_eq!(event("/%00", 0, 0), Err(400));
    assert_eq!(event("/", 128 * 1024, 1), Err(431));
    assert_eq!(event(&"/x".repeat(80_000), 0, 0), Err(414));
    assert_eq!(event("/", 2000, 1000), Err(431));
    assert!(event("/", 10, 10_000).is_ok());
}

#[test]
fn an_environment_may_be_as_large_as_linux_takes_it_and_no_larger() {
    let one = |length: usize| check(&[("A".to_owned(), "v".repeat(length - 3).into())]);
    assert_eq!((one(LONGEST), one(LONGEST + 1)), (Ok(()), Err(431)));
    // With what each takes besides its name and its value.
    let sized = |size: usize| ("A".to_owned(), OsString::from("v".repeat(size - 3 - size_of::<usize>())));
    let all = |last: usize| check(&[vec![sized(100_000); 10], vec![sized(last)]].concat());
    assert_eq!((all(LARGEST - 1_000_000), all(LARGEST - 1_000_000 + 1)), (Ok(()), Err(431)));
}

#[test]
fn bytes_of_a_path_need_not_be_text() {
    let event = r#"{"rawPath":"/%ff","requestContext":{"http":{"method":"GET"}}}"#;
    let all = environment(&Request::read(event.as_bytes()).expect("a request")).expect("an environment");
    let path = all.iter().find(|(name, _)| name == "PATH_INFO").map(|(_, value)| value.as_encoded_bytes());
    assert_eq!(path, Some(&b"/\xff"[..]));
}

#[test]
fn what_was_inherited_is_not_taken_for_the_requests() {
    for name in ["HTTP_ACCEPT", "CONTENT_LENGTH", "HTTPS", "REMOTE_USER"] {
        assert!(is_meta_variable(name), "{name}");
    }
    for name in ["HTTP_PROXY", "PATH", "AWS_REGION", "GIT_HTTP_EXPORT_ALL", "SCRIPT_FILENAME", "REDIRECT_STATUS"] {
        assert!(!is_meta_variable(name), "{name}");
    }
}
