//! Files of `/proc` as they are, cut short, and lying.

use super::*;

const STAT: &[u8] = b"812 (a) b) S 7 812 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 34512 2 3 18446744073709551615 1 1\n";
const STATUS: &[u8] = b"Name:\tState:\\nx\nUmask:\t0022\nState:\tS (sleeping)\nSigCgt:\t0000000000002002\n\
    voluntary_ctxt_switches:\t41\nnonvoluntary_ctxt_switches:\t2\n";

#[test]
fn a_stat_is_read_behind_its_name() {
    let stat = Stat::parse(STAT).unwrap();
    assert_eq!((stat.state, stat.parent.as_raw(), stat.group.as_raw()), (b'S', 7, 812));
    assert_eq!((stat.session.as_raw(), stat.started), (9, 34512));
}

#[test]
fn a_status_is_read_behind_its_name() {
    let status = Status::parse(STATUS).unwrap();
    assert_eq!((status.state, status.caught, status.switches), (b'S', 0x2002, 43));
    assert!(status.may_have_an_alarm());
    assert!(!Status { caught: 0x2402, ..status.clone() }.may_have_an_alarm());
    assert!(!Status { caught: 0x4002, ..status.clone() }.may_have_an_alarm());
    assert!(!Status { caught: 0x1780_7007, ..status }.may_have_an_alarm(), "sort(1)");
}

#[test]
fn a_blocked_call_is_read_with_its_arguments() {
    assert_eq!(Blocked::parse(b"running\n"), Some(Blocked::No));
    assert_eq!(Blocked::parse(b"-1 0x7ffc8 0x7f1e\n"), Some(Blocked::Outside));
    assert_eq!(
        Blocked::parse(b"0 0x0 0x55d0 0x1000 0x0 0x0 0xffffffffffffffff 0x7ffc 0x7f1\n"),
        Some(Blocked::In { call: 0, arguments: [0, 0x55d0, 0x1000, 0, 0, u64::MAX] })
    );
    assert_eq!(Blocked::parse(b"0 0x0 0x55d0\n"), None);
    assert_eq!(Blocked::parse(b""), None);
    assert_eq!(Blocked::parse(b"0 0 1 2 3 4 5\n"), None);
}

#[test]
fn an_epolls_set_is_read_to_the_last_or_not_at_all() {
    let info = b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1036\n\
        tfd:        0 events:       19 data:                0  pos:0 ino:1a2 sdev:f\n\
        tfd:       12 events: 80000001 data: ffffffffffffffff  pos:0 ino:40c sdev:10\n";
    let set = [Watched { descriptor: 0, events: 0x19 }, Watched { descriptor: 12, events: 0x8000_0001 }];
    assert_eq!(epoll_set(info), Some(set.to_vec()));
    assert_eq!(epoll_set(&info[..info.len() - 60]), None);
    assert_eq!(epoll_set(b"pos:\t0\n"), Some(vec![]));
}

#[test]
fn a_timer_that_never_expires_is_told_from_one_that_does() {
    assert_eq!(timer_is_armed(b"clockid: 1\nit_value: (0, 0)\nit_interval: (1, 0)\n"), Some(false));
    assert_eq!(timer_is_armed(b"clockid: 1\nit_value: (0, 49406829)\nit_interval: (1, 0)\n"), Some(true));
    assert_eq!(timer_is_armed(b"clockid: 1\n"), None);
}

#[test]
fn the_signals_of_timers_are_read() {
    let timers = b"ID: 0\nsignal: 26/00007f18917ae200\nnotify: signal/pid.7106\nClockID: 1\nID: 1\nsignal: x/0\n";
    assert_eq!(timer_signals(timers).collect::<Vec<_>>(), [26, 0]);
    assert_eq!(timer_signals(b"").count(), 0);
}

#[test]
fn lists_and_variables_are_read() {
    assert_eq!(children(b"12 13 \n").map(Pid::as_raw).collect::<Vec<_>>(), [12, 13]);
    assert_eq!(children(b"").count(), 0);
    assert_eq!(process_of_descriptor(b"pos:\t0\nPid:\t77\nNSpid:\t77\n"), Some(Pid::from_raw(77)));
    assert_eq!(process_of_descriptor(b"Pid:\t-1\n"), None);
    assert!(has_variable(b"A=1\0B=22\0", b"B=22"));
    assert!(!has_variable(b"A=1\0B=222\0", b"B=22"));
}

#[test]
fn what_is_cut_short_or_changed_is_survived() {
    for whole in [STAT, STATUS, b"tfd: 1 events: 19\nit_value: (0, 1)\nPid: 1\n" as &[u8], b"0 0x0 0x1 0x2 0x3 0x4 0x5"]
    {
        for end in 0..=whole.len() {
            for byte in [b' ', b')', b':', b'-', 0xff] {
                let mut bytes = whole[..end].to_vec();
                bytes.push(byte);
                let _ = (Stat::parse(&bytes), Status::parse(&bytes), Blocked::parse(&bytes), epoll_set(&bytes));
                let _ = (timer_is_armed(&bytes), process_of_descriptor(&bytes), children(&bytes).count());
                let _ = timer_signals(&bytes).count();
            }
        }
    }
}
