//! The descriptors that a poll or select waits for, out of the process's memory.

use nix::libc;
use nix::unistd::Pid;

use super::memory;
use super::proc::Watched;

/// Sets that are larger are not looked at.
const MOST: usize = 4096;

/// Of an array of `count` times `struct pollfd`. Negative descriptors are not waited for.
pub fn poll(process: Pid, address: u64, count: u64) -> Option<Vec<Watched>> {
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
    let mut bytes = vec![0; count * size_of::<libc::pollfd>()];
    memory::read(process, address, &mut bytes)?;
    Some(entries(&bytes).collect())
}

fn entries(bytes: &[u8]) -> impl Iterator<Item = Watched> {
    let entries = bytes.chunks_exact(size_of::<libc::pollfd>()).map(|entry| Watched {
        descriptor: i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]),
        events: u32::from(u16::from_ne_bytes([entry[4], entry[5]])),
    });
    entries.filter(|entry| entry.descriptor >= 0)
}

/// Of three sets of `count` bits each, for reading, writing and exceptions; an address of 0 is an empty set.
pub fn select(process: Pid, sets: [u64; 3], count: u64) -> Option<Vec<Watched>> {
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
    let mut watched = Vec::new();
    for (address, events) in sets.into_iter().zip([libc::POLLIN, libc::POLLOUT, libc::POLLPRI]) {
        if address != 0 {
            // The kernel reads whole words.
            let mut bits = vec![0; count.div_ceil(64) * 8];
            memory::read(process, address, &mut bits)?;
            let events = u32::from(events.cast_unsigned());
            watched.extend(numbers(&bits, count).map(|descriptor| Watched { descriptor, events }));
        }
    }
    Some(watched)
}

/// The numbers of the bits that are set, below `count`.
fn numbers(bits: &[u8], count: usize) -> impl Iterator<Item = i32> {
    let words = bits.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
    let set = words
        .enumerate()
        .flat_map(|(index, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index * 64 + bit));
    set.take_while(move |&number| number < count).filter_map(|number| i32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_of_poll_is_read() {
        let mut bytes = Vec::new();
        for (descriptor, events) in [(0_i32, 1_u16), (-1, 1), (7, 4)] {
            bytes.extend(descriptor.to_ne_bytes());
            bytes.extend(events.to_ne_bytes());
            bytes.extend([0xff, 0xff]);
        }
        let watched: Vec<_> = entries(&bytes).collect();
        assert_eq!(watched, [Watched { descriptor: 0, events: 1 }, Watched { descriptor: 7, events: 4 }]);
        assert_eq!(entries(&bytes[..5]).count(), 0);
    }

    #[test]
    fn the_bits_of_a_select_are_read_up_to_its_count() {
        let mut bits = 0b1001_u64.to_ne_bytes().to_vec();
        bits.extend(1_u64.to_ne_bytes());
        assert_eq!(numbers(&bits, 128).collect::<Vec<_>>(), [0, 3, 64]);
        assert_eq!(numbers(&bits, 64).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(numbers(&bits, 3).collect::<Vec<_>>(), [0]);
    }
}
