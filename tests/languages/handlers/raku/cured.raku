$*OUT.out-buffer = False;
for lines() -> $line {
    say '{"echo":' ~ $line ~ '}';
}
