//! A length that is too short: what is left behind an answer belongs to no event. It replaces the handler, and the next event
//! does not pay for it.

use crate::harness::Function;
use crate::harness::speaking::SPEAKING;

/// Answers in text that counts its characters, and names its process.
fn counting() -> Function {
    Function::python(&format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready\\n')
for headers, body in events():
    text = '[%d] %s' % (os.getpid(), json.loads(body))
    write(text.encode(), content_length=len(text), content_type='text/plain; charset=utf-8')
"
    ))
}

/// The process that gave this answer.
#[track_caller]
fn process(text: &str) -> &str {
    text.split(' ').next().unwrap()
}

#[test]
fn a_length_one_byte_short_is_not_the_next_events_fault() {
    let function = counting().start();
    let plain = function.call("\"plain\"");
    let before = process(plain.response_text()).to_owned();
    assert!(plain.response_text().ends_with("] plain"));
    // In UTF-8 the last character is left over.
    assert!(function.call("\"na\u{ef}ve!\"").response_text().ends_with("] na\u{ef}ve"));
    let next = function.call("\"next\"");
    assert!(next.response_text().ends_with("] next"), "{}\n{}", next.0, function.story());
    assert_ne!(process(next.response_text()), before, "what left bytes behind is used on");
    let log = function.stderr();
    assert!(log.contains("byte"), "what was left is not in the log\n{}", function.story());
}

#[test]
fn it_happens_with_every_event_and_none_is_lost() {
    let function = counting().start();
    let mut seen = Vec::new();
    for number in 0..5 {
        let answer = function.call(format!("\"{number} \u{fc}!\""));
        assert!(answer.response_text().ends_with(&format!("] {number} \u{fc}")), "{}\n{}", answer.0, function.story());
        seen.push(process(answer.response_text()).to_owned());
    }
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn bytes_that_come_between_events_are_nobodys() {
    // They come when nobody has asked: the test says when.
    let function = Function::python(&format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready\\n')
for headers, body in events():
    write(body)
    if body == b'1':
        open('go').readline()
        emit('Content-Le')
        os.write(2, b'said too much\\n')
"
    ))
    .pipe("go")
    .in_task_root()
    .start();
    assert_eq!(function.call("1").response_text(), "1");
    function.wait_idle();
    function.pipe("go").ring();
    function.wait_log("said too much");
    for number in 2..=3 {
        let answer = function.call(number.to_string());
        assert_eq!(answer.response_text(), number.to_string(), "{}", function.story());
    }
}
