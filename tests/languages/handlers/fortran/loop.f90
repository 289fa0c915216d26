program handler
  character(len=2000000) :: line
  integer :: status
  do
    read (*, '(a)', iostat=status) line
    if (status /= 0) exit
    write (*, '(a)') '{"echo":' // trim(line) // '}'
  end do
end program
