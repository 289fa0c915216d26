:more
$!N
$!b more
s/.*/{"echo":&}/
