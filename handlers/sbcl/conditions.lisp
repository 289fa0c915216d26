;;;; What is made of conditions: an error object with a backtrace, in the place of the debugger. No argument of a function is ever
;;;; printed, as the event is one.

(in-package lambda-stdio)

(defvar *report* nil
  "Where a condition in this thread leads that would have led into the debugger.")

(defvar *restarts*
  (let ((symbol (find-symbol "*RESTART-CLUSTERS*" "SB-KERNEL")))
    (and symbol (list symbol)))
  "The variable with the restarts that can be seen.")

(defun call-reporting (report function)
  "Calls FUNCTION. A condition that would have led into the debugger leads to REPORT, and with its values out of here."
  (let* ((*report* (lambda (condition)
                     (return-from call-reporting (funcall report condition))))
         (sb-ext:*invoke-debugger-hook* 'instead-of-the-debugger))
    ;; SBCL's own restarts would end the process, with status 0.
    (progv *restarts* '(())
      (funcall function))))

(defun instead-of-the-debugger (condition &rest rest)
  (declare (ignore rest))
  (funcall (or *report* #'die-of) condition))

(defun die-of (condition)
  "Ends the process, as SBCL itself does when a thread is left by a condition, but does not print functions' arguments."
  (format sb-sys:*stderr* "~A in a thread of its own: ~A~%~{  ~A~%~}"
          (type-name condition) (message condition) (backtrace))
  (finish-output sb-sys:*stderr*)
  (sb-ext:exit :code 1 :abort t))

(defun take-debugger ()
  "Sees to threads, and to those who disable the debugger, by which SBCL means a function that it calls in its place."
  (setf sb-ext:*invoke-debugger-hook* 'instead-of-the-debugger)
  (let ((disabled (find-symbol "DEBUGGER-DISABLED-HOOK" "SB-DEBUG")))
    (when disabled
      (handler-case (replace-quickly disabled #'instead-of-the-debugger)
        (error ()
          (sb-ext:without-package-locks
            (setf (fdefinition disabled) #'instead-of-the-debugger)))))))

(defun replace-quickly (name function)
  "What (setf fdefinition) does, without ten milliseconds' search for callers that do not go by the name. The names of what it
takes are not the same in all versions of SBCL."
  (funcall (fdefinition (list 'setf (find-symbol "FDEFN-FUN" "SB-KERNEL")))
           function
           (funcall (find-symbol "FIND-FDEFN" "SB-IMPL") name)))

(defun type-name (object)
  (princ-to-string (class-name (class-of object))))

(defun message (condition)
  (handler-case (princ-to-string condition)
    (error () (format nil "A condition of class ~A, whose report failed" (type-name condition)))))

(defun backtrace ()
  "The names of the functions between the debugger's, which were called last, and this adapter's."
  ;; Without their arguments: the event is one, and is no matter for the log. An error that the processor found has none of
  ;; the debugger's functions in its backtrace.
  (let* ((all (mapcar #'first (sb-debug:list-backtrace :count 60)))
         (names (or (rest (member 'invoke-debugger all)) all))
         (*print-pretty* nil))
    (labels ((adapter-p (name)
               (if (consp name)
                   (some #'adapter-p (remove-if #'listp name)) ; (LAMBDA () :IN ANSWER)
                   (and (symbolp name)
                        ;; It is interpreted, or in a core.
                        (member (symbol-package name) (mapcar #'find-package '("SB-EVAL" "LAMBDA-STDIO")))))))
      (mapcar #'prin1-to-string (subseq names 0 (position-if #'adapter-p names))))))

(defun json-string (text)
  (with-output-to-string (out)
    (write-char #\" out)
    (map nil
         (lambda (char)
           (let ((letter (case char ((#\" #\\) char) (#\Newline #\n) (#\Return #\r) (#\Tab #\t))))
             (cond (letter (write-char #\\ out) (write-char letter out))
                   ((char< char #\Space) (format out "\\u~4,'0X" (char-code char)))
                   (t (write-char char out)))))
         text)
    (write-char #\" out)))

(defun error-object (type message &optional stack)
  ;; The first error is soon enough to compile what looks at every character.
  (unless (compiled-function-p #'json-string)
    (compile 'json-string))
  (format nil "{\"errorMessage\":~A,\"errorType\":~A,\"stackTrace\":[~{~A~^,~}]}"
          (json-string message) (json-string type) (mapcar #'json-string stack)))

(defun refuse (type message &optional stack)
  "Ends the initialisation and the process with an error."
  (write-out (octets (error-object type message stack)))
  (sb-ext:exit :code 1 :abort t))
