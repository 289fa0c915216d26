for line in io.lines() do
  print('{"echo":' .. line .. '}')
end
