//! A server for what agents would send away: it takes every request, answers it, and keeps its body.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{self, Receiver as Channel};
use std::thread;
use std::time::Duration;

pub struct Receiver {
    pub port: u16,
    requests: Channel<(String, String)>,
}

impl Receiver {
    /// Answers each request with this JSON.
    pub fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || {
                    let mut reader = BufReader::new(&stream);
                    while let Some(request) = read(&mut reader) {
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
                        let sent = write!(&stream, "{head}Content-Length: {}\r\n\r\n{answer}", answer.len());
                        if sender.send(request).is_err() || sent.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, requests }
    }

    /// Waits for a request with this in its first line or its body, and gives both.
    #[track_caller]
    pub fn wait(&self, contains: &str) -> (String, String) {
        loop {
            let request = self.requests.recv_timeout(Duration::from_secs(40));
            let (line, body) = request.unwrap_or_else(|e| panic!("{e} while waiting for a request with {contains:?}"));
            if line.contains(contains) || body.contains(contains) {
                return (line, body);
            }
        }
    }
}

/// A request's first line and its body.
fn read(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.to_ascii_lowercase());
    }
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mut body = Vec::new();
    if value("transfer-encoding:") == Some("chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        body = vec![0; value("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
    }
    Some((lines.first()?.trim().to_owned(), String::from_utf8_lossy(&body).into_owned()))
}
