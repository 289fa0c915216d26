//! Each way to talk: a handler in Python that gives the event back, that logs a lot where the event says so, and that stays deaf to
//! SIGTERM in an event that says that.

use crate::cgi;
use crate::harness::Function;
use crate::harness::speaking::SPEAKING;
use serde_json::json;

/// What an event asks for.
#[derive(Clone, Copy)]
pub enum Deed {
    /// So many bytes back.
    Echo(usize),
    /// `LOGGED` lines of the log.
    Log,
    /// One line of it.
    Line,
    /// No answer, and no end at SIGTERM.
    Deaf,
}

/// How many lines of 64 bytes an event has the handler log.
pub const LOGGED: usize = 1 << 19;

/// What all of the handlers begin with. `does` does what the event says.
const BEGINNING: &str = "import json, os, signal, sys, time
def does(event):
    if b'the log, please' in event[:200]:
        sys.stderr.buffer.write((b'x' * 63 + b'\\n') * (1 << 19))
        sys.stderr.buffer.flush()
    if b'a line, please' in event[:200]:
        os.write(2, b'a line\\n')
    if b'be deaf, please' in event[:200]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(2, b'deaf\\n')
        time.sleep(1000)
";

const LOOP: &str = "for line in sys.stdin.buffer:
    does(line)
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
";

const FILTER: &str = "event = sys.stdin.buffer.read()
does(event)
sys.stdout.buffer.write(event)
";

const CGI: &str = "event = sys.stdin.buffer.read()
does(event)
sys.stdout.buffer.write(b'Content-Type: text/plain\\n\\n' + event)
";

const JSONRPC: &str = "for line in sys.stdin.buffer:
    does(line)
    message = json.loads(line)
    if 'id' in message:
        print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': message.get('params')}), flush=True)
";

const MESSAGES: &str = "emit('lambda-stdio/1 ready\\n')
for headers, body in events():
    does(body)
    write(body)
";

const STREAM: &str = "emit('lambda-stdio/1 ready\\n')
for headers, body in events():
    does(body)
    emit('Lambda-Runtime-Function-Response-Mode: streaming\\nTransfer-Encoding: chunked\\n\\n')
    for at in range(0, len(body), 65536):
        piece = body[at:at + 65536]
        emit('%x\\r\\n' % len(piece), piece, '\\r\\n')
    emit('0\\r\\n\\r\\n')
";

const SHARED: &str = "emit('lambda-stdio/1 ready concurrency=10\\n')
for headers, body in events():
    does(body)
    write(body, Lambda_Runtime_Aws_Request_Id=headers['Lambda-Runtime-Aws-Request-Id'])
";

/// A way to talk.
pub struct Way {
    /// Its name in the table.
    pub name: &'static str,
    script: String,
    mode: &'static str,
    streams: bool,
    /// How many events may be in flight.
    pub workers: usize,
    /// How many processes serve them while none is.
    pub processes: usize,
}

impl Way {
    fn of(name: &'static str, mode: &'static str, script: &str) -> Self {
        let script = format!("{BEGINNING}{script}");
        Self { name, script, mode, streams: false, workers: 1, processes: 1 }
    }

    fn speaking(name: &'static str, script: &str) -> Self {
        Self::of(name, "auto", &format!("{SPEAKING}{script}"))
    }

    pub fn all() -> Vec<Self> {
        vec![
            Self::of("loop", "loop", LOOP),
            Self::of("oneshot", "oneshot", FILTER),
            Self::of("auto, a filter", "auto", FILTER),
            Self::speaking("messages", MESSAGES),
            Self::speaking("messages that stream", STREAM),
            Self { streams: true, ..Self::of("oneshot that streams", "oneshot", FILTER) },
            Self { processes: 0, ..Self::of("CGI", "cgi", CGI) },
            Self::of("JSON-RPC", "jsonrpc", JSONRPC),
            Self { workers: 10, ..Self::speaking("ten events in one process", SHARED) },
            Self { workers: 10, processes: 10, ..Self::of("ten loops", "loop", LOOP) },
        ]
    }

    pub fn function(&self) -> Function {
        let mut function = Function::python(&self.script).mode(self.mode);
        if self.streams {
            function = function.env("HANDLER_RESPONSE", "streaming");
        }
        if self.workers > 1 { function.workers(self.workers) } else { function }
    }

    /// An event that asks for this.
    pub fn event(&self, deed: Deed) -> String {
        let text = match deed {
            Deed::Echo(length) => "x".repeat(length),
            Deed::Log => "the log, please".to_owned(),
            Deed::Line => "a line, please".to_owned(),
            Deed::Deaf => "be deaf, please".to_owned(),
        };
        match self.mode {
            "cgi" => cgi::request(&text),
            "jsonrpc" => {
                json!({"jsonrpc": "2.0", "id": 1, "method": text.get(..20).unwrap_or(&text), "params": {"text": text}})
                    .to_string()
            }
            _ => format!("\"{text}\""),
        }
    }
}
