while (my $line = <STDIN>) {
    chomp $line;
    print "{\"echo\":$line}\n";
}
