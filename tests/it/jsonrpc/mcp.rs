//! Servers of the Model Context Protocol, and clients, that nobody here wrote: servers from `PyPI` and npm, the SDK's client
//! over streamable HTTP behind cargo-lambda's function URL, and boto3.

use super::{call, post, read};
use crate::emulator::Emulator;
use crate::harness::Function;
use crate::harness::clients;
use crate::harness::files::{Folder, need, spawn};
use crate::harness::tools::mcp_tool;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the SDK's client prints, for a function of this name.
#[track_caller]
fn sdk(emulator: &Emulator, name: &str, mode: &str, tool: &str, arguments: &Value) -> Value {
    let url = format!("{}/lambda-url/{name}/", emulator.url());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/jsonrpc/client.py");
    let mut command = Command::new(mcp_tool("python"));
    command.arg(script).args([&url, mode, tool, &arguments.to_string()]).env("NO_PROXY", "*");
    let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}, {mode}: {stderr}\n{}", emulator.story());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A function whose handler is this script.
fn serve(emulator: &mut Emulator, name: &str, script: &str) {
    emulator.serve_script(name, &format!("#!/bin/sh\n{script}\n"), &[("HANDLER_MODE", "jsonrpc")]);
}

fn convert() -> Value {
    json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"})
}

/// Clients of all kinds: with a handshake, that look what there is, and without one.
const MODES: [&str; 3] = ["legacy", "auto", "2026-07-28"];

#[test]
fn the_sdk_s_clients_of_both_kinds_use_the_time_server() {
    let mut emulator = Emulator::new(&["time"]);
    serve(&mut emulator, "time", &format!("exec {}", mcp_tool("mcp-server-time").display()));
    for mode in MODES {
        let said = sdk(&emulator, "time", mode, "convert_time", &convert());
        assert_eq!(said["tools"], json!(["get_current_time", "convert_time"]), "{mode}");
        assert!(said["text"].as_str().unwrap().contains("T21:00:00+09:00"), "{mode}: {said}");
    }
}

#[test]
fn the_sdk_s_clients_use_the_git_server() {
    let mut emulator = Emulator::new(&["git"]);
    let folder = Folder::new();
    let git = need("/usr/bin/git");
    let git = git.display();
    let commit = format!(
        "cd '{}' && {git} init -q && {git} -c user.name=Ada -c user.email=a@example.org commit -q --allow-empty -m 'A commit of Ada'",
        folder.path().display()
    );
    assert!(spawn(Command::new("sh").args(["-c", &commit])).wait().unwrap().success());
    serve(
        &mut emulator,
        "git",
        &format!("exec {} --repository '{}'", mcp_tool("mcp-server-git").display(), folder.path().display()),
    );
    for mode in MODES {
        let said = sdk(&emulator, "git", mode, "git_log", &json!({"repo_path": folder.path()}));
        assert!(said["tools"].as_array().unwrap().contains(&json!("git_status")), "{mode}: {said}");
        assert!(said["text"].as_str().unwrap().contains("A commit of Ada"), "{mode}: {said}");
    }
}

#[test]
fn an_agent_invokes_the_function_by_its_name_with_boto3() {
    let mut emulator = Emulator::new(&["time"]);
    serve(&mut emulator, "time", &format!("exec {}", mcp_tool("mcp-server-time").display()));
    let message = json!({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "convert_time", "arguments": convert()}});
    let called = clients::boto3(&[(&emulator.url(), "time", &message.to_string())]);
    let (status, answer) = called.unwrap_or_else(|error| panic!("{error}\n{}", emulator.story())).remove(0);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["id"], "b");
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("T21:00:00+09:00"), "{answer}");
}

#[test]
fn a_client_that_shook_hands_in_one_sandbox_is_served_in_another() {
    let time = || {
        let time = Function::empty().with_mcp_server("mcp_server_time", "mcp-server-time");
        time.handler("mcp-server-time").mode("jsonrpc").start()
    };
    let (one, other) = (time(), time());
    let mut initialize = call(&json!(0), "initialize");
    initialize["params"] =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let (status, answer) = read(&one.call(post(&initialize.to_string(), &json!({}))).json());
    assert_eq!((status, &answer["result"]["protocolVersion"]), (200, &json!("2025-06-18")), "{answer}");
    let version = json!({"mcp-protocol-version": "2025-06-18"});
    for sandbox in [&other, &one] {
        let (status, answer) = read(&sandbox.call(post(&call(&json!(1), "tools/list").to_string(), &version)).json());
        assert_eq!((status, answer["result"]["tools"].as_array().map(Vec::len)), (200, Some(2)), "{answer}");
    }
    // And one that shakes hands with a server that was initialized for others is answered from memory.
    let (_, answer) = read(&other.call(post(&initialize.to_string(), &json!({}))).json());
    assert_eq!((&answer["id"], &answer["result"]["protocolVersion"]), (&json!(0), &json!("2025-06-18")), "{answer}");
}

