//! JSON-RPC servers for the storm: one that has one call at a time, and one that has many. A result has the number of its call's
//! parameters, and every false one another.

use super::deeds::Outcome::Answer;
use super::deeds::{Deed, EXIT, MARSHAL, TIME_OUT, TOO_LARGE, deed, flood, large};

/// What both begin with: the next call, as the text of its id, its method and its number.
const SERVING: &str = r#"
sub put { my $out = join '', @_; while (length $out) { my $put = syswrite STDOUT, $out; exit 9 unless $put; substr($out, 0, $put) = '' } }
sub say_result { my ($id, $n, $more) = @_; "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"n\":$n" . ($more // '') . "}}\n" }
my $note = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"n\":-1}}\n";
# What is neither a call nor the handshake is dropped.
sub call_in {
    my ($line) = @_;
    my ($id) = $line =~ /"id":\s*("(?:[^"\\]|\\.)*"|\d+)/;
    my ($do) = $line =~ /"method":\s*"([^"]+)"/;
    return unless defined $id && defined $do;
    if ($do eq 'initialize') { put "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"storm\",\"version\":\"1\"}}}\n"; return }
    my ($n) = $line =~ /"n":\s*(\d+)/;
    return ($id, $do, $n);
}
"#;

const SERVER_BODY: &str = r#"
while (my $line = <STDIN>) {
    my ($id, $do, $n) = call_in($line) or next;
    my $answer = say_result($id, $n);
    if ($do eq 'pieces') { put $_ for split //, $answer }
    elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n"; put $answer }
    elsif ($do eq 'big') { put say_result($id, $n, ',"x":"' . 'y' x 300000 . '"') }
    elsif ($do eq 'slow') { select(undef, undef, undef, 0.01); put $answer }
    elsif ($do eq 'late') { put $answer, say_result($id, -1) }
    elsif ($do eq 'note') { put $note, $note, $answer }
    elsif ($do eq 'other') { put say_result('12345', -2), say_result("\"$n\"", -2), $answer }
    elsif ($do eq 'rubbish') { put "stray $n\n{oops\n[1,\n\"no end\n\xff\xfe\n", $answer }
    elsif ($do eq 'ask') { put "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"roots/list\"}\n", $answer }
    elsif ($do eq 'error') { put "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32000,\"message\":\"n=$n\"}}\n" }
    elsif ($do eq 'last') { put $answer; exit 0 }
    elsif ($do eq 'lastkill') { put $answer; kill 'KILL', $$ }
    elsif ($do eq 'exit') { exit 3 }
    elsif ($do eq 'exit0') { exit 0 }
    elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
    elsif ($do eq 'half') { put substr $answer, 0, -5; exit 3 }
    elsif ($do eq 'toobig') { put say_result($id, $n, ',"x":"' . 'y' x 6400000 . '"') }
    elsif ($do eq 'endless') { put "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":\""; put 'y' x 65536 while 1 }
    elsif ($do eq 'asks') { put "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}\n" x 1000 while 1 }
    elsif ($do eq 'flood') { put "x\n" x 100000; put $note x 5000; print STDERR "x\n" x 200000; put $answer }
    elsif ($do eq 'toolate') { select(undef, undef, undef, 3); put $answer }
    elsif ($do eq 'hang') { sleep 1000 }
    else { put $answer }
}
"#;

/// What the server does that has one call at a time.
pub const JSON_RPC_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pieces", 30, Answer),
    deed("noise", 30, Answer),
    deed("big", 30, Answer),
    deed("slow", 30, Answer),
    deed("late", 60, Answer),
    deed("note", 60, Answer),
    deed("other", 60, Answer),
    deed("rubbish", 60, Answer),
    deed("ask", 40, Answer),
    deed("error", 60, Answer),
    deed("last", 30, Answer),
    deed("lastkill", 20, Answer),
    deed("exit", 20, EXIT),
    deed("exit0", 20, EXIT),
    deed("signal", 20, EXIT),
    deed("half", 20, EXIT),
    deed("toobig", 3, TOO_LARGE),
    deed("endless", 2, TOO_LARGE),
    deed("asks", 3, MARSHAL),
    deed("toolate", 1, TIME_OUT),
    deed("hang", 2, TIME_OUT),
    flood("flood", 5, Answer),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];

/// Many at once: what is in flight is answered in any order, some of it after more has come.
const SHARED_BODY: &str = r#"
my $got = '';
my @pending;
while (1) {
    my $set = '';
    vec($set, 0, 1) = 1;
    if (select($set, undef, undef, @pending ? 0.002 : undef)) {
        exit 0 unless sysread STDIN, $got, 65536, length $got;
    }
    while ($got =~ s/^([^\n]*)\n//) {
        my ($id, $do, $n) = call_in($1) or next;
        my $answer = say_result($id, $n);
        if ($do eq 'exit') { exit 3 }
        elsif ($do eq 'hang') { next }
        elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n" }
        elsif ($do eq 'other') { put say_result('12345', -2) }
        elsif ($do eq 'note') { put $note }
        elsif ($do eq 'big') { $answer = say_result($id, $n, ',"x":"' . 'y' x 300000 . '"') }
        elsif ($do eq 'late') { $answer .= say_result($id, -1) }
        elsif ($do eq 'error') { $answer = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32000,\"message\":\"n=$n\"}}\n" }
        push @pending, $answer;
    }
    next if @pending < 8 && rand() < 0.5;
    put splice @pending, rand @pending, 1 while @pending;
}
"#;

/// What the server does that has many at once.
pub const JSON_RPC_SHARED_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("noise", 20, Answer),
    deed("big", 20, Answer),
    deed("late", 20, Answer),
    deed("note", 40, Answer),
    deed("other", 40, Answer),
    deed("error", 40, Answer),
    deed("exit", 4, EXIT),
    deed("hang", 1, TIME_OUT),
    large("answer", 20, Answer),
];

pub fn server() -> String {
    format!("{SERVING}{SERVER_BODY}")
}

pub fn shared() -> String {
    format!("{SERVING}{SHARED_BODY}")
}
