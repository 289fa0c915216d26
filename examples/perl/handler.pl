#!/usr/bin/env perl
# Counts the statuses in lines of an access log.
use strict;
use warnings;
use JSON::PP;

$| = 1;    # flush after each answer: stdout is a pipe
my $json = JSON::PP->new->utf8->canonical;

while (my $event = <STDIN>) {
    my %count;
    for my $line (@{ $json->decode($event)->{lines} }) {
        $count{$1}++ if $line =~ /" (\d{3}) /;
    }
    print $json->encode(\%count), "\n";
}
