echo "{\"echo\":", stdin.readAll(), "}"
