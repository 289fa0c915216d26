{ event = event $0 }
END { print "{\"echo\":" event "}" }
