do while lines() > 0
  parse linein event
  say '{"echo":' || event || '}'
end
