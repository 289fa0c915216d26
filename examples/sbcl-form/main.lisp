;;; Makes handlers that multiply the numbers in an event.

(defun digit-p (char)
  (char<= #\0 char #\9))

(defun multiplier (factor)
  "A handler that copies the event, each row of digits multiplied by FACTOR."
  (lambda (event headers)
    (declare (ignore headers))
    (with-output-to-string (answer)
      (loop with end = 0
            for start = (position-if #'digit-p event :start end)
            do (write-string event answer :start end :end start)
            while start
            do (setf end (or (position-if-not #'digit-p event :start start) (length event)))
               (princ (* factor (parse-integer event :start start :end end)) answer)))))

(defun doubled (event headers)
  (funcall (multiplier 2) event headers))
