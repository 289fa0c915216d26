{ print "{\"echo\":" $0 "}" }
