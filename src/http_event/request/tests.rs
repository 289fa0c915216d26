//! The four forms, each as AWS documents it, and what is none.

use super::*;

const V2: &str = r#"{"version":"2.0","routeKey":"$default","rawPath":"/a%20b/c","rawQueryString":"x=1&y=a%2Bb&x=2","cookies":["k=v","l=w"],
 "headers":{"Host":"abc.lambda-url.eu-west-1.on.aws","x-forwarded-proto":"https","x-forwarded-port":"443","accept":"a,b"},
 "requestContext":{"stage":"$default","domainName":"other","http":{"method":"POST","path":"/a b/c","protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"u"},
 "authorizer":{"iam":{"userArn":"arn:aws:iam::1:user/ada"}}},
 "body":"aMO8","isBase64Encoded":true}"#;

const V1: &str = r#"{"resource":"/{proxy+}","path":"/pets/1","httpMethod":"GET","headers":{"X-A":"2","Cookie":"k=v"},
 "multiValueHeaders":{"X-A":["1","2"],"x-a":["3"],"Cookie":["k=v","l=w"]},
 "queryStringParameters":{"q":"b c","p":"ü"},"multiValueQueryStringParameters":{"q":["a&b","b c"],"p":["ü"]},
 "requestContext":{"path":"/prod/pets/1","stage":"prod","protocol":"HTTP/2.0","identity":{"sourceIp":"192.0.2.8","userArn":null}},
 "body":null,"isBase64Encoded":false}"#;

const ALB: &str = r#"{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"PUT","path":"/x",
 "queryStringParameters":{"q":"a%20b"},"headers":{"x-forwarded-for":"203.0.113.1, 192.0.2.9","x-forwarded-proto":"http","host":"[::1]:80","cookie":"k=v; l=w"},
 "body":"text","isBase64Encoded":false}"#;

fn read(event: &str) -> Request {
    Request::read(event.as_bytes()).expect("an HTTP request")
}

fn refused(event: &str) -> String {
    let fault = Request::read(event.as_bytes()).expect_err("no HTTP request");
    assert_eq!(fault.error_type, "Runtime.UnmarshalError");
    fault.message
}

fn headers(request: &Request) -> Vec<(&str, Vec<&str>)> {
    request.headers.iter().map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect())).collect()
}

#[test]
fn payload_format_2() {
    let request = read(V2);
    assert_eq!((request.form, request.method.as_str()), (Form::V2, "POST"));
    assert_eq!((request.script_name.as_str(), request.path.as_slice()), ("", &b"/a b/c"[..]));
    assert_eq!((request.raw_path.as_str(), request.query.as_str()), ("/a%20b/c", "x=1&y=a%2Bb&x=2"));
    assert_eq!(request.cookies, ["k=v", "l=w"]);
    assert_eq!(request.body, "hü".as_bytes());
    assert_eq!((request.source_ip.as_str(), request.protocol.as_str()), ("192.0.2.7", "HTTP/1.1"));
    assert_eq!((request.host().as_str(), request.port().as_str()), ("abc.lambda-url.eu-west-1.on.aws", "443"));
    assert_eq!(request.caller, Some(("AWS_IAM", "arn:aws:iam::1:user/ada".to_owned())));
    assert!(request.is_https());
    assert_eq!(headers(&request)[0], ("accept", vec!["a,b"]));
}

#[test]
fn a_stage_of_an_http_api_is_the_scripts_name() {
    let at = |path: &str| {
        let request = read(&V2.replace("/a%20b/c", path).replace("$default\",\"domainName", "prod\",\"domainName"));
        (request.script_name, String::from_utf8(request.path).expect("text"), request.raw_path)
    };
    let parts = |script: &str, path: &str, raw: &str| (script.to_owned(), path.to_owned(), raw.to_owned());
    assert_eq!(at("/prod/x%2Fy"), parts("/prod", "/x/y", "/prod/x%2Fy"));
    assert_eq!(at("/prod"), parts("/prod", "", "/prod"));
    assert_eq!(at("/production"), parts("", "/production", "/production"), "a domain of its own");
}

