//! The sets of poll and select out of a process's memory: as its bits say, as far as it says how many they are; and none at all
//! where that cannot be.

use crate::looking::files::proc::Watched;
use crate::looking::poll_set;
use crate::proc_files::{World, within};
use nix::unistd::Pid;

/// Sets that are larger are not looked at.
const MOST: u64 = 4096;

pub fn check(data: &[u8]) {
    let Some((count, memory)) = data.split_first_chunk::<8>() else { return };
    let count = u64::from_le_bytes(*count);
    let mut world = World::default();
    for address in ["1000", "2000"] {
        world.files.insert(format!("10/mem/{address}"), vec![memory.to_vec()]);
    }
    let process = Pid::from_raw(10);
    let (polled, selected, nowhere) = within(world, || {
        (
            poll_set::poll(process, 0x1000, count),
            poll_set::select(process, [0x1000, 0, 0x2000], count),
            poll_set::poll(process, 0x3000, count.max(1)),
        )
    });
    assert_eq!(nowhere, None);
    assert_eq!(polled, entries(memory, count));
    assert_eq!(selected, bits(memory, count));
}

/// What poll(2) says of its argument.
fn entries(memory: &[u8], count: u64) -> Option<Vec<Watched>> {
    let size = usize::try_from(count).ok().filter(|_| count <= MOST)? * 8;
    let mut entries = Vec::new();
    let mut rest = memory.get(..size)?;
    while let Some((entry, behind)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, low, high, ..] = *entry;
        if d < 0x80 {
            entries.push(Watched {
                descriptor: i32::from_le_bytes([a, b, c, d]),
                events: u32::from(low) | u32::from(high) << 8,
            });
        }
        rest = behind;
    }
    Some(entries)
}

/// What select(2) says of its arguments: bit by bit, in whole words.
fn bits(memory: &[u8], count: u64) -> Option<Vec<Watched>> {
    let count = usize::try_from(count).ok().filter(|_| count <= MOST)?;
    memory.get(..count.div_ceil(64) * 8)?;
    let mut watched = Vec::new();
    for events in [1, 2] {
        for number in 0..count {
            if memory[number / 8] >> (number % 8) & 1 == 1 {
                watched.push(Watched { descriptor: i32::try_from(number).unwrap(), events });
            }
        }
    }
    Some(watched)
}
