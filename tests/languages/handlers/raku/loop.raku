for lines() -> $line {
    say '{"echo":' ~ $line ~ '}';
}
