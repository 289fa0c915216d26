for line in stdin.lines:
  stdout.writeLine("{\"echo\":" & line & "}")
  stdout.flushFile()
