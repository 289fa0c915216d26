//! What is seen.

use super::*;

#[test]
fn a_reader_is_ready_and_at_rest() {
    let mut cat = Subject::start("cat", &[]);
    let activity = cat.comes_to_rest();
    assert_eq!(activity.reads_stdin, Some(true));
    assert_eq!(activity.seen.to_string(), "reads its stdin");
    cat.child.stdin.as_mut().unwrap().write_all(b"more").unwrap();
    assert!(!cat.tree.activity(false).at_rest);
}

#[test]
fn what_holds_a_filter_up_is_told() {
    let asleep = Subject::sh("sleep 30 & read -r line");
    let activity = asleep.until("asleep", |activity| {
        activity.reads_stdin == Some(true) && activity.seen.to_string().contains("sleeps 30 s")
    });
    assert!(!activity.at_rest, "{activity:?}");
    let said = activity.seen.to_string();
    assert!(said.starts_with("has a process \"sleep\" ("), "{said}");
    assert!(said.ends_with("that sleeps 30 s, while another thread or process waits for its stdin"), "{said}");
}

#[test]
fn a_pipeline_waits_for_itself() {
    let pipeline = Subject::sh("jq -c --unbuffered . | while read -r event; do echo \"$event\"; done");
    let activity = pipeline.comes_to_rest();
    assert_eq!(activity.reads_stdin, Some(true));
}

