{ print "{\"echo\":" $0 "}"; fflush() }
