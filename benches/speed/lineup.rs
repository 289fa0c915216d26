//! Who takes part.

use super::entry::{Entry, MEMORY, Side, own, peers, there};
use super::interpreters;
use super::shipped;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Linux takes arguments up to 128 kB, and bash's `read` asks for one byte at a time.
const SMALL: usize = 100_000;

/// One release of Node.js with the last of AWS's clients for it: its number, where the client's program is, and four names and titles.
struct Node {
    version: u32,
    client: &'static str,
    here: (&'static str, &'static str),
    theirs: (&'static str, &'static str),
}

pub const NODES: [(&str, &str); 3] =
    [("node20", "aws-lambda-ric20"), ("node22", "aws-lambda-ric22"), ("node24", "aws-lambda-ric24")];

const NODE_RELEASES: [Node; 3] = [
    Node {
        version: 20,
        client: "bin/index.mjs",
        here: (NODES[0].0, "Node.js 20 function, `bootstrap`"),
        theirs: (NODES[0].1, "Node.js 20 function, aws-lambda-ric"),
    },
    Node {
        version: 22,
        client: "index.mjs",
        here: (NODES[1].0, "Node.js 22 function, `bootstrap`"),
        theirs: (NODES[1].1, "Node.js 22 function, aws-lambda-ric"),
    },
    Node {
        version: 24,
        client: "index.mjs",
        here: (NODES[2].0, "Node.js 24 function, `bootstrap`"),
        theirs: (NODES[2].1, "Node.js 24 function, aws-lambda-ric"),
    },
];

/// All of them, and what is missing for those that are not there.
pub fn all() -> Vec<Result<Entry, String>> {
    let filter = || here("", "", own("filter")).with("HANDLER_MODE", "oneshot");
    let rust = || Entry::other("", "", Side::Other, &peers().join("in-process"));
    let mut all = vec![
        Entry::other("floor", "the floor", Side::Floor, &own("floor")).map(|floor| floor.with("_HANDLER", own("echo"))),
        Ok(here("bootstrap", "`bootstrap`, native program", own("echo"))),
        shipped::glibc().map(|file| Entry::here("bootstrap-glibc", "the same, linked with glibc", file, own("echo"))),
        rust().map(|rust| rust.named("rust", "AWS's Rust runtime, in-process")),
        rust().map(|rust| rust.named("rust-raw", "the same, the event unparsed").with("RAW", "1")),
        interpreters::find("python3").map(|_| here("python", "Python function, `bootstrap`", "py.handler")),
        Entry::other("awslambdaric", "Python function, awslambdaric", Side::Other, &peers().join("python/bin/python3"))
            .map(|python| python.arguments(["-m", "awslambdaric", "py.handler"].map(OsString::from).to_vec())),
    ];
    all.extend(NODE_RELEASES.iter().flat_map(node));
    all.extend([
        node_program(20).map(|node| {
            let folder = node.parent().unwrap_or(&node);
            here("node20-mjs", "the same on 20 as a module", "module.handler").interpreted_in(folder)
        }),
        node_program(20).and_then(|node| {
            let least = Entry::other("node20-least", "the least in Node.js 20, in-process", Side::Floor, &node)?;
            Ok(least.arguments(vec![beside("peers/least.cjs").into()]).up_to(SMALL))
        }),
        interpreters::find("bash").map(|_| here("bash-loop", "bash loop, `bootstrap`", "loop.sh").up_to(SMALL)),
        interpreters::find("bash").map(|_| here("bash", "bash function, `bootstrap`", "function.handler")),
        interpreters::find("curl").and_then(|_| {
            let tutorial = beside("peers/tutorial.sh");
            let tutorial = Entry::other("tutorial", "bash function, AWS's tutorial", Side::Other, &tutorial)?;
            Ok(tutorial.with("_HANDLER", "function.handler").up_to(SMALL))
        }),
        layer().map(|bin| here("lisp", "Lisp function on the layer, `bootstrap`", "lisp.handler").interpreted_in(&bin)),
        interpreters::find("sbcl").map(|_| here("lisp-bare", "the same without the layer's core", "lisp.handler")),
        Ok(filter().named("oneshot", "process per event, `bootstrap`")),
        Ok(filter().named("oneshot-cold", "the same without standby").with("HANDLER_STANDBY", "0")),
    ]);
    all
}

