//! The other end of a socket pair, as the kernel tells it (`sock_diag(7)`): asyncio and Erlang wake themselves through one.

use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

// <linux/sock_diag.h>, <linux/unix_diag.h>
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
const ESTABLISHED: u8 = 1;

/// The inode of the socket that the stream socket of an inode is connected with. `None` too where the kernel cannot be asked:
/// what answers is its part `unix_diag`, which it may not have, or has as a module that nobody has loaded.
pub fn peer(inode: u32) -> Option<u32> {
    let mut answer = [0; 1024];
    read_answer(ask(inode, &mut answer)?, inode)
}

fn ask(inode: u32, answer: &mut [u8; 1024]) -> Option<&[u8]> {
    let kind = SockType::Raw;
    let kernel = socket(AddressFamily::Netlink, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag).ok()?;
    send(kernel.as_raw_fd(), &question(inode), MsgFlags::empty()).ok()?;
    // The kernel has answered by the time that it took the question.
    let got = recv(kernel.as_raw_fd(), answer, MsgFlags::MSG_DONTWAIT).ok()?;
    answer.get(..got)
}

fn question(inode: u32) -> [u8; 40] {
    let mut bytes = [0; 40];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    // struct nlmsghdr: length, type, flags, and two numbers that nobody needs.
    put(0, &40_u32.to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &1_u16.to_ne_bytes());
    // struct unix_diag_req: family, states, inode, what is asked for, and any cookie.
    put(16, &[1]);
    put(20, &u32::MAX.to_ne_bytes());
    put(24, &inode.to_ne_bytes());
    put(28, &UDIAG_SHOW_PEER.to_ne_bytes());
    put(32, &[0xff; 8]);
    bytes
}

fn read_answer(bytes: &[u8], inode: u32) -> Option<u32> {
    let short = |at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    // struct unix_diag_msg behind the header: family, type, state, inode, cookie. To a datagram socket anybody may send.
    let is_stream = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].contains(&i32::from(*bytes.get(17)?));
    if short(4)? != SOCK_DIAG_BY_FAMILY || !is_stream || *bytes.get(18)? != ESTABLISHED || long(20)? != inode {
        return None;
    }
    let mut at = 32;
    loop {
        let length = usize::from(short(at)?);
        if short(at + 2)? == UNIX_DIAG_PEER && length == 8 {
            // 0 is none any more.
            return long(at + 4).filter(|&peer| peer != 0);
        }
        at += length.max(4).next_multiple_of(4);
    }
}

#[cfg(test)]
pub mod tests {
    use std::os::linux::fs::MetadataExt;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::*;

    fn inode(socket: &impl AsRawFd) -> u32 {
        let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
        u32::try_from(std::fs::metadata(path).unwrap().st_ino()).unwrap()
    }

    /// Whether this kernel has `unix_diag`. Without it, nothing is found for a socket that is there.
    pub fn kernel_tells() -> bool {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut answer = [0; 1024];
        let answer = ask(inode(&one), &mut answer).expect("an answer");
        let number = |at: usize| i32::from_ne_bytes(answer[at..at + 4].try_into().unwrap());
        let is_error = i32::from(u16::from_ne_bytes([answer[4], answer[5]])) == libc::NLMSG_ERROR;
        assert!(!is_error || number(16) == -libc::ENOENT, "the kernel answered with error {}", number(16));
        !is_error
    }

    #[test]
    fn the_two_ends_of_a_pair_are_each_others() {
        let (one, other) = UnixStream::pair().unwrap();
        if !kernel_tells() {
            assert_eq!(peer(inode(&one)), None);
            return;
        }
        assert_eq!(peer(inode(&one)), Some(inode(&other)));
        assert_eq!(peer(inode(&other)), Some(inode(&one)));
        drop(other);
        assert_eq!(peer(inode(&one)), None);
    }

    #[test]
    fn what_others_may_send_to_has_no_other_end() {
        let (one, _other) = UnixDatagram::pair().unwrap();
        assert_eq!(peer(inode(&one)), None);
        let folder = std::env::temp_dir().join(format!("sockets.{}", std::process::id()));
        let listener = UnixListener::bind(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(peer(inode(&listener)), None);
        assert_eq!(peer(0), None);
    }

    #[test]
    fn an_answer_that_is_cut_short_is_survived() {
        let mut answer = vec![0; 40];
        answer[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        answer[17..19].copy_from_slice(&[1, ESTABLISHED]);
        answer[20..24].copy_from_slice(&7_u32.to_ne_bytes());
        answer[32..34].copy_from_slice(&8_u16.to_ne_bytes());
        answer[34..36].copy_from_slice(&UNIX_DIAG_PEER.to_ne_bytes());
        answer[36..].copy_from_slice(&9_u32.to_ne_bytes());
        assert_eq!(read_answer(&answer, 7), Some(9));
        assert_eq!(read_answer(&answer, 8), None);
        for end in 0..answer.len() {
            assert_eq!(read_answer(&answer[..end], 7), None);
        }
    }
}
