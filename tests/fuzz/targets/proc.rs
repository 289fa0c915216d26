//! Files of `/proc`: whatever a process calls itself, and wherever a file is cut, nothing is made up.

use crate::looking::files::proc::{self, Blocked, Stat, Status};

pub fn check(data: &[u8]) {
    stat(data);
    blocked(data);
    epoll_set(data);
    if let Some(status) = Status::parse(data) {
        assert!(data.windows(6).any(|word| word == b"State:"), "a state from nowhere: {status:?}");
        let _ = status.may_have_an_alarm();
    }
    let words = data.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    assert!(proc::children(data).count() <= words);
    assert!(proc::timer_signals(data).all(|signal| (0..=i32::MAX).contains(&signal) || data.contains(&b'-')));
    assert!(proc::process_of_descriptor(data).is_none_or(|pid| pid.as_raw() > 0));
    let _ = proc::timer_is_armed(data);
    if let Some(variable) = data.split(|&byte| byte == 0).next_back() {
        assert!(proc::has_variable(data, variable));
    }
}

/// The same, by way of text.
fn stat(data: &[u8]) {
    let Some(stat) = Stat::parse(data) else { return };
    let text = String::from_utf8_lossy(data);
    let words: Vec<_> = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    assert_eq!(stat.state, words[0].as_bytes()[0]);
    assert_eq!(stat.parent.as_raw(), words[1].parse::<i32>().unwrap());
    assert_eq!(stat.group.as_raw(), words[2].parse::<i32>().unwrap());
    assert_eq!(stat.session.as_raw(), words[3].parse::<i32>().unwrap());
    assert_eq!(stat.started, words[19].parse::<u64>().unwrap());
}

fn blocked(data: &[u8]) {
    let Some(Blocked::In { call, arguments }) = Blocked::parse(data) else { return };
    let text = std::str::from_utf8(data).map_or_else(|_| String::from_utf8_lossy(data).into_owned(), str::to_owned);
    let mut words = text.split_ascii_whitespace();
    assert_eq!(words.next().unwrap().parse::<i64>().unwrap(), call);
    for argument in arguments {
        let word = words.next().unwrap().strip_prefix("0x").unwrap();
        assert_eq!(u64::from_str_radix(word, 16).unwrap(), argument);
    }
}

/// As many entries as there are lines that begin so, or none at all.
fn epoll_set(data: &[u8]) {
    let lines = data.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"tfd:")).count();
    assert!(proc::epoll_set(data).is_none_or(|set| set.len() == lines));
}
