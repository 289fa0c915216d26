(display (string-append "{\"echo\":" (get-string-all (current-input-port)) "}\n"))