/// Whether what takes large downloads is to be tried, too (`LAMBDA_STDIO_LARGE=1`).
fn is_large() -> bool {
    std::env::var_os("LAMBDA_STDIO_LARGE").is_some_and(|value| value == "1")
}

/// A folder with these packages from npm, kept between runs.
fn npm(packages: &[&str]) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("npm");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(need("npm"));
    command.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).args(packages);
    assert!(spawn(command.stdout(Stdio::null())).wait().unwrap().success(), "npm could not install {packages:?}");
    folder.join("node_modules/.bin")
}

#[test]
fn servers_from_npm_are_used_by_the_sdk_s_clients() {
    if !is_large() {
        return;
    }
    let programs = npm(&[
        "@modelcontextprotocol/server-everything@2026.8.31",
        "@modelcontextprotocol/server-filesystem@2026.8.31",
    ]);
    let files = Folder::new();
    files.write("note.txt", b"what stands in the file", 0o644);
    let mut emulator = Emulator::new(&["everything", "filesystem"]);
    serve(&mut emulator, "everything", &format!("exec {}/mcp-server-everything stdio", programs.display()));
    let folder = files.path().display();
    serve(&mut emulator, "filesystem", &format!("exec {}/mcp-server-filesystem '{folder}'", programs.display()));
    for mode in ["legacy", "auto"] {
        let said = sdk(&emulator, "everything", mode, "echo", &json!({"message": "hello"}));
        assert!(said["text"].as_str().unwrap().contains("hello"), "{mode}: {said}");
        let path = json!({"path": files.path().join("note.txt")});
        let said = sdk(&emulator, "filesystem", mode, "read_text_file", &path);
        assert_eq!(said["text"], "what stands in the file", "{mode}: {said}");
    }
}

/// An LSP server's messages have heads: this puts them on and takes them off.
const HEADS: &str = r#"#!/usr/bin/env python3
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:] or @COMMAND@, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def lines():
    while head := server.stdout.readline():
        length = int(head.split(b":")[1])
        while server.stdout.readline().strip():
            pass
        sys.stdout.buffer.write(server.stdout.read(length) + b"\n")
        sys.stdout.buffer.flush()
threading.Thread(target=lines, daemon=True).start()
for line in sys.stdin.buffer:
    line = line.strip()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(line), line))
    server.stdin.flush()
"#;

#[test]
fn a_language_server_answers_behind_ten_lines_that_put_heads_on() {
    if !is_large() {
        return;
    }
    let programs = npm(&["typescript-language-server@5.3.0", "typescript@5.9.3"]);
    let command = json!(["/opt/npm/node_modules/.bin/typescript-language-server", "--stdio"]).to_string();
    let packages = programs.ancestors().nth(2).unwrap();
    let running = Function::new(&HEADS.replace("@COMMAND@", &command))
        .mode("jsonrpc")
        .with_folder(packages, "npm")
        .env("HOME", "/tmp")
        .start();
    let mut initialize = call(&json!(0), "initialize");
    initialize["params"] = json!({"processId": null, "rootUri": null, "capabilities": {}});
    let answer = running.call(initialize.to_string()).json();
    assert!(answer["result"]["capabilities"]["hoverProvider"].as_bool().unwrap(), "{answer}");
    let uri = "file:///var/task/a.ts";
    let open = json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument":
        {"uri": uri, "languageId": "typescript", "version": 1, "text": "function greet(name: string) { return name }\n"}}});
    assert_eq!(running.call(open.to_string()).response_text(), "null");
    let mut symbols = call(&json!("s"), "textDocument/documentSymbol");
    symbols["params"] = json!({"textDocument": {"uri": uri}});
    let answer = running.call(symbols.to_string()).json();
    assert_eq!((&answer["id"], &answer["result"][0]["name"]), (&json!("s"), &json!("greet")), "{answer}");
}
