for line in stdin.lines:
  echo "{\"echo\":", line, "}"
