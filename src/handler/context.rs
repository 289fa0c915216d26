//! The context file: what Lambda says of the event at hand, for handlers that read it (`$LAMBDA_CONTEXT_FILE`).
//!
//! It lies where the handler may write, too. So it is looked at before each event: whatever the handler has put in its place
//! (another file, a link, a folder) is not followed and not kept.

use std::ffi::{CString, OsString};
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::mkstemp;
use serde_json::value::RawValue;

use crate::invocation::Invocation;
use crate::json;
use crate::os;

/// A regular file (inode(7)) that its owner may read and write.
const MODE: u32 = 0o100_600;

/// One worker's context file. It goes with its owner.
#[derive(Debug)]
pub struct ContextFile {
    path: PathBuf,
    /// The path, as the kernel takes it.
    name: CString,
    file: File,
    /// Which file on the disk is ours.
    place: (u64, u64),
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
        let (file, path) = make(&folder.join("lambda-context-XXXXXX"))?;
        let name = CString::new(path.as_os_str().as_bytes())?;
        let mut context = Self { path, name, place: place_of(&file)?, file, content: "{}".to_owned() };
        context.replace()?;
        Ok(context)
    }

    pub fn path(&self) -> OsString {
        self.path.clone().into()
    }

    /// Brings the file up to date for an event that is about to be given to the handler. After an error there is nothing in
    /// it, rather than what was said of another event.
    pub fn write(&mut self, invocation: &Invocation) -> io::Result<()> {
        self.content.clear();
        push_content(&mut self.content, invocation);
        self.replace().inspect_err(|_| {
            let _ = self.file.set_len(0);
            if os::look_at(&self.name).is_ok_and(|found| found.place() != self.place) {
                let _ = clear_away(&self.path);
            }
        })
    }

    fn replace(&mut self) -> io::Result<()> {
        let length = self.content.len() as u64;
        match os::look_at(&self.name) {
            Ok(found) if found.place() == self.place => {
                self.file.write_all_at(self.content.as_bytes(), 0)?;
                if found.length != length {
                    self.file.set_len(length)?;
                }
                if found.mode != MODE {
                    self.file.set_permissions(Permissions::from_mode(MODE))?;
                }
                Ok(())
            }
            _ => self.put_back(),
        }
    }

    /// Makes the file anew, in the place of whatever is there.
    fn put_back(&mut self) -> io::Result<()> {
        let mut template = self.path.clone().into_os_string();
        template.push(".XXXXXX");
        let (file, path) = make(Path::new(&template))?;
        file.write_all_at(self.content.as_bytes(), 0)?;
        // A folder cannot be replaced in one step; anything else can.
        let put = fs::rename(&path, &self.path).or_else(|_| {
            clear_away(&self.path)?;
            fs::rename(&path, &self.path)
        });
        if let Err(error) = put {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.place = place_of(&file)?;
        self.file = file;
        Ok(())
    }
}

impl Drop for ContextFile {
    fn drop(&mut self) {
        let _ = clear_away(&self.path);
    }
}

/// A new file that no child inherits, with the mode that it shall have whatever the umask says.
fn make(template: &Path) -> io::Result<(File, PathBuf)> {
    let (descriptor, path) = mkstemp(template)?;
    nix::fcntl::fcntl(&descriptor, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let file = File::from(descriptor);
    file.set_permissions(Permissions::from_mode(MODE))?;
    Ok((file, path))
}

fn place_of(file: &File) -> io::Result<(u64, u64)> {
    let found = file.metadata()?;
    Ok((found.dev(), found.ino()))
}

/// Lets the owner into a folder and those in it: a umask may have left them shut.
fn unlock(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_type()?.is_dir() {
            unlock(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes what is there, links unfollowed.
fn clear_away(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::IsADirectory | io::ErrorKind::PermissionDenied) => {
            let _ = unlock(path);
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

/// One JSON object on one line. What is JSON already stays as it is, to the byte.
fn push_content(object: &mut String, invocation: &Invocation) {
    push_member(object, "awsRequestId", &invocation.id, false);
    if let Some(ms) = invocation.deadline_ms {
        let _ = write!(object, ",\"deadlineMs\":{ms}");
    }
    for (name, header, may_be_json) in MEMBERS {
        if let Some(value) = invocation.header(header) {
            push_member(object, name, value, may_be_json && serde_json::from_str::<&RawValue>(value).is_ok());
        }
    }
    object.push_str("}\n");
}

fn push_member(object: &mut String, name: &str, value: &str, is_json: bool) {
    object.push_str(if object.is_empty() { "{\"" } else { ",\"" });
    object.push_str(name);
    object.push_str("\":");
    if is_json {
        object.push_str(value);
    } else {
        json::push_string(object, value);
    }
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
            invocation.headers.push(format!("Lambda-Runtime-{name}"), value);
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

    fn is_there(file: &ContextFile, invocation: &Invocation, what: &str) {
        assert_eq!(fs::read_to_string(&file.path).expect("read"), content(invocation), "{what}");
        let found = fs::symlink_metadata(&file.path).expect("there");
        assert_eq!((found.mode(), found.nlink()), (MODE, 1), "{what}");
    }

    #[test]
    fn whatever_a_handler_does_to_the_file_it_is_right_for_the_next_event() {
        let mut file = ContextFile::create().expect("a file");
        let path = file.path.clone();
        let other = path.with_extension("other");
        let remove = || fs::remove_file(&path).expect("removed");
        let deeds: [(&str, &dyn Fn()); 9] = [
            ("nothing", &|| {}),
            ("emptied", &|| drop(File::create(&path).expect("emptied"))),
            ("written", &|| fs::write(&path, "longer than any context ".repeat(100)).expect("written")),
            ("removed", &remove),
            ("replaced", &|| {
                fs::write(&other, "{}").expect("written");
                fs::rename(&other, &path).expect("renamed");
            }),
            ("a link", &|| {
                remove();
                fs::write(&other, "precious").expect("written");
                std::os::unix::fs::symlink(&other, &path).expect("a link");
            }),
            ("a folder", &|| {
                remove();
                fs::create_dir_all(path.join("in/it")).expect("a folder");
            }),
            ("a pipe", &|| {
                remove();
                nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
            }),
            ("locked", &|| fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("locked")),
        ];
        for (number, (what, deed)) in deeds.iter().enumerate() {
            deed();
            let invocation = Invocation { id: "x".repeat(50 * number), ..Invocation::default() };
            file.write(&invocation).expect("written");
            is_there(&file, &invocation, what);
        }
        assert_eq!(fs::read_to_string(&other).expect("read"), "precious", "a link is not followed");
        fs::remove_file(&other).expect("removed");
        drop(file);
        assert!(!path.exists());
    }
}
