(format t "{\"echo\":~{~a~}}~%"
        (loop for line = (read-line *standard-input* nil)
              while line
              collect line))
