//! The files under the task root, and the handler's own wherever they lie (`--watch`): which of their changes are a reason to
//! start the handler again. Links are followed: to folders, and to files.
//!
//! inotify(7) has a descriptor, which the one poll loop waits for like any other. It watches single folders, so each
//! is added as it is found.
//!
//! It does not tell who changed a file, and what the handler writes itself must not start it again and again. While
//! the handler works (it starts or has an event, or has just done so) a change counts only of a file that was there
//! before, and only a few times: an edit need not wait for a quiet moment, and a handler's own files are soon known.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use crate::config;
use crate::log;

/// How long after its start or an event a handler may still write something on account of it.
const LATE: Duration = Duration::from_secs(1);

/// So often a file that changes while the handler works is a reason to start it again. (A change at rest is another
/// person's, and sets it back.)
const MOST: u8 = 3;

/// What others keep, and what no handler is made of.
const PASSED_OVER: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

/// The files under one folder.
pub struct Changes {
    root: PathBuf,
    /// Single files beside it.
    others: Vec<PathBuf>,
    inotify: Inotify,
    folders: Vec<Folder>,
    /// Those that the handler is not known to have made.
    files: HashMap<PathBuf, File>,
    /// The last one that changed, if any has since the handler was started.
    last: Option<PathBuf>,
    /// Until then, the handler may be at work.
    late: Option<Instant>,
}

/// A folder that is watched.
struct Folder {
    watched: WatchDescriptor,
    path: PathBuf,
    /// Of which only these files count; all of them, and the folders in it, where this is `None`.
    only: Option<Vec<OsString>>,
}

#[derive(Default)]
struct File {
    changed: bool,
    /// How often it was a reason to start again although the handler was at work.
    at_work: u8,
}

