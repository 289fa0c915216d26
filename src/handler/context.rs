//! The context file: what Lambda says of the event at hand, for handlers that read it (`$LAMBDA_CONTEXT_FILE`).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::unistd::mkstemp;
use serde_json::value::RawValue;

use crate::invocation::Invocation;

/// One worker's context file. It goes with its owner.
#[derive(Debug)]
pub struct ContextFile {
    path: PathBuf,
    file: File,
    length: usize,
}

impl ContextFile {
    /// Makes the file, readable for this user only, in `$TMPDIR`, `/tmp` (all that Lambda lets anybody write to) or
    /// `/dev/shm`.
    pub fn create() -> io::Result<Self> {
        let mut made = Err(io::Error::other("there is no folder for temporary files"));
        for folder in [&std::env::temp_dir(), Path::new("/tmp"), Path::new("/dev/shm")] {
            made = mkstemp(&folder.join("lambda-context-XXXXXX")).map_err(io::Error::from);
            if made.is_ok() {
                break;
            }
        }
        let (descriptor, path) = made?;
        nix::fcntl::fcntl(&descriptor, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        let mut file = Self { path, file: File::from(descriptor), length: 0 };
        file.replace(b"{}")?;
        Ok(file)
    }

    pub fn path(&self) -> OsString {
        self.path.clone().into()
    }

    /// Brings the file up to date for an event that is about to be given to the handler.
    pub fn write(&mut self, invocation: &Invocation) -> io::Result<()> {
        self.replace(content(invocation).as_bytes())
    }

    fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all_at(content, 0)?;
        if content.len() < self.length {
            self.file.set_len(content.len() as u64)?;
        }
        self.length = content.len();
        Ok(())
    }
}

impl Drop for ContextFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// One JSON object on one line. What is JSON already stays as it is, to the byte.
fn content(invocation: &Invocation) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let embedded = |text: &str| match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => json.get().to_owned(),
        Err(_) => quoted(text),
    };
    let members = [
        ("awsRequestId", Some(quoted(&invocation.id))),
        ("deadlineMs", invocation.deadline_ms.map(|ms| ms.to_string())),
        ("invokedFunctionArn", invocation.function_arn.as_deref().map(quoted)),
        ("traceId", invocation.trace_id.as_deref().map(quoted)),
        ("clientContext", invocation.client_context.as_deref().map(embedded)),
        ("identity", invocation.identity.as_deref().map(embedded)),
        ("tenantId", invocation.tenant_id.as_deref().map(quoted)),
    ];
    let members: Vec<_> =
        members.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?))).collect();
    format!("{{{}}}\n", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_there_if_the_event_has_them() {
        let mut invocation = Invocation { id: "id\"1".to_owned(), ..Invocation::default() };
        assert_eq!(content(&invocation), "{\"awsRequestId\":\"id\\\"1\"}\n");
        invocation.set_deadline(600_000);
        invocation.client_context = Some("{\"custom\": {\"n\": 1.0}}".to_owned());
        invocation.identity = Some("bm90IEpTT04=".to_owned());
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
}
