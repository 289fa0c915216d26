puts "{\"echo\":[read stdin]}"