impl Changes {
    /// Watches everything under `root`, and `others`.
    pub fn under(root: &Path, others: &[PathBuf]) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let (folders, files) = (Vec::new(), HashMap::new());
        let (root, others) = (root.to_owned(), others.to_vec());
        let mut changes = Self { root, others, inotify, folders, files, last: None, late: None };
        changes.add(&changes.root.clone(), false)?;
        for file in &changes.others.clone() {
            changes.add_file(file);
        }
        changes.take();
        Ok(changes)
    }

    /// Watches this file, too, and what is beside it and below; of a folder of programs, which is on `$PATH`, the file alone.
    pub fn follow(&mut self, file: &Path) {
        let before = self.last.clone();
        for file in [Some(file.to_owned()), file.canonicalize().ok()].into_iter().flatten() {
            let Some(folder) = file.parent().filter(|folder| !folder.starts_with(&self.root)) else { continue };
            let is_of_programs = std::env::split_paths(&config::search_path()).any(|known| known == folder);
            if is_of_programs || folder.parent().is_none() || self.add(folder, false).is_err() {
                self.add_file(&file);
            }
            // After an overflow it is to be watched again.
            if !self.others.contains(&file) {
                self.others.push(file);
            }
        }
        self.last = before;
    }

    /// Whether there is a reason to start again.
    pub fn any(&self) -> bool {
        self.last.is_some()
    }

    /// The file to name as the reason to start again, which is one no more.
    pub fn take(&mut self) -> Option<PathBuf> {
        self.files.values_mut().for_each(|file| file.changed = false);
        let last = self.last.take()?;
        Some(last.strip_prefix(&self.root).map_or(last.clone(), Path::to_owned))
    }

    /// Notes what has changed while the handler waited.
    pub fn read(&mut self) {
        self.read_all(self.late.is_some_and(|late| Instant::now() < late));
    }

    /// Notes what has changed while the handler worked, and whether it `lives` on.
    pub fn read_after_work(&mut self, lives: bool) {
        self.read_all(true);
        self.late = lives.then(|| Instant::now() + LATE);
    }

    fn read_all(&mut self, at_work: bool) {
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    return self.look_again(at_work);
                }
                self.note(&event, at_work);
            }
        }
    }

    /// More has changed than the kernel keeps in mind, new folders maybe: this begins anew.
    fn look_again(&mut self, at_work: bool) {
        match Self::under(&self.root, &self.others) {
            Ok(anew) => *self = Self { late: self.late, last: self.last.take(), ..anew },
            Err(error) => log::warn(format_args!("changes may be missed: {error}")),
        }
        if !at_work {
            self.last.get_or_insert_with(|| self.root.clone());
        }
    }

    fn note(&mut self, event: &InotifyEvent, at_work: bool) {
        let happened = |kinds| event.mask.intersects(kinds);
        let Some(place) = self.folders.iter().position(|folder| folder.watched == event.wd) else { return };
        if happened(AddWatchFlags::IN_IGNORED) {
            self.folders.swap_remove(place);
            return;
        }
        let Some(name) = event.name.as_ref().filter(|name| !is_passed_over(name)) else { return };
        let folder = &self.folders[place];
        if folder.only.as_ref().is_some_and(|only| !only.contains(name)) {
            return;
        }
        let path = folder.path.join(name);
        if !happened(AddWatchFlags::IN_ISDIR) {
            // A file that has only been made is still being written, but a link is complete.
            let is_link = path.is_symlink();
            if is_link {
                self.add_target(&path, at_work);
            }
            if event.mask != AddWatchFlags::IN_CREATE || is_link {
                self.note_file(path, at_work);
            }
        } else if happened(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO) {
            // It may be gone again.
            let _ = self.add(&path, at_work);
        } else if happened(AddWatchFlags::IN_MOVED_FROM) {
            self.remove(&path, at_work);
        }
    }

    fn note_file(&mut self, path: PathBuf, at_work: bool) {
        // Pipes and sockets do not change, whatever is written to them.
        let there = path.symlink_metadata().is_ok_and(|file| file.is_file() || file.is_symlink());
        let known = self.files.contains_key(&path);
        if !known && (at_work || !there) {
            return;
        }
        let file = self.files.entry(path.clone()).or_default();
        if !at_work {
            file.at_work = 0;
        } else if !file.changed {
            file.at_work = file.at_work.saturating_add(1);
            if file.at_work == MOST + 1 {
                log::info(format_args!(
                    "{} changes whenever the handler works: it is taken for the handler's own, and does not start it again at such times",
                    path.display()
                ));
            }
            if file.at_work > MOST {
                return;
            }
        }
        file.changed = true;
        // An editor's temporary file is not worth naming.
        if there || self.last.is_none() {
            self.last = Some(path);
        }
    }

    /// Watches a folder and those in it, whose files are new.
    fn add(&mut self, folder: &Path, at_work: bool) -> io::Result<()> {
        if !self.watch(folder, None)? {
            return Ok(());
        }
        for entry in fs::read_dir(folder)?.flatten().filter(|entry| !is_passed_over(&entry.file_name())) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => drop(self.add(&entry.path(), at_work)),
                Ok(kind) if kind.is_symlink() => {
                    self.add_target(&entry.path(), at_work);
                    self.note_file(entry.path(), at_work);
                }
                _ => self.note_file(entry.path(), at_work),
            }
        }
        Ok(())
    }

    /// Watches what a link leads to: a folder under the link's name, a file under its own.
    fn add_target(&mut self, link: &Path, at_work: bool) {
        match link.metadata() {
            Ok(target) if target.is_dir() => drop(self.add(link, at_work)),
            Ok(_) => {
                if let Ok(file) = link.canonicalize() {
                    self.add_file(&file);
                }
            }
            Err(_) => {}
        }
    }

    /// Watches a single file, in a folder that is otherwise none of ours.
    fn add_file(&mut self, file: &Path) {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = self.watch(folder, Some(name.to_owned()));
        if self.folders.iter().any(|known| known.path == folder && known.only.is_some()) {
            self.files.entry(folder.join(name)).or_default();
        }
    }

    /// Watches one folder, or one file in it. Whether the files of the folder are new: no folder is watched twice, whatever
    /// links lead to it, and in circles.
    fn watch(&mut self, folder: &Path, only: Option<OsString>) -> io::Result<bool> {
        let kinds = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            // chmod +x
            | AddWatchFlags::IN_ATTRIB;
        // Before it is read, so that nothing is missed.
        let added = self.inotify.add_watch(folder, kinds | AddWatchFlags::IN_ONLYDIR);
        if added == Err(Errno::ENOSPC) {
            log::warn(format_args!(
                "changes in {} are not seen: fs.inotify.max_user_watches allows no more folders",
                folder.display()
            ));
        }
        let watched = added?;
        let known = self.folders.iter_mut().find(|known| known.watched == watched);
        match (known, only) {
            (None, only) => {
                let is_whole = only.is_none();
                self.folders.push(Folder { watched, path: folder.to_owned(), only: only.map(|name| vec![name]) });
                Ok(is_whole)
            }
            (Some(Folder { only: Some(names), .. }), Some(name)) => {
                names.push(name);
                Ok(false)
            }
            (Some(known @ Folder { only: Some(_), .. }), None) => {
                known.only = None;
                Ok(true)
            }
            (Some(Folder { only: None, .. }), _) => Ok(false),
        }
    }

    /// A folder has been moved to another place, where it would still be watched, under its old name.
    fn remove(&mut self, folder: &Path, at_work: bool) {
        for gone in self.folders.extract_if(.., |known| known.path.starts_with(folder)) {
            let _ = self.inotify.rm_watch(gone.watched);
        }
        let files: Vec<_> = self.files.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in files {
            self.note_file(path, at_work);
        }
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Folders that hold no part of a handler, and what editors write beside the file that they edit: copies (`~`), swap
/// files, locks, and vim's test whether it may write.
fn is_passed_over(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    PASSED_OVER.iter().any(|known| name == *known)
        || bytes.ends_with(b"~")
        || bytes.starts_with(b".#")
        || (bytes.starts_with(b".") && bytes[..bytes.len() - 1].ends_with(b".sw"))
        || bytes == b"4913"
}

#[cfg(test)]
mod tests;
