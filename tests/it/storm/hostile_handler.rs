//! Handlers that attack: floods, answers and heads without end, forged log lines, a context file that is no file any more,
//! descendants that stay. `bootstrap` has 128 MB of addresses, and every event its one answer or error.

use super::deeds::Outcome::{Answer, BrokenStream, Fault};
use super::deeds::{Deed, EXIT, MARSHAL, STAGED, TIME_OUT, TOO_LARGE, deed, flood, large};
use super::messages::SPEAKING;

/// The most memory: 16 MB, the largest answer, and what is read of one that is larger.
pub const MEMORY: u64 = 40 << 20;

/// What it may have addresses for, in KiB, and all that it starts.
pub const LIMIT: &str = "ulimit -v 128000";

/// What an error says that wants to be taken for others' lines, as the inside of a JSON string.
const FORGED: &str = r"\\r\\n[FATAL] lambda-stdio: forged\\nREPORT RequestId: forged\\u001b[2J\\u0000\\u009b";

/// What they have in common.
const ATTACKS: &str = r#"
use POSIX ();
$| = 1;
$SIG{PIPE} = 'DEFAULT';
my $file = $ENV{LAMBDA_CONTEXT_FILE};
# Descendants in sessions of their own, some of which have children that end and are never waited for. Where their parent goes
# on, they leave its stdout alone: it may close that later, which must be seen.
sub stay {
    my ($times) = @_;
    for (1 .. $times) {
        next if fork;
        POSIX::close(1) if $times < 10;
        POSIX::setsid();
        $SIG{TERM} = 'IGNORE';
        for (1 .. 3) { POSIX::_exit(0) unless fork }
        sleep 1000;
        POSIX::_exit(0);
    }
}
# Children that nobody waits for, and grandchildren whose parents are gone.
sub litter { for (1 .. 10) { if (!fork) { POSIX::_exit(0) if fork; POSIX::_exit(0) } } }
sub spoil {
    my $way = int rand 8;
    if ($way == 0) { open my $f, '<', $file; my @all = <$f>; open my $g, '>', "$file.new"; print $g @all; close $g; rename "$file.new", $file }
    elsif ($way == 1) { open my $f, '>', $file; print $f "seen\n" }
    elsif ($way == 2) { open my $f, '>', $file }
    elsif ($way == 3) { unlink $file }
    elsif ($way == 4) { unlink $file; symlink '/etc/hostname', $file }
    elsif ($way == 5) { unlink $file; mkdir $file; mkdir "$file/in" }
    elsif ($way == 6) { POSIX::mkfifo("$file.new", 0666); rename "$file.new", $file }
    else { open my $f, '>>', $file; print $f "x" x 1000000 }
}
sub context { return '' unless -f $file; open my $f, '<', $file or return ''; read $f, my $text, 65536; return $text =~ /"awsRequestId":"([^"]+)"/ ? $1 : '' }
"#;

