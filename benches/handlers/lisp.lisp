;;; The echo, as a Lisp function.

(defun handler (event headers)
  (declare (ignore headers))
  event)
