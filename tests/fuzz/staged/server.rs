//! A Runtime API that says what the input says, byte for byte, and keeps what it was asked. One for each thread that fuzzes.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// What it says to one request.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub pieces: Vec<Vec<u8>>,
    /// Behind it the connection is closed.
    pub closes: bool,
}

/// What it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub struct Server {
    pub address: SocketAddr,
    scripts: Sender<Vec<Said>>,
    asked: Receiver<Vec<Asked>>,
}

/// Whoever has all of an answer and asks nothing for so long waits for ever.
const LIMIT: Duration = Duration::from_secs(20);

/// The request that ends a conversation.
const OVER: &str = "OVER";

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (scripts, script) = channel::<Vec<Said>>();
        let (told, asked) = channel();
        thread::spawn(move || {
            for script in script {
                let _ = told.send(serve(&listener, script));
            }
        });
        Self { address, scripts, asked }
    }

    /// A conversation begins.
    pub fn begin(&self, script: Vec<Said>) {
        self.scripts.send(script).unwrap();
    }

    /// It is over: all that was asked. Whoever asked has closed its connections.
    pub fn end(&self) -> Vec<Asked> {
        let mut last = TcpStream::connect(self.address).unwrap();
        last.write_all(format!("{OVER} / HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        self.asked.recv().expect("the server understood what it was asked")
    }
}

/// Once nothing is left to say, every connection is closed.
fn serve(listener: &TcpListener, script: Vec<Said>) -> Vec<Asked> {
    let (mut script, mut all) = (script.into_iter(), Vec::new());
    loop {
        let stream = listener.accept().unwrap().0;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut stream = BufReader::new(stream);
        while let Some(asked) = read(&mut stream) {
            if asked.method == OVER {
                return all;
            }
            all.push(asked);
            let Some(said) = script.next() else { break };
            for piece in said.pieces {
                let _ = stream.get_mut().write_all(&piece);
            }
            if said.closes {
                break;
            }
        }
    }
}

/// A request. What is none by its form is a fault of ours; one that breaks off is not.
fn read(stream: &mut impl BufRead) -> Option<Asked> {
    let mut line = || {
        let mut line = String::new();
        let read = stream.read_line(&mut line);
        assert!(!read.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "nothing was asked");
        read.ok()?;
        Some(line.strip_suffix("\r\n")?.to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    assert_eq!((words.next(), words.next()), (Some("HTTP/1.1"), None), "{first:?}");
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').expect("a header line");
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let of = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if of("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.strip_suffix("\r\n")?, 16).expect("a chunk's size");
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).ok()?;
            assert!(chunk.ends_with(b"\r\n"));
            body.extend_from_slice(&chunk[..size]);
        }
        loop {
            let mut trailer = String::new();
            stream.read_line(&mut trailer).ok()?;
            if trailer == "\r\n" {
                break;
            }
            assert!(trailer.ends_with("\r\n") && trailer.contains(':'), "{trailer:?}");
        }
    } else if let Some(length) = of("content-length") {
        body.resize(length.parse().expect("a length"), 0);
        stream.read_exact(&mut body).ok()?;
    }
    Some(Asked { method, path, headers, body })
}