#[test]
fn one_that_works_behind_a_pipeline_keeps_it_from_rest() {
    let pipeline = Subject::sh("cat | { sleep 30; cat; }");
    let activity = pipeline.until("ready", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
}

#[test]
fn a_pipe_whose_other_end_is_elsewhere_is_work() {
    // Its stderr is inherited: a pipe that the test has both ends of.
    let (read, write) = io::pipe().unwrap();
    let (child, tree) = ProcessTree::spawn(None, || {
        Command::new("sh")
            .args(["-c", "exec 3<&0; cat <&3 & cat <&2"])
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(read.try_clone()?)
            .spawn()
    })
    .unwrap();
    let subject = Subject { child, tree };
    let activity =
        subject.until("waiting", |activity| activity.seen.to_string().contains("reads a pipe from elsewhere"));
    assert_eq!((activity.at_rest, activity.reads_stdin), (false, Some(true)));
    drop(write);
}

#[test]
fn a_poll_is_judged_by_what_is_in_it() {
    let poll = "p = select.poll(); p.register(0, select.POLLIN);";
    python(&format!("{poll} p.poll()")).comes_to_rest();
    python(&format!("{poll} r, w = os.pipe(); p.register(r); p.register(os.eventfd(0), select.POLLIN); p.poll()"))
        .comes_to_rest();
    let limited = python(&format!("{poll} p.poll(30000)"));
    let activity = limited.until("polling", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    assert_eq!(activity.seen.to_string(), "waits in poll for its stdin, for at most 30 s");
    let open =
        python(&format!("{poll} s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); p.register(s); p.poll()"));
    let activity = open.until("polling", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    assert_eq!(activity.seen.to_string(), "waits in poll for its stdin and a socket");
}

#[test]
fn a_select_is_judged_by_what_is_in_it() {
    python("select.select([0], [], [])").comes_to_rest();
    let limited = python("select.select([0], [], [], 30)");
    let activity = limited.until("selecting", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    assert_eq!(activity.seen.to_string(), "waits in select for its stdin, for at most 30 s");
    let asleep = python("select.select([], [], [], 2.5)");
    let activity = asleep.until("asleep", |activity| activity.seen.to_string() == "sleeps 2.5 s");
    assert_eq!((activity.at_rest, activity.reads_stdin), (false, Some(false)));
}

#[test]
fn an_epoll_is_judged_by_what_is_in_it() {
    let epoll = "e = select.epoll(); e.register(0, select.EPOLLIN);";
    python(&format!("{epoll} e.poll()")).comes_to_rest();
    python(&format!("{epoll} o = select.epoll(); o.register(e.fileno()); o.poll()")).comes_to_rest();
    let open =
        python(&format!("{epoll} s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); e.register(s); e.poll()"));
    let activity = open.until("polling", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    let limited = python(&format!("{epoll} e.poll(30)"));
    let activity = limited.until("polling", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    let other = python("e = select.epoll(); e.register(os.pipe()[0]); e.poll()");
    let activity =
        other.until("polling", |activity| activity.seen.to_string() == "waits in epoll for a pipe of its own");
    assert_eq!((activity.at_rest, activity.reads_stdin), (false, Some(false)));
}

#[test]
fn every_thread_counts() {
    let reads = "threading.Thread(target=sys.stdin.readline).start();";
    python(&format!("{reads} threading.Event().wait()")).comes_to_rest();
    for work in ["time.sleep(30)", "threading.Event().wait(30)", "signal.sigtimedwait([signal.SIGHUP], 30)"] {
        let works = python(&format!("{reads} {work}"));
        let activity = works.until("ready", |activity| {
            activity.reads_stdin == Some(true) && !activity.seen.to_string().starts_with("runs")
        });
        assert!(!activity.at_rest, "{work}: {activity:?}");
    }
    let busy = python(&format!("{reads}\nwhile True: os.getppid()"));
    for _ in 0..20 {
        assert!(!busy.until("ready", |activity| activity.reads_stdin == Some(true)).at_rest);
    }
}

/// A reader gives each event to a second process, which passes a byte to and fro with a third before it answers. Each of them waits most of
/// the time, and never all at once: who looks at one after the other, without making sure, soon sees them all at rest.
#[test]
fn one_that_is_seen_at_rest_has_done_its_work() {
    let mut ball = python(
        "from random import randrange\n\
         def work():\n  \
           for _ in range(randrange(2000)): pass\n\
         to_second, to_third, to_back = os.pipe(), os.pipe(), os.pipe()\n\
         if os.fork() == 0:\n  \
           while True: os.read(to_third[0], 1); work(); os.write(to_back[1], b'.')\n\
         if os.fork() == 0:\n  \
           while True:\n    \
             os.read(to_second[0], 1)\n    \
             for _ in range(300): work(); os.write(to_third[1], b'.'); os.read(to_back[0], 1)\n    \
             os.write(1, b'done')\n\
         while True: os.read(0, 1); os.write(to_second[1], b'.')",
    );
    ball.comes_to_rest();
    let mut looks = 0;
    for _ in 0..100 {
        ball.child.stdin.as_mut().unwrap().write_all(b".").unwrap();
        let began = Instant::now();
        while !ball.look().at_rest {
            looks += 1;
            assert!(began.elapsed() < PATIENCE, "it does not come to rest: {}", ball.look().seen);
        }
        let answer = ball.child.stdout.as_mut().unwrap();
        assert_eq!(os::bytes_waiting(answer.as_fd()).unwrap(), 4, "at rest before its answer");
        io::Read::read_exact(answer, &mut [0; 4]).unwrap();
    }
    assert!(looks > 100, "it was hardly looked at while it worked: {looks}");
}

#[test]
fn a_request_at_the_start_is_not_readiness() {
    let connects = python("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.settimeout(30); s.accept()");
    let activity = connects.until("waiting", |activity| activity.seen.to_string().contains("a socket"));
    assert_eq!((activity.at_rest, activity.reads_stdin), (false, Some(false)));
    assert_eq!(activity.seen.to_string(), "waits in poll for a socket, for at most 30 s");
}

#[test]
fn a_pause_is_not_readiness_and_an_alarm_is_work() {
    let pauses = python("signal.pause()");
    let activity = pauses.until("pausing", |activity| activity.seen.to_string() == "waits for a signal");
    assert_eq!((activity.at_rest, activity.reads_stdin), (false, Some(false)));
    python("threading.Thread(target=sys.stdin.readline).start(); signal.pause()").comes_to_rest();
    let alarm = python(
        "signal.signal(signal.SIGALRM, print); signal.alarm(30); threading.Thread(target=sys.stdin.readline).start(); signal.pause()",
    );
    let activity = alarm.until("ready", |activity| {
        activity.reads_stdin == Some(true) && activity.seen.to_string().starts_with("has set a timer or an alarm")
    });
    assert!(!activity.at_rest);
}

#[test]
fn one_that_is_stopped_works() {
    let stopped = Subject::sh("cat; :");
    stopped.comes_to_rest();
    stopped.tree.signal(Signal::SIGSTOP);
    let activity = stopped.until("stopped", |activity| activity.seen.to_string().ends_with("is stopped"));
    assert!(!activity.at_rest);
}

#[test]
fn an_alarm_is_work() {
    let alarm = Subject::start("perl", &["-e", "$SIG{ALRM} = sub { print 1 }; alarm 30; 1 while <>"]);
    let activity = alarm.until("ready", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
}

#[test]
fn a_socket_to_itself_is_no_work() {
    let wakes_itself = python(
        "a, b = socket.socketpair(); threading.Thread(target=sys.stdin.readline).start(); select.select([a], [], [])",
    );
    if sockets::tests::kernel_tells() {
        wakes_itself.comes_to_rest();
    } else {
        // Anybody may be at its other end, then.
        let activity = wakes_itself.until("selecting", |activity| activity.reads_stdin == Some(true));
        let is_seen = |activity: &Activity| activity.seen.to_string() == "waits in select for a socket";
        assert!(!wakes_itself.until("selecting", is_seen).at_rest && !activity.at_rest);
    }
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let (child, tree) = ProcessTree::spawn(None, || {
        Command::new("python3")
            .args(["-c", "import select; select.select([0, 2], [], [])"])
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(std::os::fd::OwnedFd::from(theirs.try_clone()?))
            .spawn()
    })
    .unwrap();
    drop(theirs);
    let open = Subject { child, tree };
    let activity = open.until("selecting", |activity| activity.reads_stdin == Some(true));
    assert!(!activity.at_rest);
    assert_eq!(activity.seen.to_string(), "waits in select for its stdin and a socket");
    drop(ours);
}

#[test]
fn what_may_not_be_looked_at_is_no_rest_and_may_be_ready() {
    if nix::unistd::geteuid().is_root() {
        // Root may; it is tried as another user.
        return;
    }
    let program =
        std::env::temp_dir().join(format!("{}-unreadable", Mark::new().entry().to_str().unwrap().replace('=', "-")));
    std::fs::copy("/bin/cat", &program).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o111)).unwrap();
    let unreadable = Subject::start(program.to_str().unwrap(), &[]);
    let activity = unreadable.until("unseen", |activity| activity.reads_stdin.is_none());
    assert!(!activity.at_rest);
    assert_eq!(activity.seen.to_string(), "cannot be looked at");
    drop(unreadable);
    let behind_a_shell = Subject::sh(&format!("{}; :", program.display()));
    behind_a_shell.until("unseen", |activity| activity.reads_stdin.is_none() && !activity.at_rest);
    drop(behind_a_shell);
    std::fs::remove_file(&program).unwrap();
}