const LOOP_BODY: &str = r#"
my $got = '';
# The event is answered before it has come to its end, where that is asked for.
sub line {
    my $early = 0;
    while ($got !~ /\n/) {
        if (!$early && $got =~ /"n":(\d+),"do":"early"/) { $early = 1; print "{\"n\":$1}\n" }
        exit 0 unless sysread STDIN, $got, 65536, length $got;
    }
    $got =~ s/^([^\n]*)\n//;
    my $line = $1;
    if (!$early && $line =~ /"n":(\d+),"do":"early"/) { print "{\"n\":$1}\n" }
    return $line;
}
while (1) {
    my ($n, $do) = line() =~ /"n":(\d+),"do":"(\w+)"/;
    my $c = context();
    my $answer = "{\"n\":$n,\"c\":\"$c\"}";
    if ($do eq 'early') { }
    elsif ($do eq 'context') { spoil(); print "$answer\n" }
    elsif ($do eq 'toobig') { print "{\"n\":$n,\"x\":\"", "y" x 7000000, "\"}\n" }
    elsif ($do eq 'endless') { print "{\"n\":$n,\"x\":\""; print "y" x 65536 while 1 }
    elsif ($do eq 'array') { print "[", "1,\n" x 3000000, "1]\n" }
    elsif ($do eq 'stack') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\",\"stackTrace\":[", "1," x 1500000, "1]}\n" }
    elsif ($do eq 'forged') { print "{\"errorMessage\":\"n=${n} FORGED\",\"errorType\":\"Storm.Staged\",\"stackTrace\":[\"at FORGED\"]}\n" }
    elsif ($do eq 'forgedtype') { print "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm\\nREPORT RequestId: forged\"}\n" }
    elsif ($do eq 'forgedtext') { print "\e[2Jy\rz\0\x9b [FATAL] forged\n"; exit 3 }
    elsif ($do eq 'stdout') { print "x\n" x 500000, "$answer\n" }
    elsif ($do eq 'stderr') { print STDERR "x\n" x 500000; print "$answer\n" }
    elsif ($do eq 'longline') { print STDERR "x" x 1000000, "\e\r\0\n"; print "y" x 1000000, "\n$answer\n" }
    elsif ($do eq 'litter') { litter(); print "$answer\n" }
    elsif ($do eq 'stay') { stay(2); print "$answer\n" }
    elsif ($do eq 'staydie') { stay(10); exit 3 }
    elsif ($do eq 'stayhang') { stay(10); sleep 1000 }
    elsif ($do eq 'closein') { close STDIN; sleep 1000 }
    elsif ($do eq 'closeout') { POSIX::close(1); sleep 1000 }
    elsif ($do eq 'stop') { kill 'STOP', $$ }
    elsif ($do eq 'rubbish') { my $r = join '', map { chr int rand 256 } 1 .. 2000; $r =~ s/[\n{\["\d]/x/g; $r =~ s/[tfn-]/x/g; print "$r\n$answer\n" }
    elsif ($do eq 'half') { print "{\"n\":$n,\"x\":[1,2"; kill 'KILL', $$ }
    elsif ($do eq 'exit') { exit 3 }
    else { print "$answer\n" }
}
"#;

/// What the loop does.
pub const LOOP_DEEDS: &[Deed] = &[
    deed("answer", 200, Answer),
    deed("context", 100, Answer),
    deed("rubbish", 30, Answer),
    deed("toobig", 4, TOO_LARGE),
    deed("endless", 2, TOO_LARGE),
    deed("array", 3, TOO_LARGE),
    deed("stack", 5, STAGED),
    deed("forged", 40, STAGED),
    deed("forgedtype", 20, Fault("Storm\nREPORT RequestId: forged")),
    deed("forgedtext", 10, EXIT),
    flood("stdout", 4, Answer),
    flood("stderr", 8, Answer),
    flood("longline", 8, Answer),
    deed("litter", 20, Answer),
    deed("stay", 10, Answer),
    deed("staydie", 4, EXIT),
    deed("stayhang", 1, TIME_OUT),
    deed("closein", 1, TIME_OUT),
    deed("closeout", 1, EXIT),
    deed("stop", 1, TIME_OUT),
    deed("half", 10, EXIT),
    deed("exit", 20, EXIT),
    large("early", 20, Answer),
    large("answer", 20, Answer),
    large("context", 10, Answer),
];

pub fn looping() -> String {
    format!("{ATTACKS}{LOOP_BODY}").replace("FORGED", FORGED)
}

const MESSAGES_BODY: &str = r#"
my $stream = "Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n\n";
my $chunked = "Transfer-Encoding: chunked\n\n";
sub chunk { sprintf "%x\n%s\n", length $_[0], $_[0] }
sub without_end { my ($piece) = @_; put $piece x 1000 while 1 }
put "lambda-stdio/1 ready\n";
while (my ($id, $n, $do, $answer) = take) {
    if ($do eq 'head') { without_end("a: b\n") }
    elsif ($do eq 'headline') { without_end("a") }
    elsif ($do eq 'trailers') { put $chunked, chunk($answer), "0\n"; without_end("a: b\n") }
    elsif ($do eq 'streamtrailers') { put $stream, chunk($answer), "0\n"; without_end("a: b\n") }
    elsif ($do eq 'size') { put $chunked; without_end("0") }
    elsif ($do eq 'streamsize') { put $stream, chunk($answer); without_end("0") }
    elsif ($do eq 'extension') { put $chunked, "1;"; without_end("x") }
    elsif ($do eq 'bytes') { put $chunked, (map { chunk($_) } split //, $answer . ' ' x 50000), "0\n\n" }
    elsif ($do eq 'streambytes') { put $stream, (map { chunk($_) } split //, $answer . ' ' x 3000), "0\n\n" }
    elsif ($do eq 'plus') { put "Content-Length: +1\n\n1" }
    elsif ($do eq 'two') { put "Content-Length: 1\nContent-Length: 2\n\n12" }
    elsif ($do eq 'huge') { put "Content-Length: 99999999999999999999\n\n1" }
    elsif ($do eq 'chunkplus') { put $chunked, "+1\n1\n0\n\n" }
    elsif ($do eq 'chunkhuge') { put $chunked, "ffffffffffffffff\n1\n" }
    elsif ($do eq 'toobig') { put message($id, "{\"n\":$n,\"x\":\"" . "y" x 7000000 . "\"}") }
    elsif ($do eq 'stack') { put message($id, "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\",\"stackTrace\":[" . "1," x 1500000 . "1]}", "Lambda-Runtime-Function-Error-Type: Storm.Staged\n") }
    elsif ($do eq 'forged') { put message($id, "{\"errorMessage\":\"n=${n} FORGED\",\"errorType\":\"Storm.Staged\",\"stackTrace\":[\"at FORGED\"]}", "Lambda-Runtime-Function-Error-Type: Storm.Staged\r\n") }
    elsif ($do eq 'behind') { put message($id, $answer), "\n\n{\"n\":-1}" }
    elsif ($do eq 'short') { put "Content-Length: ", length($answer) - 1, "\n\n", $answer }
    elsif ($do eq 'stderr') { print STDERR "x\n" x 500000; put message($id, $answer) }
    elsif ($do eq 'litter') { litter(); put message($id, $answer) }
    elsif ($do eq 'stay') { stay(2); put message($id, $answer) }
    elsif ($do eq 'staydie') { stay(10); exit 3 }
    elsif ($do eq 'closeout') { POSIX::close(1); sleep 1000 }
    elsif ($do eq 'stop') { kill 'STOP', $$ }
    elsif ($do eq 'nul') { put "\0" x 100, "\n\n" }
    elsif ($do eq 'exit') { exit 3 }
    else { put message($id, $answer) }
}
"#;

/// What the handler does that speaks messages.
pub const MESSAGES_DEEDS: &[Deed] = &[
    deed("answer", 200, Answer),
    deed("head", 10, MARSHAL),
    deed("headline", 10, MARSHAL),
    deed("trailers", 10, MARSHAL),
    deed("streamtrailers", 10, BrokenStream("Runtime.MarshalError")),
    deed("size", 10, MARSHAL),
    deed("streamsize", 10, BrokenStream("Runtime.MarshalError")),
    deed("extension", 10, MARSHAL),
    deed("bytes", 20, Answer),
    deed("streambytes", 10, Answer),
    deed("plus", 10, MARSHAL),
    deed("two", 10, MARSHAL),
    deed("huge", 10, TOO_LARGE),
    deed("chunkplus", 10, MARSHAL),
    deed("chunkhuge", 10, TOO_LARGE),
    deed("toobig", 4, TOO_LARGE),
    deed("stack", 5, STAGED),
    deed("forged", 40, STAGED),
    deed("behind", 20, Answer),
    flood("stderr", 8, Answer),
    deed("litter", 20, Answer),
    deed("stay", 10, Answer),
    deed("staydie", 4, EXIT),
    deed("closeout", 1, EXIT),
    deed("stop", 1, TIME_OUT),
    deed("nul", 10, MARSHAL),
    deed("exit", 20, EXIT),
    large("answer", 20, Answer),
];

pub fn messages() -> String {
    format!("{SPEAKING}{ATTACKS}{MESSAGES_BODY}").replace("FORGED", FORGED)
}

/// A filter makes more of its event than may be answered.
const FILTER_BODY: &str = r#"
my $e = join '', <STDIN>;
my ($n) = $e =~ /"n":(\d+)/;
my ($do) = $e =~ /"do":"(\w+)"/;
my $answer = "{\"n\":$n}";
if ($do eq 'double') { print "\"", unpack('H*', $e) x 10, "\"" }
elsif ($do eq 'twice') { print "{\"n\":$n,\"x\":\"", unpack('H*', $e), "\"}" }
elsif ($do eq 'endless') { print $e while 1 }
elsif ($do eq 'text') { print "x\n" x 4000000 }
elsif ($do eq 'stderr') { print STDERR "x\n" x 500000; print $answer }
elsif ($do eq 'litter') { litter(); print $answer }
elsif ($do eq 'stay') { stay(3); print $answer }
elsif ($do eq 'staydie') { stay(10); exit 3 }
elsif ($do eq 'forged') { print "{\"errorMessage\":\"n=${n} FORGED\",\"errorType\":\"Storm.Staged\",\"stackTrace\":[\"at FORGED\"]}"; exit 1 }
elsif ($do eq 'stop') { kill 'STOP', $$ }
elsif ($do eq 'exit') { exit 3 }
else { print $answer }
"#;

/// What the filter does.
pub const FILTER_DEEDS: &[Deed] = &[
    deed("answer", 200, Answer),
    large("double", 8, TOO_LARGE),
    large("twice", 20, Answer),
    large("endless", 4, TOO_LARGE),
    deed("text", 4, TOO_LARGE),
    flood("stderr", 8, Answer),
    deed("litter", 20, Answer),
    deed("stay", 10, Answer),
    deed("staydie", 4, EXIT),
    deed("forged", 40, STAGED),
    deed("stop", 1, TIME_OUT),
    deed("exit", 20, EXIT),
    large("answer", 20, Answer),
];

pub fn filter() -> String {
    format!("{ATTACKS}{FILTER_BODY}").replace("FORGED", FORGED)
}
