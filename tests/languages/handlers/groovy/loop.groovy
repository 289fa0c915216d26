System.in.eachLine { line -> println '{"echo":' + line + '}' }
