print('{"echo":' .. io.read("*a") .. '}')
