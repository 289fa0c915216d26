(let loop ((line (get-line (current-input-port))))
  (unless (eof-object? line)
    (display (string-append "{\"echo\":" line "}\n"))
    (loop (get-line (current-input-port)))))
