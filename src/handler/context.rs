//! The context file: what Lambda says of the event at hand, for handlers that read it (`$LAMBDA_CONTEXT_FILE`).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::unistd::mkstemp;
use serde_json::value::RawValue;

use crate::invocation::Invocation;
use crate::json;
use crate::os::FilePage;

/// One worker's context file. It goes with its owner.
#[derive(Debug)]
pub struct ContextFile {
    path: PathBuf,
    file: File,
    length: usize,
    /// The file as memory, where that can be had: a system call less for each event.
    page: Option<FilePage>,
    /// Kept, since allocating it anew for every event would be felt.
    content: String,
}

impl ContextFile {
    /// Makes the file, readable for this user only, in `$TMPDIR`, `/tmp` (all that Lambda lets anybody write to) or
    /// `/dev/shm`.
    pub fn create() -> io::Result<Self> {
        let mut made = Err(io::Error::other("there is no folder for temporary files"));
        for folder in [&std::env::temp_dir(), Path::new("/tmp"), Path::new("/dev/shm")] {
            made = Self::create_in(folder);
            if made.is_ok() {
                break;
            }
        }
        made
    }

    fn create_in(folder: &Path) -> io::Result<Self> {
        let (descriptor, path) = mkstemp(&folder.join("lambda-context-XXXXXX"))?;
        nix::fcntl::fcntl(&descriptor, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        let mut file = Self { path, file: File::from(descriptor), length: 0, page: None, content: "{}".to_owned() };
        file.replace()?;
        // From here on the file is never empty, and its first page has its place on the disk.
        file.page = FilePage::of(&file.file).ok();
        Ok(file)
    }

    pub fn path(&self) -> OsString {
        self.path.clone().into()
    }

    /// Brings the file up to date for an event that is about to be given to the handler.
    pub fn write(&mut self, invocation: &Invocation) -> io::Result<()> {
        self.content.clear();
        push_content(&mut self.content, invocation);
        self.replace().inspect_err(|_| self.clear())
    }

    /// Nothing, rather than half of what is to be there or what was said of another event.
    fn clear(&mut self) {
        self.page = None;
        let _ = self.file.set_len(0);
        self.length = 0;
    }

    fn replace(&mut self) -> io::Result<()> {
        let (content, length) = (self.content.as_bytes(), self.content.len());
        let before = std::mem::replace(&mut self.length, length);
        if let Some(page) = self.page.as_mut().filter(|_| length <= FilePage::SIZE) {
            if length != before {
                self.file.set_len(length as u64)?;
            }
            if page.write(content).is_ok() {
                return Ok(());
            }
            self.page = None;
        }
        self.file.write_all_at(content, 0)?;
        if length < before {
            self.file.set_len(length as u64)?;
        }
        Ok(())
    }
}

impl Drop for ContextFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// One JSON object on one line. What is JSON already stays as it is, to the byte.
fn push_content(object: &mut String, invocation: &Invocation) {
    let mut member = |name: &str, value: &str, embedded: bool| {
        object.push_str(if object.is_empty() { "{\"" } else { ",\"" });
        object.push_str(name);
        object.push_str("\":");
        if embedded {
            object.push_str(value);
        } else {
            json::push_string(object, value);
        }
    };
    member("awsRequestId", &invocation.id, false);
    if let Some(ms) = invocation.deadline_ms {
        member("deadlineMs", &ms.to_string(), true);
    }
    for (name, header, may_be_json) in MEMBERS {
        if let Some(value) = invocation.header(header) {
            member(name, value, may_be_json && serde_json::from_str::<&RawValue>(value).is_ok());
        }
    }
    object.push_str("}\n");
}

/// The members that come from headers, and whether they may be JSON.
const MEMBERS: [(&str, &str, bool); 5] = [
    ("invokedFunctionArn", "Lambda-Runtime-Invoked-Function-Arn", false),
    ("traceId", "Lambda-Runtime-Trace-Id", false),
    ("clientContext", "Lambda-Runtime-Client-Context", true),
    ("identity", "Lambda-Runtime-Cognito-Identity", true),
    ("tenantId", "Lambda-Runtime-Aws-Tenant-Id", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn content(invocation: &Invocation) -> String {
        let mut content = String::new();
        push_content(&mut content, invocation);
        content
    }

    #[test]
    fn members_are_there_if_the_event_has_them() {
        let mut invocation = Invocation { id: "id\"1".to_owned(), ..Invocation::default() };
        assert_eq!(content(&invocation), "{\"awsRequestId\":\"id\\\"1\"}\n");
        invocation.set_deadline(600_000);
        let mut say = |name: &str, value: &str| {
            invocation.headers.push((format!("Lambda-Runtime-{name}").into(), value.to_owned()));
        };
        say("Client-Context", "{\"custom\": {\"n\": 1.0}}");
        say("Cognito-Identity", "bm90IEpTT04=");
        assert_eq!(
            content(&invocation),
            "{\"awsRequestId\":\"id\\\"1\",\"deadlineMs\":600000,\"clientContext\":{\"custom\": {\"n\": 1.0}},\"identity\":\"bm90IEpTT04=\"}\n"
        );
    }

    #[test]
    fn a_shorter_context_leaves_nothing_of_a_longer_one() {
        let mut file = ContextFile::create().expect("a file");
        let path = file.path.clone();
        let long = Invocation { id: "x".repeat(100), ..Invocation::default() };
        file.write(&long).expect("written");
        file.write(&Invocation { id: "y".to_owned(), ..Invocation::default() }).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "{\"awsRequestId\":\"y\"}\n");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_context_of_any_length_is_there_whole() {
        let mut file = ContextFile::create().expect("a file");
        assert!(file.page.is_some(), "this file system can map files");
        for length in [1, 4000, 5000, 20, FilePage::SIZE, 3] {
            let invocation = Invocation { id: "z".repeat(length), ..Invocation::default() };
            file.write(&invocation).expect("written");
            assert_eq!(fs::read_to_string(&file.path).expect("read"), content(&invocation), "{length}");
        }
    }

    #[test]
    fn a_file_that_a_handler_has_emptied_is_written_again() {
        let mut file = ContextFile::create().expect("a file");
        let invocation = Invocation { id: "x".repeat(50), ..Invocation::default() };
        file.write(&invocation).expect("written");
        for _ in 0..3 {
            File::create(&file.path).expect("emptied");
            file.write(&invocation).expect("written again");
            assert_eq!(fs::read_to_string(&file.path).expect("read"), content(&invocation));
        }
    }
}
