proc take {} {
    if {[gets stdin line] >= 0} {
        puts "{\"echo\":$line}"
    } elseif {[eof stdin]} {
        exit
    }
}
fileevent stdin readable take
vwait forever
