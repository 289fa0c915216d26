//! In place of `bootstrap`'s own: as much of the environment as its parts here ask for.

#[allow(clippy::unnecessary_wraps)] // As it is declared there.
pub fn function_memory() -> Option<u32> {
    Some(128)
}

pub fn is_snapstart() -> bool {
    false
}
