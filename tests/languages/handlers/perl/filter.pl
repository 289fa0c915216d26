my $event = join '', <STDIN>;
print "{\"echo\":$event}\n";
