//! Messages by hand, so that a test can say them wrongly, too.

/// What a handler in Python begins with to speak messages by hand.
pub const SPEAKING: &str = r#"
import binascii, json, os, sys

def emit(*pieces):
    for piece in pieces:
        sys.stdout.buffer.write(piece if isinstance(piece, bytes) else piece.encode())
    sys.stdout.buffer.flush()

def read():
    headers = {}
    for line in sys.stdin.buffer:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if not name:
            break
        headers[name] = value
    else:
        sys.exit()
    return headers, sys.stdin.buffer.read(int(headers["Content-Length"]))

def write(body, end="\n", **headers):
    body = body if isinstance(body, bytes) else body.encode()
    for name, value in {"content_length": len(body), **headers}.items():
        emit(name.replace("_", "-"), ": ", str(value), end)
    emit(end, body)

def events():
    while True:
        yield read()
"#;