#[test]
fn payload_format_1() {
    let request = read(V1);
    assert_eq!((request.form, request.method.as_str()), (Form::V1, "GET"));
    assert_eq!((request.script_name.as_str(), request.path.as_slice()), ("/prod", &b"/pets/1"[..]));
    assert_eq!(request.raw_path, "/prod/pets/1");
    assert_eq!(request.query, "q=a%26b&q=b%20c&p=%C3%BC", "in the event's order");
    assert_eq!(headers(&request), [("x-a", vec!["1", "2", "3"])]);
    assert_eq!(request.cookies, ["k=v", "l=w"]);
    assert_eq!((request.source_ip.as_str(), request.caller.as_ref()), ("192.0.2.8", None));
    assert!(request.body.is_empty());
}

#[test]
fn a_load_balancer_of_either_kind() {
    let request = read(ALB);
    assert_eq!(request.form, Form::LoadBalancer);
    assert_eq!(request.source_ip, "192.0.2.9", "what the load balancer saw, not what was sent to it");
    assert_eq!((request.query.as_str(), request.host().as_str(), request.port().as_str()), ("q=a%20b", "[::1]", "80"));
    assert_eq!((request.cookies.clone(), request.is_https()), (vec!["k=v; l=w".to_owned()], false));
    assert_eq!(request.body, b"text");
    let multi =
        read(&ALB.replace("\"headers\":{", "\"multiValueHeaders\":{").replace("\"k=v; l=w\"", "[\"k=v\",\"l=w\"]"));
    assert_eq!((multi.form, multi.cookies.len()), (Form::LoadBalancerMulti, 2));
}

#[test]
fn an_event_that_is_no_request_says_what_was_expected() {
    for event in ["{}", "7", "[1]", r#"{"Records":[]}"#, r#"{"requestContext":{}}"#, r#"{"httpMethod":"GET"}"#] {
        assert!(refused(event).contains("payload format 1.0 or 2.0"), "{event}");
    }
    assert!(refused("{oops").contains("not JSON"));
}

#[test]
fn what_http_could_not_have_carried_is_refused() {
    for (from, to, problem) in [
        ("aMO8", "aMO8a", "base64"),
        ("aMO8", "aMO", "base64"),
        ("\"aMO8\"", "{}", "body is no string"),
        ("true}", "\"yes\"}", "isBase64Encoded"),
        ("\"a,b\"", "\"a\\nX: y\"", "line end"),
        ("\"a,b\"", "\"a\\u0000\"", "NUL"),
        ("\"a,b\"", "7", "no string"),
        ("\"accept\"", "\"a b\"", "no name of a header"),
        ("\"accept\"", "\"\"", "no name of a header"),
        ("\"POST\"", "\"PO ST\"", "no method"),
        ("\"POST\"", "null", "no method"),
        ("\"/a%20b/c\"", "[]", "rawPath is no string"),
        ("\"k=v\"", "\"k\\r\\n\"", "cookie"),
        ("\"k=v\"", "{}", "cookies"),
    ] {
        assert!(V2.contains(from), "{from}");
        let message = refused(&V2.replacen(from, to, 1));
        assert!(message.contains(problem), "{to}: {message}");
    }
    assert!(refused(&V1.replace("[\"ü\"]", "[[]]")).contains("multiValueQueryStringParameters"));
}

#[test]
fn ten_thousand_headers_are_read_and_more_are_refused() {
    let event = |count: usize| {
        let many: Vec<_> = (0..count).map(|number| format!("\"x-{number}\":\"v\"")).collect();
        format!(
            r#"{{"version":"2.0","rawPath":"/","headers":{{{}}},"requestContext":{{"http":{{"method":"GET"}}}}}}"#,
            many.join(",")
        )
    };
    assert_eq!(read(&event(10_000)).headers.len(), 10_000);
    assert!(refused(&event(10_001)).contains("more than 10000 headers"));
}

#[test]
fn what_is_missing_is_empty() {
    let request =
        read(r#"{"version":"2.0","rawPath":"","requestContext":{"http":{"method":"GET"}},"headers":null,"body":null}"#);
    assert_eq!((request.path.as_slice(), request.raw_path.as_str()), (&b"/"[..], "/"));
    assert!(request.headers.is_empty() && request.query.is_empty() && request.source_ip.is_empty());
    assert_eq!((request.protocol.as_str(), request.port().as_str()), ("HTTP/1.1", "443"));
}

#[test]
fn a_body_of_six_megabytes_is_read_as_it_is() {
    let body = "\\\"ü\\n".repeat(1_000_000);
    let event = format!(r#"{{"body":"{body}","requestContext":{{"http":{{"method":"POST"}}}},"rawPath":"/"}}"#);
    assert_eq!(read(&event).body, "\"ü\n".repeat(1_000_000).as_bytes());
}
