//! A `/proc` that holds what an input says, for this thread; and as many versions of a file as the input has, one for each time
//! that it is read.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// A file's name is behind this mark, up to the end of the line; then comes what is in it.
pub const FILE: u8 = 0xf5;

#[derive(Clone, Debug, Default)]
pub struct World {
    /// Each with its versions, of which the last stays.
    pub files: BTreeMap<String, Vec<Vec<u8>>>,
    reads: BTreeMap<String, usize>,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

impl World {
    pub fn of(bytes: &[u8]) -> Self {
        let mut world = Self::default();
        let own = std::process::id().to_string();
        for file in bytes.split(|&byte| byte == FILE) {
            let end = memchr::memchr(b'\n', file).unwrap_or(file.len());
            let Ok(name) = std::str::from_utf8(&file[..end]) else { continue };
            let name = match name.strip_prefix("self/") {
                Some(rest) => format!("{own}/{rest}"),
                None => name.to_owned(),
            };
            let content = file.get(end + 1..).unwrap_or_default().to_vec();
            world.files.entry(name).or_default().push(content);
        }
        world
    }

    pub fn read(&mut self, path: &str) -> Option<Vec<u8>> {
        let versions = self.files.get(path.strip_prefix("/proc/")?)?;
        let count = self.reads.entry(path.to_owned()).or_default();
        *count += 1;
        Some(versions[(*count - 1).min(versions.len() - 1)].clone())
    }

    /// The numbers that are names right in a folder.
    pub fn numbers_in(&mut self, folder: &str) -> Vec<i32> {
        let inside = format!("{}/", folder.strip_prefix("/proc/").unwrap_or_default());
        let names = self.files.keys().filter_map(|name| name.strip_prefix(&inside)?.split('/').next());
        let mut numbers: Vec<i32> = names.filter_map(|name| name.parse().ok()).collect();
        numbers.dedup();
        numbers
    }
}

/// Does something in a world of its own.
pub fn within<T>(world: World, act: impl FnOnce() -> T) -> T {
    /// Whatever happens there, it is gone afterwards.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            WORLD.set(None);
        }
    }
    WORLD.set(Some(world));
    let _end = End;
    act()
}

/// `None`: there is no such world.
pub fn with<T>(ask: impl FnOnce(&mut World) -> T) -> Option<T> {
    WORLD.with_borrow_mut(|world| world.as_mut().map(ask))
}
