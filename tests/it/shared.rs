//! A handler that works on several events at once in one process: answers find their events, whatever happens to others.

use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::speaking::SPEAKING;
use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Running, need};

/// Greets with its concurrency and does each event, a piece of Python, on a thread of its own; `answer` answers it.
const HANDLER: &str = r#"
import threading

def log(line):
    os.write(2, f"{line}\n".encode())

def work(headers, body):
    def answer(value, id=headers["Lambda-Runtime-Aws-Request-Id"], more=""):
        text = json.dumps(value)
        # All at once: other threads answer, too.
        emit(f"Lambda-Runtime-Aws-Request-Id: {id}\n{more}Content-Length: {len(text)}\n\n{text}")
    exec(json.loads(body), {**globals(), "answer": answer, "headers": headers})

emit("lambda-stdio/1 ready concurrency=4\n")
for headers, body in events():
    threading.Thread(target=work, args=(headers, body), daemon=True).start()
"#;

fn function() -> Function {
    Function::python(&format!("{SPEAKING}{HANDLER}")).workers(4).pipe("go")
}

/// An event that has the handler do this.
fn deed(python: &str) -> Event {
    Event::new(serde_json::to_string(python).unwrap())
}

/// Three events that are being worked on, each until the test rings.
fn three_waiting(function: &Running) -> Vec<String> {
    // Three bytes are one ring; a buffer would take in those of others.
    let wait = |number| {
        deed(&format!("log('busy {number}'); os.read(os.open('go', os.O_RDWR), 3); answer([{number}, os.getpid()])"))
    };
    let ids = (0..3).map(|number| function.send(wait(number))).collect();
    (0..3).for_each(|number| function.wait_log(&format!("busy {number}")));
    ids
}

#[test]
fn one_process_has_several_events_and_each_gets_its_own_answer() {
    let function = function().start();
    let waiting = three_waiting(&function);
    // A fourth overtakes them.
    let quick = function.call(deed("answer(['quick', os.getpid()])")).json();
    (0..3).for_each(|_| function.pipe("go").ring());
    let mut processes = HashSet::from([quick[1].as_u64()]);
    for (number, id) in waiting.iter().enumerate() {
        let answer = function.answer(id).json();
        assert_eq!(answer[0], number);
        processes.insert(answer[1].as_u64());
    }
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert_eq!(function.children().len(), 1);
}

#[test]
fn an_error_is_its_events_own() {
    let function = function().start();
    let waiting = three_waiting(&function);
    let error = "answer({'errorMessage': 'no', 'errorType': 'Own'}, more='Lambda-Runtime-Function-Error-Type: Own\\n')";
    assert_eq!(function.call(deed(error)).error("Own"), "no");
    (0..3).for_each(|_| function.pipe("go").ring());
    for (number, id) in waiting.iter().enumerate() {
        assert_eq!(function.answer(id).json()[0], number);
    }
}

#[test]
fn after_a_time_out_the_others_are_finished_and_a_new_process_takes_over() {
    let function = function().start();
    let waiting = three_waiting(&function);
    let hopeless = deed("open('never-there')").deadline_in(Duration::from_millis(700));
    assert!(function.call(hopeless).error("Runtime.InvokeTimeout").contains("still working"));
    let new = function.call(deed("answer(os.getpid())")).json();
    (0..3).for_each(|_| function.pipe("go").ring());
    for (number, id) in waiting.iter().enumerate() {
        let answer = function.answer(id).json();
        assert_eq!(answer[0], number);
        assert_ne!(answer[1], new, "the old process is given no more events");
    }
    assert_eq!(function.call(deed("answer(os.getpid())")).json(), new);
}

#[test]
fn a_death_is_an_error_for_all_that_were_in_flight_and_no_others() {
    let function = function().start();
    let waiting = three_waiting(&function);
    let deadly = function.call(deed("log('the reason'); os._exit(3)"));
    assert!(deadly.error("Runtime.ExitError").contains("exit status 3"));
    assert!(deadly.stack().contains(&"the reason".to_owned()));
    for id in &waiting {
        function.answer(id).error("Runtime.ExitError");
    }
    assert_eq!(function.call(deed("answer(1)")).response_text(), "1");
}

#[test]
fn answers_to_nothing_are_dropped_and_broken_messages_replace_the_process() {
    let function = function().start();
    let answer = function.call(deed("answer('wrong', id='no-such-id'); answer('right')"));
    assert_eq!(answer.response_text(), "\"right\"");
    function.wait_log("no-such-id");
    function.call(deed("emit(b'rubbish\\n\\n')")).error("Runtime.MarshalError");
    assert_eq!(function.call(deed("answer(1)")).response_text(), "1");
}

#[test]
fn hundreds_of_events_find_their_answers() {
    let function = function().start();
    let ids: Vec<_> = (0..400)
        .map(|number| {
            function.send(deed(&format!("import time, random; time.sleep(random.random() / 200); answer({number})")))
        })
        .collect();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(function.answer(id).response_text(), number.to_string());
    }
}

#[test]
fn a_signal_reaches_it_and_nothing_is_left_unanswered() {
    let function = function().start();
    let waiting = three_waiting(&function);
    function.signal(Signal::SIGTERM);
    for id in &waiting {
        assert_eq!(function.answer(id).0.call, Call::Error);
    }
    assert_eq!(function.exit(), Exit::Status(0));
    assert!(function.others().is_empty(), "{:?}", function.others());
}

#[test]
fn node_serves_several_events_in_one_process() {
    need("node");
    // With nothing to wait for but one another, Node would find its event loop empty, which ends an event.
    let script = "let seen = 0;
        export const handler = async (event) => {
            seen += 1;
            while (seen < 4) await new Promise((resolve) => setTimeout(resolve, 1));
            return [event, process.pid];
        };";
    let function = Function::empty().file("app.mjs", script).handler("app.handler").workers(4);
    let function = function.env("AWS_LAMBDA_MAX_CONCURRENCY", "4").start();
    // Each waits for the other three: one process must have all four.
    let ids: Vec<_> = (0..4).map(|number| function.send(number.to_string())).collect();
    let processes: HashSet<_> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| {
            let answer: serde_json::Value = serde_json::from_str(function.answer(id).response_text()).unwrap();
            assert_eq!(answer[0], number);
            answer[1].as_u64()
        })
        .collect();
    assert_eq!(processes.len(), 1, "{processes:?}");
}

#[test]
fn several_processes_may_finish_what_they_have() {
    // Each gets an event that takes its time, and one whose time runs out: it gets no more, and another takes over.
    let function = function().start();
    let wait = |number| {
        deed(&format!("log('slow {number}'); os.read(os.open('go', os.O_RDWR), 3); answer([{number}, os.getpid()])"))
    };
    let mut slow = Vec::new();
    for number in 0..3 {
        slow.push(function.send(wait(number)));
        function.wait_log(&format!("slow {number}"));
        let hopeless = function.send(deed("threading.Event().wait()").deadline_in(Duration::from_millis(800)));
        function.answer(&hopeless).error("Runtime.InvokeTimeout");
    }
    assert_eq!(function.call(deed("answer('quick')")).json(), "quick");
    (0..3).for_each(|_| function.pipe("go").ring());
    let mut processes = HashSet::new();
    for (number, id) in slow.iter().enumerate() {
        let answer = function.answer(id).json();
        assert_eq!(answer[0], number);
        processes.insert(answer[1].as_u64());
    }
    assert_eq!(processes.len(), 3);
}
