//! Servers, staged line by line: whose answer is whose, whatever else they say.

use serde_json::{Value, json};

use super::*;

impl Session {
    fn hears(&mut self, line: &[u8]) -> Step {
        self.on_line(line.to_vec())
    }
}

fn open(session: &mut Session, event: &str) -> Opened {
    session.open(Event::read(event.as_bytes(), false).expect("an event"))
}

fn http(headers: &Value, message: &str) -> String {
    json!({"rawPath": "/", "headers": headers, "body": message, "requestContext": {"http": {"method": "POST"}}})
        .to_string()
}

fn open_streamed(session: &mut Session, message: &str) -> Opened {
    let accept = json!({"accept": "application/json, text/event-stream"});
    session.open(Event::read(http(&accept, message).as_bytes(), true).expect("an event"))
}

/// The lines for the server, as JSON.
fn lines(write: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(write).expect("text");
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("a message")).collect()
}

fn said(output: Output) -> String {
    assert!(output.last);
    String::from_utf8(output.bytes.expect("an answer")).expect("text")
}

fn only(step: Step) -> String {
    assert_eq!(step.outputs.len(), 1, "{step:?}");
    said(step.outputs.into_iter().next().expect("one"))
}

/// A session whose server is no MCP server.
fn plain() -> Session {
    Session { handshake: Handshake::Refused, ..Session::default() }
}

fn request(id: &str, method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)
}

fn stateless(id: u64, method: &str) -> String {
    let meta = json!({crate::handler::protocol::jsonrpc::message::VERSION_KEY: "2026-07-28", "progressToken": id});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"_meta": meta}}).to_string()
}

#[test]
fn ids_are_made_unique_and_given_back_as_they_were() {
    let mut session = plain();
    let ids = ["7", "\"7\"", "7.50e0", "\"\\u0061\"", "7"];
    let calls: Vec<_> = ids.map(|id| open(&mut session, &request(id, "m"))).into_iter().collect();
    let sent: Vec<_> = calls.iter().map(|call| lines(&call.write)[0]["id"].clone()).collect();
    assert_eq!(sent, [json!(1), json!(2), json!(3), json!(4), json!(5)]);
    for at in [4, 0, 2, 1, 3] {
        let step =
            session.hears(format!("{{\"result\":1.0,  \"jsonrpc\":\"2.0\",\"id\":{} }}\r\n", sent[at]).as_bytes());
        assert_eq!(step.outputs[0].call, calls[at].call);
        assert_eq!(only(step), format!("{{\"result\":1.0,  \"jsonrpc\":\"2.0\",\"id\":{} }}", ids[at]));
    }
    assert!(session.calls.is_empty());
}

