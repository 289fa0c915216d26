//! A CGI program for the storm. A page begins with the number of the request's body, and is refused where that of the query is
//! another.

use super::deeds::Outcome::{Answer, BrokenStream, Status};
use super::deeds::{Deed, Outcome, deed, flood, large};

pub const CGI: &str = r#"
$| = 1;
my ($n) = $ENV{QUERY_STRING} =~ /\bn=(\d+)/;
my ($do) = $ENV{QUERY_STRING} =~ /\bdo=(\w+)/;
my $head = "Content-Type: application/json\n";
my $e = '';
if ($do ne 'unread') {
    my $left = $ENV{CONTENT_LENGTH};
    while ($left) { my $got = read STDIN, $e, $left, length $e; exit 8 unless $got; $left -= $got }
    my ($said) = $e =~ /"n":(\d+)/;
    exit 9 if $said != $n;
}
my $page = "{\"n\":$n}";
if ($do eq 'pieces') { for (split //, "$head\n$page") { syswrite STDOUT, $_ } }
elsif ($do eq 'unread') { print "$head\n$page" }
elsif ($do eq 'slow') { print $head; select(undef, undef, undef, 0.01); print "\n$page" }
elsif ($do eq 'noise') { print STDERR "x" x 150000, "\n"; print "$head\n$page" }
elsif ($do eq 'big') { print "$head\n$page", " " x 300000 }
elsif ($do eq 'binary') { print "Content-Type: image/png\n\n$page", map { chr } 0 .. 255 }
elsif ($do eq 'redirect') { print "Location: /n/$n\n\n" }
elsif ($do eq 'missing') { print "Status: 404 Not Found\n$head\n$page" }
elsif ($do eq 'cookies') { print "Set-Cookie: a=$n\r\nSet-Cookie: b=2\r\nContent-Type: text/plain\r\n\r\n$page" }
elsif ($do eq 'child') { if (!fork) { select(undef, undef, undef, 0.3); print "{\"n\":-2}"; exit 0 } print "$head\n$page" }
elsif ($do eq 'exit') { exit 3 }
elsif ($do eq 'exit0') { exit 0 }
elsif ($do eq 'signal') { kill 'SEGV', $$; sleep 5 }
elsif ($do eq 'text') { print "loading $n\nno head at all\n" }
elsif ($do eq 'noend') { print $head }
elsif ($do eq 'badstatus') { print "Status: many\n$head\n$page" }
elsif ($do eq 'cut') { print "$head\n$page"; exit 3 }
elsif ($do eq 'cutkill') { print "$head\n$page"; kill 'KILL', $$ }
elsif ($do eq 'short') { print "${head}Content-Length: 99\n\n$page" }
elsif ($do eq 'hang') { sleep 1000 }
elsif ($do eq 'hanghead') { print $head; sleep 1000 }
elsif ($do eq 'endless') { print "X-Storm: $n\n" while 1 }
elsif ($do eq 'toobig') { print "$head\n$page", " " x 7000000 }
elsif ($do eq 'flood') { print STDERR "x\n" x 500000; print "$head\n$page" }
else { print "$head\n$page" }
"#;

const BAD_GATEWAY: Outcome = Status(502);
const GATEWAY_TIMEOUT: Outcome = Status(504);

/// What `CGI` does.
pub const CGI_DEEDS: &[Deed] = &[
    deed("page", 200, Answer),
    deed("pieces", 30, Answer),
    deed("slow", 30, Answer),
    deed("noise", 20, Answer),
    deed("big", 30, Answer),
    deed("binary", 30, Answer),
    deed("redirect", 30, Answer),
    deed("missing", 30, Answer),
    deed("cookies", 30, Answer),
    deed("child", 20, Answer),
    deed("exit", 20, BAD_GATEWAY),
    deed("exit0", 20, BAD_GATEWAY),
    deed("signal", 20, BAD_GATEWAY),
    deed("text", 20, BAD_GATEWAY),
    deed("noend", 20, BAD_GATEWAY),
    deed("badstatus", 10, BAD_GATEWAY),
    deed("cut", 20, BAD_GATEWAY),
    deed("cutkill", 10, BAD_GATEWAY),
    deed("short", 20, BAD_GATEWAY),
    deed("endless", 2, BAD_GATEWAY),
    deed("toobig", 3, BAD_GATEWAY),
    deed("hang", 1, GATEWAY_TIMEOUT),
    deed("hanghead", 1, GATEWAY_TIMEOUT),
    flood("flood", 2, Answer),
    large("page", 20, Answer),
    large("unread", 10, Answer),
    large("exit", 5, BAD_GATEWAY),
];

/// The same where pages are streamed: what has begun is cut off.
pub const CGI_STREAM_DEEDS: &[Deed] = &[
    deed("page", 200, Answer),
    deed("pieces", 30, Answer),
    deed("slow", 30, Answer),
    deed("noise", 20, Answer),
    deed("big", 30, Answer),
    deed("binary", 30, Answer),
    deed("redirect", 30, Answer),
    deed("missing", 30, Answer),
    deed("child", 20, Answer),
    deed("exit", 20, BAD_GATEWAY),
    deed("signal", 20, BAD_GATEWAY),
    deed("text", 20, BAD_GATEWAY),
    deed("noend", 20, BAD_GATEWAY),
    deed("cut", 20, BrokenStream("Runtime.ExitError")),
    deed("cutkill", 10, BrokenStream("Runtime.ExitError")),
    deed("short", 20, BrokenStream("Runtime.MarshalError")),
    deed("hang", 1, GATEWAY_TIMEOUT),
    deed("hanghead", 1, GATEWAY_TIMEOUT),
    large("page", 20, Answer),
    large("unread", 10, Answer),
    large("exit", 5, BAD_GATEWAY),
];
