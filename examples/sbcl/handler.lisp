#!/usr/bin/sbcl --script
;;; Sorts words as Unicode does, not by their bytes: ["zebra","Eclair","apple"] -> ["apple","Eclair","zebra"]

;; SBCL takes the encoding of its own streams from the locale. JSON is UTF-8, whatever the locale.
(defun utf-8-stream (descriptor direction)
  (sb-sys:make-fd-stream descriptor direction t :buffering :full
                         :external-format '(:utf-8 :replacement #\REPLACEMENT_CHARACTER)))
(defvar *events* (utf-8-stream 0 :input))
(defvar *answers* (utf-8-stream 1 :output))

(defun closing-quote (event start)
  "Where the string ends that begins behind the quote at START."
  (loop for i = (1+ start) then (+ i (if (char= (char event i) #\\) 2 1))
        until (char= (char event i) #\")
        finally (return i)))

(defun words (event)
  "The strings in EVENT, an array of strings, each as it is written."
  (loop with i = 0
        while (< i (length event))
        if (char= (char event i) #\")
          collect (let ((end (closing-quote event i)))
                    (prog1 (subseq event (1+ i) end)
                      (setf i (1+ end))))
        else do (unless (find (char event i) '(#\[ #\, #\] #\Space #\Tab))
                  (error "The event is not an array of strings: ~A" event))
                (incf i)))

(defun answer (event)
  (format nil "[~{\"~A\"~^,~}]" (sort (words event) #'sb-unicode:unicode<)))

(defun quoted (text)
  "TEXT as a JSON string."
  (with-output-to-string (out)
    (write-char #\" out)
    (loop for char across text
          do (cond ((find char "\"\\") (format out "\\~C" char))
                   ((char< char #\Space) (format out "\\u~4,'0X" (char-code char)))
                   (t (write-char char out))))
    (write-char #\" out)))

(defun error-object (condition)
  (format nil "{\"errorMessage\":~A,\"errorType\":~A}"
          (quoted (princ-to-string condition))
          (quoted (princ-to-string (type-of condition)))))

(loop for event = (read-line *events* nil)
      while event
      do (write-line (handler-case (answer event)
                       (error (condition) (error-object condition)))
                     *answers*)
         (finish-output *answers*))
