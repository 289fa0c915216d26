while ischar(line = fgetl(stdin))
  printf('{"echo":%s}\n', line);
end
