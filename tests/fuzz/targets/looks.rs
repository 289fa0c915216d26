//! Looks at a handler in a `/proc` whose files say anything, and another thing when they are read again.
//!
//! A tree is at rest only where each of its threads was seen to wait, without a time-out, in a call that waits for others;
//! where nobody has run meanwhile; and where somebody waits for our stdin. Whatever is lied, a look has an end.

use super::work::Work;
use crate::looking::activity;
use crate::looking::files::proc;
use crate::looking::roots::Tree;
use crate::proc_files::{World, within};
use nix::unistd::Pid;

/// Numbers of calls in which a thread may rest, as x86-64 has them.
const RESTING: [i64; 19] = [0, 7, 19, 23, 34, 61, 128, 130, 202, 232, 247, 270, 271, 275, 276, 281, 441, 449, 455];

/// The number of the last line that begins so.
fn number_of(status: &[u8], name: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(status).into_owned();
    let mut values = text.split('\n').filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    values.next_back()?.trim_matches(|end: char| end.is_ascii_whitespace()).parse().ok()
}

/// What must be so in a world in which the tree is at rest.
#[cfg(target_arch = "x86_64")]
fn check_rest(world: &World) {
    let (mut waits_for_us, listed) = (false, listed(world));
    for (name, versions) in &world.files {
        // Whoever is in no list is none of the tree, and a name that is no number none of a thread.
        let &[process, "task", thread, file] = name.split('/').collect::<Vec<_>>().as_slice() else { continue };
        if !listed.iter().any(|one| one == process) || !thread.parse::<i32>().is_ok_and(|id| id.to_string() == thread) {
            continue;
        }
        if file == "status" {
            let runs = |version: &Vec<u8>| {
                number_of(version, "voluntary_ctxt_switches")
                    .zip(number_of(version, "nonvoluntary_ctxt_switches"))
                    .map(|(one, other)| one.wrapping_add(other))
            };
            let first = runs(&versions[0]);
            assert!(first.is_some() && (versions.len() == 1 || runs(&versions[1]) == first), "{name}: it has run");
        }
        if file == "syscall" && !is_dead(world, name) {
            let text = String::from_utf8_lossy(&versions[0]).into_owned();
            let mut words = text.split_ascii_whitespace();
            let call: i64 = words.next().unwrap().parse().expect("a call");
            assert!(RESTING.contains(&call), "{name}: {text:?}");
            let arguments: Vec<u64> =
                words.map_while(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect();
            let int = |argument: u64| ((argument & 0xffff_ffff) as u32).cast_signed();
            let limit = match call {
                7 => int(arguments[2]),
                232 | 281 => int(arguments[3]),
                _ => -1,
            };
            assert!(limit < 0, "{name}: it waits for {limit} ms");
            waits_for_us |= matches!(call, 0 | 7 | 19 | 23 | 232 | 270 | 271 | 275 | 276 | 281 | 441);
        }
    }
    assert!(waits_for_us, "nobody waits for our stdin");
    assert!(world.files.iter().any(|(name, links)| {
        // A number is the same with zeros in front.
        let number = |link: &Vec<u8>| -> Option<u64> {
            let link = std::str::from_utf8(link.trim_ascii_end()).ok()?;
            link.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
        };
        name.contains("/fd/") && links.iter().any(|link| number(link) == Some(100))
    }));
}

/// Whether a thread has ended, and only its number is left.
fn is_dead(world: &World, syscall: &str) -> bool {
    let status = world.files.get(&syscall.replace("/syscall", "/status"));
    status.is_some_and(|versions| {
        let text = String::from_utf8_lossy(&versions[0]).into_owned();
        let state = text.split('\n').filter_map(|line| line.strip_prefix("State:")).next_back();
        state.is_some_and(|state| state.trim_start().starts_with(['Z', 'X']))
    })
}

/// The processes that the lists of children lead to, as they are when they are first read.
fn listed(world: &World) -> Vec<String> {
    let mut all = vec!["10".to_owned()];
    let mut next = 0;
    while let Some(process) = all.get(next) {
        let folder = format!("{process}/task/");
        let lists = world.files.iter().filter(|(name, _)| {
            let thread = name.strip_prefix(&folder).and_then(|rest| rest.strip_suffix("/children"));
            thread.is_some_and(|thread| thread.parse::<i32>().is_ok())
        });
        let children = lists.flat_map(|(_, versions)| proc::children(&versions[0])).map(|child| child.to_string());
        let new: Vec<_> = children.filter(|child| !all.contains(child)).collect();
        all.extend(new);
        next += 1;
    }
    all
}

pub fn check(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let world = World::of(bytes);
    let stdin_is_empty = choice & 1 == 0;
    let tree = Tree {
        root: Pid::from_raw(10),
        started: 1,
        pipes: [Some(100), Some(101), Some(102)],
        root_is_ours: choice & 2 == 0,
    };
    let work = Work::begin();
    let seen = within(world.clone(), || activity::look(&tree, stdin_is_empty));
    // A file may be read for each descriptor of each thread.
    work.check(bytes.len() * 16);
    let words = seen.seen.to_string();
    assert!(!words.is_empty() && !words.contains('\n'), "{words:?}");
    if seen.at_rest {
        assert!(stdin_is_empty && seen.reads_stdin == Some(true), "{seen:?}");
        #[cfg(target_arch = "x86_64")]
        if tree.root_is_ours {
            check_rest(&world);
        }
    }
}
