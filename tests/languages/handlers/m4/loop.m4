divert(-1)
changequote
divert(0)dnl
