while {[gets stdin line] >= 0} {
    puts "{\"echo\":$line}"
    flush stdout
}
