;;; Writes the numbers of an object as words.

;; Libraries in a fasl beside this file: ./build.sh makes it.
(load (merge-pathnames "libraries.fasl" *load-truename*))

(defun in-words (value)
  (if (integerp value) (format nil "~R" value) value))

(defun test-parse-handler (event headers)
  (declare (ignore headers))
  (let ((object (yason:parse event)))
    (dolist (key (alexandria:hash-table-keys object))
      (setf (gethash key object) (in-words (gethash key object))))
    (with-output-to-string (answer)
      (yason:encode object answer))))
