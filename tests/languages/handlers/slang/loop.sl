variable line;
while (-1 != fgets (&line, stdin))
  () = fputs ("{\"echo\":" + strtrim (line) + "}\n", stdout);
