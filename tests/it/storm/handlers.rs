//! The handlers of the storm that print plain answers, and do everything wrong at random: a loop, and programs that read to
//! end-of-file.

use super::deeds::Outcome::{Answer, BrokenStream};
use super::deeds::{Deed, EXIT, MARSHAL, STAGED, TIME_OUT, deed, large};

/// Does what the event says. Every true answer carries the event's number, every false one another.
pub const LOOP: &str = r#"
$| = 1;
sub orphan { my ($parent) = @_; select(undef, undef, undef, 0.001) while getppid == $parent; select(undef, undef, undef, 0.3) }
while (my $e = <STDIN>) {
    my ($n) = $e =~ /"n":(\d+)/;
    my ($do) = $e =~ /"do":"(\w+)"/;
    my $answer = "{\"n\":$n}";
    if ($do eq 'answer') { print "$answer\n" }
    elsif ($do eq 'pretty') { print "{\n  \"n\":\n    $n\n}\n" }
    elsif ($do eq 'pieces') { for (split //, "text\n$answer\n") { syswrite STDOUT, $_ } }
    elsif ($do eq 'text') { print "loading $n\n[INFO] {\"n\":-1}\n$answer\n" }
    elsif ($do eq 'rubbish') { print "{oops\n\"no end\n\xff\xfe\n[1,\n$answer behind it\n" }
    elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n"; print "$answer\n" }
    elsif ($do eq 'big') { print "{\"n\":$n,\"x\":\"", "y" x 300000, "\"}\n" }
    elsif ($do eq 'late') { syswrite STDOUT, "$answer\n{\"n\":-1}\n" }
    elsif ($do eq 'slow') { select(undef, undef, undef, 0.01); print "$answer\n" }
    elsif ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}\n" }
    elsif ($do eq 'marshal') { print "{\"n\":\"\xff\"}\n" }
    elsif ($do eq 'last') { print "$answer\n"; exit 0 }
    elsif ($do eq 'lastbad') { print "$answer\n"; exit 5 }
    elsif ($do eq 'lastkill') { print "$answer\n"; kill 'KILL', $$ }
    elsif ($do eq 'exit') { exit 3 }
    elsif ($do eq 'exit0') { exit 0 }
    elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
    elsif ($do eq 'half') { print "{\"n\":$n,\"x\":[1,2"; exit 3 }
    elsif ($do eq 'halfkill') { print "$answer"x0, "{\"n\":$n,"; kill 'KILL', $$ }
    elsif ($do eq 'orphan') {
        # A child that answers when its parent is dead and the next event is there.
        my $parent = $$;
        if (!fork) { orphan($parent); print "{\"n\":-2}\n"; exit 0 }
        exit 3;
    }
    elsif ($do eq 'toolate') { print "{\"n\":"; select(undef, undef, undef, 3); print "$n}\n" }
    elsif ($do eq 'hang') { sleep 1000 }
}
"#;

/// The same for one process per event.
pub const ONESHOT: &str = r#"
$| = 1;
sub orphan { my ($parent) = @_; select(undef, undef, undef, 0.001) while getppid == $parent; select(undef, undef, undef, 0.3) }
my $e = join '', <STDIN>;
my ($n) = $e =~ /"n":(\d+)/;
my ($do) = $e =~ /"do":"(\w+)"/;
my $answer = "{\"n\":$n}";
if ($do eq 'exit') { print $answer; exit 3 }
elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
elsif ($do eq 'orphan') { my $parent = $$; if (!fork) { orphan($parent); print "{\"n\":-2}"; exit 0 } exit 3 }
elsif ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}"; exit 1 }
elsif ($do eq 'noise') { print STDERR "x" x 150000; print $answer }
elsif ($do eq 'pretty') { print "{\n  \"n\":\n    $n\n}\n" }
elsif ($do eq 'marshal') { print "\xff" }
elsif ($do eq 'hang') { sleep 1000 }
else { print $answer }
"#;