#[test]
fn what_else_a_server_says_is_no_answer() {
    let mut session = plain();
    let call = open(&mut session, &request("1", "m"));
    for line in ["starting…", "", "7", "{oops", "{}", r#"{"jsonrpc":"2.0","method":"log"}"#, "\u{feff}{}"] {
        let step = session.hears(line.as_bytes());
        assert!(
            step.outputs.is_empty() && step.write.is_empty() && !matches!(step.note, Some(Note::Warn(_))),
            "{line}: {step:?}"
        );
    }
    assert!(session.hears(b"\xff{}").outputs.is_empty());
    let step = session.hears(br#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#);
    assert!(step.outputs.is_empty(), "a request with our id is not our answer");
    assert_eq!((&lines(&step.write)[0]["id"], &lines(&step.write)[0]["error"]["code"]), (&json!(1), &json!(-32601)));
    for id in ["2", "\"1\"", "1.0", "01", "null", "{}"] {
        let step = session.hears(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":0}}"#).as_bytes());
        assert!(step.outputs.is_empty(), "{id}");
    }
    let answer = br#"{"jsonrpc":"2.0","id":1,"result":0}"#;
    let step = session.hears(answer);
    assert_eq!(step.outputs[0].call, call.call);
    let Some(Note::Warn(note)) = session.hears(answer).note else { panic!("the second answer to one request") };
    assert!(note.contains("with the id 1;"), "{note}");
}

#[test]
fn a_batch_is_answered_as_one_in_its_order() {
    let mut session = plain();
    let batch = format!(
        r#"[{},{{"jsonrpc":"2.0","method":"n"}},7,{},{}]"#,
        request("1", "a"),
        request("1", "b"),
        request("\"x\"", "c")
    );
    let call = open(&mut session, &batch);
    let sent = lines(&call.write);
    assert_eq!(
        sent.iter().map(|line| line["method"].as_str().expect("a method")).collect::<Vec<_>>(),
        ["a", "n", "b", "c"]
    );
    assert!(call.output.is_none());
    assert!(session.hears(br#"{"id":3,"result":"c"}"#).outputs.is_empty());
    // Two answers on one line.
    let answer = only(session.hears(br#"[{"id":1,"result":"a"},{"id":2,"error":{"code":-1}}]"#));
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer[0], json!({"id": 1, "result": "a"}));
    assert_eq!(answer[1]["error"]["code"], -32600);
    assert_eq!(
        (&answer[2], &answer[3]),
        (&json!({"id": 1, "error": {"code": -1}}), &json!({"id": "x", "result": "c"}))
    );
}

#[test]
fn a_batch_of_a_thousand_loses_nothing() {
    let mut session = plain();
    let batch: Vec<_> = (0..1000).map(|id| request(&id.to_string(), "m")).collect();
    let call = open(&mut session, &format!("[{}]", batch.join(",")));
    let mut outputs = Vec::new();
    for line in lines(&call.write).iter().rev() {
        outputs.extend(session.hears(json!({"id": line["id"], "result": 0}).to_string().as_bytes()).outputs);
    }
    let answer: Value = serde_json::from_str(&said(outputs.remove(0))).expect("JSON");
    let ids: Vec<_> = answer.as_array().expect("a list").iter().map(|one| one["id"].as_u64()).collect();
    assert_eq!(ids, (0..1000).map(Some).collect::<Vec<_>>());
    assert!(outputs.is_empty());
}

#[test]
fn a_notification_is_answered_at_once_and_passed_on() {
    let mut session = plain();
    let notification = r#"{"jsonrpc":"2.0","method":"n"}"#;
    let call = open(&mut session, notification);
    assert_eq!(
        (lines(&call.write)[0]["method"].as_str(), said(call.output.expect("one"))),
        (Some("n"), "null".to_owned())
    );
    let call = open(&mut session, &http(&json!({}), notification));
    let answer: Value = serde_json::from_str(&said(call.output.expect("one"))).expect("JSON");
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(202), &json!("")));
    assert_eq!(said(open(&mut session, &format!("[{notification}]")).output.expect("one")), "null");
    open(&mut session, &format!("[{}]", request("5", "m")));
    assert_eq!(only(session.hears(br#"{"id":1,"result":0}"#)), r#"[{"id":5,"result":0}]"#, "a batch of one is a batch");
}

#[test]
fn a_server_that_is_new_is_initialized_first() {
    let mut session = Session::default();
    let one =
        open(&mut session, &http(&json!({"mcp-protocol-version": "2025-06-18"}), &request("\"a\"", "tools/list")));
    let sent = lines(&one.write);
    assert_eq!(
        (sent.len(), &sent[0]["method"], &sent[0]["params"]["protocolVersion"]),
        (1, &json!("initialize"), &json!("2025-06-18"))
    );
    let two = open(&mut session, &request("5", "tools/list"));
    let three = open(&mut session, &request("6", "initialize"));
    assert!(two.write.is_empty() && three.write.is_empty(), "they wait for the handshake");
    let step = session
        .hears(format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"serverInfo":{{}}}}}}"#, sent[0]["id"]).as_bytes());
    let sent = lines(&step.write);
    let methods: Vec<_> = sent.iter().map(|line| line["method"].as_str().expect("a method")).collect();
    assert_eq!(methods, ["notifications/initialized", "tools/list", "tools/list"]);
    assert_eq!(
        (step.outputs[0].call, only(step)),
        (three.call, r#"{"jsonrpc":"2.0","id":6,"result":{"serverInfo":{}}}"#.to_owned())
    );
    let answer = |id: &Value| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[]}}}}"#);
    assert_eq!(only(session.hears(answer(&sent[2]["id"]).as_bytes())), answer(&json!(5)));
    let http: Value = serde_json::from_str(&only(session.hears(answer(&sent[1]["id"]).as_bytes()))).expect("JSON");
    assert_eq!((&http["statusCode"], &http["body"]), (&json!(200), &json!(answer(&json!("a")))));
    // From then on it is known.
    let again = open(&mut session, &request("\"later\"", "initialize"));
    assert!(again.write.is_empty());
    assert_eq!(
        said(again.output.expect("from memory")),
        r#"{"jsonrpc":"2.0","id":"later","result":{"serverInfo":{}}}"#
    );
    assert_eq!(lines(&open(&mut session, &request("1", "ping")).write).len(), 1);
    let mut session = Session::default();
    assert_eq!(lines(&open(&mut session, &request("1", "ping")).write)[0]["method"], "initialize");
}

