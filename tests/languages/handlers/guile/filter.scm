(use-modules (ice-9 rdelim))
(display (string-append "{\"echo\":" (read-string) "}\n"))
