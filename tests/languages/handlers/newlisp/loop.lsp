(while (read-line)
  (println "{\"echo\":" (current-line) "}"))
(exit)