#[test]
fn a_callers_own_handshake_is_the_servers() {
    let mut session = Session::default();
    let call = open(
        &mut session,
        r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26"}}"#,
    );
    let sent = lines(&call.write);
    assert_eq!((sent.len(), &sent[0]["params"]["protocolVersion"]), (1, &json!("2025-03-26")));
    let step = session.hears(format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, sent[0]["id"]).as_bytes());
    assert_eq!(lines(&step.write)[0]["method"], "notifications/initialized", "the caller's may reach another sandbox");
    assert_eq!(only(step), r#"{"jsonrpc":"2.0","id":"i","result":{}}"#);
    assert!(open(&mut session, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).write.is_empty());
}

#[test]
fn a_server_without_a_handshake_is_asked_all_the_same() {
    let mut session = Session::default();
    let call = open(&mut session, &request("1", "add"));
    let step = session.hears(br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#);
    assert_eq!(lines(&step.write)[0]["method"], "add");
    assert_eq!(session.hears(br#"{"jsonrpc":"2.0","id":2,"result":3}"#).outputs[0].call, call.call);
    assert_eq!(lines(&open(&mut session, &request("1", "add")).write).len(), 1, "it is not asked again");
}

#[test]
fn a_wrong_handshake_of_a_caller_is_not_kept() {
    let mut session = Session::default();
    open(&mut session, &request("1", "initialize"));
    let answer = only(session.hears(br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no version"}}"#));
    assert!(answer.contains("no version"));
    assert_eq!(lines(&open(&mut session, &request("1", "initialize")).write).len(), 1, "the next one is passed on");
    only(session.hears(br#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no version"}}"#));
    assert_eq!(lines(&open(&mut session, &request("1", "ping")).write)[0]["method"], "initialize", "and ours is made");
}

#[test]
fn a_call_that_fails_takes_no_other_with_it() {
    let mut session = plain();
    let calls = ["1", "2", "3"].map(|id| open(&mut session, &request(id, "m")).call);
    assert!(session.fail(calls[1], &Fault::exit("no")).is_some());
    for (id, call) in [(1, Some(calls[0])), (2, None), (3, Some(calls[2]))] {
        let step = session.hears(format!(r#"{{"id":{id},"result":0}}"#).as_bytes());
        assert_eq!(step.outputs.first().map(|output| output.call), call);
    }
}

#[test]
fn stateless_requests_go_through_without_a_handshake() {
    let mut session = Session::default();
    let call = open(&mut session, &stateless(9, "server/discover"));
    let sent = lines(&call.write);
    assert_eq!((sent.len(), &sent[0]["method"]), (1, &json!("server/discover")));
    assert_eq!(
        only(session.hears(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#)),
        r#"{"jsonrpc":"2.0","id":9,"result":{}}"#
    );
}

#[test]
fn an_error_to_a_stateless_request_has_a_status_of_its_own() {
    let headers = json!({"mcp-protocol-version": "2026-07-28", "mcp-method": "x"});
    for (code, stateless_status) in [(-32601, 404), (-32022, 400), (-32602, 400), (-32603, 200), (7, 200)] {
        for (message, status) in [(stateless(1, "x"), stateless_status), (request("1", "x"), 200)] {
            let mut session = plain();
            let headers = if status == 200 && !message.contains("_meta") { &json!({}) } else { &headers };
            open(&mut session, &http(headers, &message));
            let answer =
                only(session.hears(json!({"id": 1, "error": {"code": code, "message": ""}}).to_string().as_bytes()));
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            assert_eq!(answer["statusCode"], status, "{code} {message}");
        }
    }
}

#[test]
fn a_process_serves_one_kind_of_caller_where_it_may_be_bound_to_it() {
    let wants = |session: &Session, event: &str| {
        session.needs_fresh_server(&Event::read(event.as_bytes(), false).expect("one"))
    };
    let (new, old) = (stateless(1, "tools/list"), request("1", "tools/list"));
    // A server of both kinds: each kind has a process of its own.
    let mut session = Session::default();
    assert!(!wants(&session, &new) && !wants(&session, &old));
    open(&mut session, &new);
    session.hears(br#"{"id":1,"result":{}}"#);
    assert!(wants(&session, &old) && !wants(&session, &new));
    let mut session = Session { serves: session.serves, ..Session::default() };
    assert!(!wants(&session, &old));
    open(&mut session, &old);
    session.hears(br#"{"id":1,"result":{}}"#);
    session.hears(br#"{"id":2,"result":{}}"#);
    assert!(wants(&session, &new) && !wants(&session, &old));
    assert!(!wants(&session, r#"{"jsonrpc":"2.0","method":"n"}"#));
    // An older one: a caller that looks for the newer kind once does not cost a process each time.
    let mut session = Session::default();
    open(&mut session, &stateless(1, "server/discover"));
    session.hears(br#"{"id":1,"error":{"code":-32601,"message":""}}"#);
    assert!(!wants(&session, &old));
    open(&mut session, &old);
    session.hears(br#"{"id":2,"result":{}}"#);
    assert!(!wants(&session, &new));
    // A caller's own handshake that is wrong in itself says nothing of the program.
    let mut session = Session::default();
    open(&mut session, &request("1", "initialize"));
    only(session.hears(br#"{"id":1,"error":{"code":-32602,"message":"no version"}}"#));
    open(&mut session, &new);
    session.hears(br#"{"id":2,"result":{}}"#);
    assert!(wants(&session, &old));
    // What a process says of handshakes once it is bound to go without counts for that process alone.
    open(&mut session, &old);
    session.hears(br#"{"id":3,"error":{"code":-32601,"message":"no"}}"#);
    assert!(wants(&session, &old));
}

#[test]
fn an_event_stream_has_what_belongs_to_the_request() {
    let mut session = plain();
    let call = open_streamed(
        &mut session,
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":"t"}}}"#,
    );
    assert!(call.streamed);
    let notify = |session: &mut Session, method: &str, token: &str| {
        let line = json!({"jsonrpc": "2.0", "method": method, "params": {"progressToken": token}}).to_string();
        session.hears(line.as_bytes()).outputs.pop().map(|output| {
            assert!(!output.last);
            String::from_utf8(output.bytes.expect("a piece")).expect("text")
        })
    };
    assert!(notify(&mut session, "notifications/progress", "other").is_none());
    let first = notify(&mut session, "notifications/progress", "t").expect("a piece");
    let (head, body) = first.split_once("\0\0\0\0\0\0\0\0").expect("a prelude");
    assert_eq!(serde_json::from_str::<Value>(head).expect("JSON")["headers"]["Content-Type"], "text/event-stream");
    assert!(body.starts_with("event: message\ndata: {") && body.ends_with("}\n\n"));
    let second = notify(&mut session, "notifications/progress", "t").expect("a piece");
    assert!(second.starts_with("event: message\n"));
    assert!(session.hears(br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#).outputs.is_empty());
    assert_eq!(
        session.hears(br#"{"jsonrpc":"2.0","method":"notifications/message"}"#).outputs.len(),
        1,
        "the only one"
    );
    assert_eq!(only(session.hears(br#"{"id":1,"result":0}"#)), "event: message\ndata: {\"id\":1,\"result\":0}\n\n");
    // Who takes no stream gets none.
    open(&mut session, &http(&json!({"accept": "text/event-stream"}), &request("1", "m")));
    assert!(session.hears(br#"{"jsonrpc":"2.0","method":"notifications/message"}"#).outputs.is_empty());
    only(session.hears(br#"{"id":2,"result":0}"#));
    // Of two, nobody knows whose it is.
    open_streamed(&mut session, &request("1", "m"));
    open_streamed(&mut session, &request("1", "m"));
    assert!(session.hears(br#"{"jsonrpc":"2.0","method":"notifications/message"}"#).outputs.is_empty());
    // A stream that has not begun can still be JSON, with its status.
    let answer = only(session.hears(br#"{"id":3,"result":0}"#));
    assert!(answer.ends_with("\0event: message\ndata: {\"id\":1,\"result\":0}\n\n"));
}

#[test]
fn a_fault_is_an_error_for_http_and_a_fault_for_others() {
    let mut session = Session::default();
    let direct = open(&mut session, &request("1", "m"));
    let batch = open(&mut session, &http(&json!({}), &format!("[{},{}]", request("\"a\"", "m"), request("2", "m"))));
    let fault = Fault::new("Runtime.InvokeTimeout", "secret");
    let outputs: Vec<_> = [direct.call, batch.call].into_iter().filter_map(|call| session.fail(call, &fault)).collect();
    assert_eq!(outputs.iter().map(|output| output.call).collect::<Vec<_>>(), [direct.call, batch.call]);
    let mut outputs = outputs.into_iter();
    assert_eq!(outputs.next().expect("one").bytes, Err(fault.clone()));
    let answer: Value = serde_json::from_str(&said(outputs.next().expect("two"))).expect("JSON");
    assert_eq!(answer["statusCode"], 200);
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&body[0]["id"], &body[1]["id"], &body[0]["error"]["code"]), (&json!("a"), &json!(2), &json!(-32603)));
    assert!(body[0]["error"]["message"].as_str().is_some_and(|words| words.ends_with("no answer in time")));
    assert!(!answer.to_string().contains("secret"));
    assert!(session.fail(direct.call, &fault).is_none() && session.calls.is_empty());
    assert!(session.hears(br#"{"id":1,"result":{}}"#).write.len() < 100, "what was held back for them is not sent");
}

#[test]
fn an_answer_that_is_too_large_is_an_error_with_its_id() {
    let large = "x".repeat(LARGEST_ANSWER - 200);
    let mut session = plain();
    open(&mut session, &http(&json!({}), &request("1", "m")));
    let answer =
        only(session.hears(format!(r#"{{"id":1,"result":"{}"}}"#, "\\n".repeat(LARGEST_ANSWER / 2 - 100)).as_bytes()));
    assert!(answer.len() < 1000 && answer.contains("-32603"));
    open(&mut session, &http(&json!({}), &request("1", "m")));
    let answer = only(session.hears(format!(r#"{{"id":2,"result":"{large}"}}"#).as_bytes()));
    assert!(answer.len() > LARGEST_ANSWER - 200, "what fits is passed on");
    let batch = format!("[{},{}]", request("1", "m"), request("2", "m"));
    open(&mut session, &batch);
    session.hears(format!(r#"{{"id":3,"result":"{large}"}}"#).as_bytes());
    let answer = only(session.hears(format!(r#"{{"id":4,"result":"{large}"}}"#).as_bytes()));
    assert!(answer.ends_with("larger than Lambda takes\"}}]") && answer.len() < LARGEST_ANSWER);
    // From memory, too.
    let mut session = Session { handshake: Handshake::Done(format!("\"{large}\"")), ..Session::default() };
    let output = open(&mut session, &batch.replace("\"m\"", "\"initialize\"")).output.expect("from memory");
    let answer = said(output);
    assert!(answer.ends_with("larger than Lambda takes\"}}]") && answer.len() < LARGEST_ANSWER);
}
