println '{"echo":' + System.in.text + '}'
