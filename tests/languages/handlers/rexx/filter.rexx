all = ''
do while lines() > 0
  all = all || linein()
end
say '{"echo":' || all || '}'