/// A function in this Node.js, here and with AWS's client.
fn node(release: &Node) -> [Result<Entry, String>; 2] {
    let program = node_program(release.version);
    let ours = program.clone().map(|node| {
        here(release.here.0, release.here.1, "common.handler").interpreted_in(node.parent().unwrap_or(&node))
    });
    let theirs = program.and_then(|node| {
        let client = node_client(release.version).join(release.client);
        there(&client)?;
        let entry = Entry::other(release.theirs.0, release.theirs.1, Side::Other, &node)?;
        // As AWS's own image starts it, and as `bootstrap` does: the heap is most of the memory.
        let heap = [
            format!("--max-old-space-size={}", MEMORY - MEMORY / 10),
            format!("--max-semi-space-size={}", MEMORY / 10 / 2),
        ];
        let [old, young] = heap.map(OsString::from);
        let entry = entry.with("_HANDLER", "common.handler");
        Ok(entry.arguments(vec![old, young, client.into(), "common.handler".into()]))
    });
    [ours, theirs]
}

/// npm's package `node` has the program.
pub fn node_program(version: u32) -> Result<PathBuf, String> {
    let program = peers().join(format!("node{version}/node_modules/node/bin/node"));
    there(&program).map(|()| program)
}

pub fn node_client(version: u32) -> PathBuf {
    peers().join(format!("client{version}/node_modules/aws-lambda-ric"))
}

/// The folder of the SBCL in the layer that ./build.sh sbcl makes; it finds the layer's core from there.
pub fn layer() -> Result<PathBuf, String> {
    let folder = peers().join("layer/bin");
    there(&folder.join("sbcl")).map(|()| folder)
}

/// Those that answer HTTP requests, each with its own.
pub fn web() -> Vec<Result<Entry, String>> {
    let cgi = |name, title, handler: OsString| {
        here(name, title, handler).with("HANDLER_MODE", "cgi").asked(request("GET", ""), "Hello, Ada!")
    };
    let time = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"convert_time","arguments":{"source_timezone":"UTC","time":"12:00","target_timezone":"Asia/Tokyo"}}}"#;
    let python = peers().join("mcp/bin/python3");
    vec![
        interpreters::find("bash").map(|_| {
            here("web-loop", "bash loop that answers with a page", "page-loop.sh")
                .asked(request("GET", ""), "Hello, Ada!")
        }),
        interpreters::find("bash").map(|_| cgi("cgi-bash", "bash script, CGI", "page.sh".into())),
        interpreters::find("php-cgi").map(|php| {
            let page = cgi("cgi-php", "PHP script, CGI", php.into());
            page.with("SCRIPT_FILENAME", handlers().join("page.php")).with("REDIRECT_STATUS", "200")
        }),
        there(&python).map(|()| {
            let server = here("mcp-time", "MCP server in Python, a call over HTTP", python);
            let server = server.with("HANDLER_ARGS", "-m mcp_server_time").with("TZ", "UTC");
            server.with("HANDLER_MODE", "jsonrpc").asked(request("POST", time), "+09:00")
        }),
    ]
}

/// A request to a function URL.
fn request(method: &str, body: &str) -> String {
    const REQUEST: &str = r#"{"version":"2.0","rawPath":"/hello","rawQueryString":"name=Ada","headers":{"host":"abc.lambda-url.us-east-2.on.aws","content-type":"application/json","accept":"application/json"},"requestContext":{"domainName":"abc.lambda-url.us-east-2.on.aws","http":{"method":"METHOD","path":"/hello","protocol":"HTTP/1.1","sourceIp":"192.0.2.1"}},"body":"BODY","isBase64Encoded":false}"#;
    REQUEST.replace("METHOD", method).replace("BODY", &body.replace('"', "\\\""))
}

/// What ships, with this handler.
pub fn here(name: &'static str, title: &'static str, handler: impl Into<OsString>) -> Entry {
    Entry::here(name, title, &shipped::bootstrap().file, handler)
}

/// The functions that are measured.
pub fn handlers() -> PathBuf {
    beside("handlers")
}

pub fn beside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(file)
}
