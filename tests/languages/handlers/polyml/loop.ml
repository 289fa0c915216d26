fun loop () =
  case TextIO.inputLine TextIO.stdIn of
    NONE => ()
  | SOME line => (
      print ("{\"echo\":" ^ String.substring (line, 0, size line - 1) ^ "}\n");
      loop ());

loop ();
