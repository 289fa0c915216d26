//! What the page on the emulator says is so: its three terminals, in a folder that looks like a checkout.
//!
//! A block `sh` that begins with `# In a terminal of its own` goes on until the end; the commands of all blocks `console` are
//! run by one shell, as by one who types them. Only the port is another one, since others may be testing, too.

use crate::harness::files::{self, Folder, need, spawn};
use crate::harness::tools::{Background, free_port, tool};
use crate::readme::{self, EMULATOR};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

const PORT: &str = "9100";
const LIMIT: &str = "60";

fn checkout() -> Rc<Folder> {
    let folder = readme::checkout();
    folder.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"), "Cargo.toml");
    let cargo_lambda = tool("cargo-lambda");
    let installed = cargo_lambda.parent().and_then(Path::parent).unwrap();
    symlink(installed, folder.path().join("target/emulator")).unwrap();
    folder.into()
}

#[test]
fn the_page_is_so() {
    let port = free_port();
    let text = readme::read(EMULATOR).replace(PORT, &port.to_string());
    let folder = checkout();
    let mut terminals = Vec::new();
    let (mut commands, mut wanted) = (String::new(), String::new());
    for block in readme::blocks(&text) {
        match block.info.as_str() {
            "sh" if block.text.starts_with("# Not run by the tests: ") => {}
            "sh" if block.text.starts_with("# In a terminal of its own") => {
                terminals.push(Background::start(&need("bash"), &["-c", &block.text], &[], Rc::clone(&folder)));
                terminals[0].wait_emulator(port);
            }
            "console" => {
                for (command, output) in readme::steps(&block.text, EMULATOR) {
                    commands += &command;
                    wanted += &output;
                }
            }
            other => panic!("what is a block `{other}`?"),
        }
    }
    let mut command = Command::new(need("timeout"));
    command.args(["-k1", LIMIT, "bash", "-ec", &commands]).current_dir(folder.path()).env_clear();
    command.env("PATH", files::search_path()).env("HOME", folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().unwrap();
    let (seen, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let story = terminals.iter().map(Background::story).collect::<Vec<_>>().join("\n");
    assert_eq!(seen, wanted, "{}\n{log}\n{story}", output.status);
    assert!(!wanted.is_empty() && terminals.len() == 2, "the page has not what it is about");
}