/// What `LOOP` does.
pub const LOOP_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pretty", 60, Answer),
    deed("pieces", 40, Answer),
    deed("text", 60, Answer),
    deed("rubbish", 60, Answer),
    deed("noise", 30, Answer),
    deed("big", 30, Answer),
    deed("late", 60, Answer),
    deed("slow", 30, Answer),
    deed("error", 60, STAGED),
    deed("marshal", 30, MARSHAL),
    deed("last", 30, Answer),
    deed("lastbad", 20, Answer),
    deed("lastkill", 20, Answer),
    deed("exit", 30, EXIT),
    deed("exit0", 20, EXIT),
    deed("signal", 20, EXIT),
    deed("half", 20, EXIT),
    deed("halfkill", 20, EXIT),
    deed("orphan", 20, EXIT),
    deed("toolate", 1, TIME_OUT),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
    large("late", 5, Answer),
];

/// What `ONESHOT` does.
pub const ONESHOT_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pretty", 60, Answer),
    deed("noise", 30, Answer),
    deed("error", 60, STAGED),
    deed("marshal", 30, MARSHAL),
    deed("exit", 30, EXIT),
    deed("signal", 20, EXIT),
    deed("orphan", 20, EXIT),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];

/// A filter whose mode is not said. What it prints once it is at its end may be taken for its answer, so that one which is to
/// fail prints nothing before it does.
pub const FILTER: &str = r#"
$| = 1;
my $e = join '', <STDIN>;
my ($n) = $e =~ /"n":(\d+)/;
my ($do) = $e =~ /"do":"(\w+)"/;
my $answer = "{\"n\":$n}";
if ($do eq 'exit') { exit 3 }
elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
elsif ($do eq 'error') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}"; exit 1 }
elsif ($do eq 'noise') { print STDERR "x" x 150000; print $answer }
elsif ($do eq 'pieces') { for (split //, $answer) { syswrite STDOUT, $_ } }
elsif ($do eq 'pretty') { print "{\n  \"n\":\n    $n\n}\n" }
elsif ($do eq 'big') { print "{\"n\":$n,\"x\":\"", "y" x 300000, "\"}" }
elsif ($do eq 'hang') { sleep 1000 }
else { print $answer }
"#;

/// What `FILTER` does.
pub const FILTER_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pieces", 40, Answer),
    deed("pretty", 60, Answer),
    deed("noise", 30, Answer),
    deed("big", 30, Answer),
    deed("error", 40, STAGED),
    deed("exit", 20, EXIT),
    deed("signal", 20, EXIT),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];

/// A program whose output is streamed as it comes.
pub const STREAM: &str = r#"
$| = 1;
my $e = join '', <STDIN>;
my ($n) = $e =~ /"n":(\d+)/;
my ($do) = $e =~ /"do":"(\w+)"/;
my $answer = "{\"n\":$n}";
if ($do eq 'exit') { exit 3 }
elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
elsif ($do eq 'noise') { print STDERR "x" x 150000; print $answer }
elsif ($do eq 'pieces') { for (split //, $answer) { syswrite STDOUT, $_ } }
elsif ($do eq 'slow') { print "{\"n\":"; select(undef, undef, undef, 0.01); print "$n}" }
elsif ($do eq 'big') { print "{\"n\":$n,\"x\":\"", "y" x 300000, "\"}" }
elsif ($do eq 'cut') { print $answer; exit 3 }
elsif ($do eq 'cutkill') { print $answer; kill 'KILL', $$ }
elsif ($do eq 'cuthang') { print $answer; sleep 1000 }
elsif ($do eq 'hang') { sleep 1000 }
else { print $answer }
"#;

/// What `STREAM` does.
pub const STREAM_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pieces", 40, Answer),
    deed("slow", 40, Answer),
    deed("noise", 30, Answer),
    deed("big", 40, Answer),
    deed("exit", 20, EXIT),
    deed("signal", 20, EXIT),
    deed("cut", 30, BrokenStream("Runtime.ExitError")),
    deed("cutkill", 30, BrokenStream("Runtime.ExitError")),
    deed("cuthang", 1, BrokenStream("Runtime.InvokeTimeout")),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];
