;;; Counts the words of a text.

(defpackage words
  (:use cl)
  (:export handler))

(in-package words)

(defun words (text)
  (loop for start = (position-if #'alpha-char-p text) then (position-if #'alpha-char-p text :start end)
        while start
        for end = (or (position-if-not #'alpha-char-p text :start start) (length text))
        collect (string-downcase (subseq text start end))))

(defun counts (words)
  (let ((counts (make-hash-table :test #'equal)))
    (dolist (word words counts)
      (incf (gethash word counts 0)))))

(defun handler (event headers)
  (declare (ignore headers))
  (let ((counts (alexandria:hash-table-alist (counts (words (yason:parse event))))))
    (with-output-to-string (answer)
      (yason:encode-alist (sort counts #'string< :key #'car) answer))))
