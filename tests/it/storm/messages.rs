//! The handlers of the storm that speak messages: one that has one event at a time, and one that has eight.

use super::deeds::Outcome::{Answer, BrokenStream};
use super::deeds::{Deed, EXIT, MARSHAL, STAGED, TIME_OUT, deed, large};

/// What both handlers that speak messages begin with.
pub const SPEAKING: &str = r#"
sub put { my $out = join '', @_; while (length $out) { my $put = syswrite STDOUT, $out; exit 9 unless $put; substr($out, 0, $put) = '' } }
my $got = '';
# The next message; undef where none has come within the time, if there is one.
sub take {
    my ($time) = @_;
    while (1) {
        if ($got =~ /^(.*?)\n\n/s) {
            my ($head, $at) = ($1, length($1) + 2);
            my ($length) = $head =~ /^Content-Length: (\d+)/mi;
            if (length($got) >= $at + $length) {
                my ($id) = $head =~ /^Lambda-Runtime-Aws-Request-Id: (\S+)/mi;
                # Where there are both, both go back: the second as the next header.
                $id .= "\nLambda-Runtime-Invocation-Id: $1" if $head =~ /^Lambda-Runtime-Invocation-Id: (\S+)/mi;
                my $event = substr $got, $at, $length;
                substr($got, 0, $at + $length) = '';
                my ($n) = $event =~ /"n":(\d+)/;
                my ($do) = $event =~ /"do":"(\w+)"/;
                return ($id, $n, $do, "{\"n\":$n}");
            }
        }
        my $set = '';
        vec($set, 0, 1) = 1;
        return if defined $time && !select($set, undef, undef, $time);
        exit 0 unless sysread STDIN, $got, 65536, length $got;
    }
}
sub message { my ($id, $body, $more) = @_; "Lambda-Runtime-Aws-Request-Id: $id\n" . ($more // '') . "Content-Length: " . length($body) . "\n\n$body" }
sub staged { my ($id, $n) = @_; message($id, "{\"errorMessage\":\"n=$n\",\"errorType\":\"Storm.Staged\"}", "Lambda-Runtime-Function-Error-Type: Storm.Staged\n") }
"#;

const MESSAGES_BODY: &str = r#"
my $stream = "Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n\n";
put "lambda-stdio/1 ready\n";
while (my ($id, $n, $do, $answer) = take) {
    if ($do eq 'answer') { put message($id, $answer) }
    elsif ($do eq 'pieces') { put $_ for split //, message($id, $answer) }
    elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n"; put message($id, $answer) }
    elsif ($do eq 'big') { put message($id, "{\"n\":$n,\"x\":\"" . "y" x 300000 . "\"}") }
    elsif ($do eq 'late') { put message($id, $answer), message($id, '{"n":-1}') }
    elsif ($do eq 'other') { put message('another', '{"n":-2}'), message($id, $answer) }
    elsif ($do eq 'error') { put staged($id, $n) }
    elsif ($do eq 'rubbish') { put "{oops\n\n" }
    elsif ($do eq 'length') { put "Content-Length: many\n\n" }
    elsif ($do eq 'last') { put message($id, $answer); exit 0 }
    elsif ($do eq 'lastkill') { put message($id, $answer); kill 'KILL', $$ }
    elsif ($do eq 'exit') { exit 3 }
    elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
    elsif ($do eq 'half') { put substr message($id, $answer), 0, -2; exit 3 }
    elsif ($do eq 'stream') { put $stream; for (split //, $answer) { put sprintf "%x\n%s\n", length, $_ } put "0\n\n" }
    elsif ($do eq 'streamfails') { put $stream, sprintf("%x\n%s\n", length $answer, $answer), "0\nLambda-Runtime-Function-Error-Type: Storm.Staged\n\n" }
    elsif ($do eq 'streamdies') { put $stream, sprintf("%x\n%s\n", length $answer, $answer); exit 3 }
    elsif ($do eq 'hang') { sleep 1000 }
}
"#;

/// What a handler that speaks messages does, one at a time.
pub const MESSAGES_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("pieces", 40, Answer),
    deed("noise", 30, Answer),
    deed("big", 30, Answer),
    deed("late", 60, Answer),
    deed("other", 60, Answer),
    deed("error", 60, STAGED),
    deed("rubbish", 20, MARSHAL),
    deed("length", 20, MARSHAL),
    deed("last", 30, Answer),
    deed("lastkill", 20, Answer),
    deed("exit", 30, EXIT),
    deed("signal", 20, EXIT),
    deed("half", 20, EXIT),
    deed("stream", 60, Answer),
    deed("streamfails", 30, BrokenStream("Storm.Staged")),
    deed("streamdies", 20, BrokenStream("Runtime.ExitError")),
    deed("hang", 2, TIME_OUT),
    large("answer", 20, Answer),
    large("exit", 5, EXIT),
];

/// Eight at once: what is in flight is answered in any order, some of it after more has come.
const SHARED_BODY: &str = r#"
put "lambda-stdio/1 ready concurrency=8\n";
my @pending;
while (1) {
    my ($id, $n, $do, $answer) = take(@pending ? 0.002 : undef);
    if (defined $id) {
        if ($do eq 'exit') { exit 3 }
        elsif ($do eq 'hang') { next }
        elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n" }
        elsif ($do eq 'other') { put message('another', '{"n":-2}') }
        elsif ($do eq 'big') { $answer = "{\"n\":$n,\"x\":\"" . "y" x 300000 . "\"}" }
        push @pending, $do eq 'error' ? staged($id, $n) : message($id, $answer);
        next if @pending < 8 && rand() < 0.5;
    }
    put splice @pending, rand @pending, 1 while @pending;
}
"#;

/// What a handler that has eight events at once does.
pub const SHARED_DEEDS: &[Deed] = &[
    deed("answer", 300, Answer),
    deed("noise", 20, Answer),
    deed("big", 20, Answer),
    deed("other", 40, Answer),
    deed("error", 40, STAGED),
    deed("exit", 4, EXIT),
    deed("hang", 1, TIME_OUT),
    large("answer", 20, Answer),
];

/// A handler that speaks messages.
pub fn messages() -> String {
    format!("{SPEAKING}{MESSAGES_BODY}")
}

/// One that has eight events at once.
pub fn shared() -> String {
    format!("{SPEAKING}{SHARED_BODY}")
}
