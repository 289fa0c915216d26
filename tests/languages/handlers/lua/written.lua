for line in io.lines() do
  io.write('{"echo":', line, '}\n')
end
