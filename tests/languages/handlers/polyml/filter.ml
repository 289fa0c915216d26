print ("{\"echo\":" ^ TextIO.inputAll TextIO.stdIn ^ "}\n");
