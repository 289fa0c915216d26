;;; Tells the longest word of a text.

(defun letter-p (char)
  (or (alpha-char-p char) (char= char #\')))

(defun words (text)
  (loop for start = (position-if #'letter-p text) then (position-if #'letter-p text :start end)
        while start
        for end = (or (position-if-not #'letter-p text :start start) (length text))
        collect (subseq text start end)))

(defun longest (words)
  (reduce (lambda (best word) (if (> (length word) (length best)) word best)) words :initial-value ""))

(defun simple-handler (event headers)
  ;; What is printed is a line in the log. What is returned is the answer: this text, made a JSON string.
  (format t "event ~A~%" (cdr (assoc :lambda-runtime-aws-request-id headers)))
  (longest (words event)))
