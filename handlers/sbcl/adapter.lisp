;;;; The adapter for SBCL: loads a handler written in Lisp, then speaks lambda-stdio's messages for it.
;;;;
;;;; bootstrap starts it with the arguments SOURCE KIND FILE NAME; README.md is for its users. SOURCE is the text of
;;;; environment.lisp, messages.lisp, conditions.lisp, loading.lisp and this file, in this order. A core may have it in it,
;;;; compiled (core.lisp): then the text is not read again.
;;;;
;;;; To compile all of this at each start would take a tenth of a second, so it is interpreted. This is also why it has DO
;;;; where one would expect LOOP: an interpreter expands a macro each time that it comes to it.

(in-package lambda-stdio)

(defun seed ()
  "Else the random numbers of all processes, and of all sandboxes of one snapshot, would be the same."
  (setf *random-state* (make-random-state t)))

(defun call-hooks (event)
  "Does what SnapStart's EVENT asks for; the answer has no body."
  (cond ((string= event "before-snapshot")
         (mapc #'funcall *before-snapshot-hooks*))
        (t
         (seed)
         (mapc #'funcall (reverse *after-restore-hooks*))))
  '(nil))

(defun condition-answer (condition)
  (failure (type-name condition) (message condition) (backtrace)))

(defun answer (handler headers)
  (let ((body nil))
    (call-reporting (lambda (condition)
                      (unless body
                        (skip-body headers))
                      (condition-answer condition))
                    (lambda ()
                      (setf body (read-body headers))
                      (let ((snapstart (cdr (assoc :lambda-stdio-event headers))))
                        (if snapstart
                            (call-hooks snapstart)
                            (funcall handler (sb-ext:octets-to-string body :external-format *utf-8*) headers)))))))

(defun send-answer (answer)
  (if (streamp answer)
      (send-stream answer)
      (apply #'send answer)))

(defvar *collected* 0
  "How much memory was in use after the last full collection.")

(defun collect-garbage ()
  "Does at leisure what would be too late when an event needs the memory: SBCL's collector needs room for a copy."
  (let ((space (sb-ext:dynamic-space-size)))
    (when (> (sb-kernel:dynamic-usage) (max (floor space 2) (+ *collected* (floor space 8))))
      (sb-ext:gc :full t)
      (setf *collected* (sb-kernel:dynamic-usage)))))

(defun main ()
  (destructuring-bind (kind file name) (nthcdr 2 sb-ext:*posix-argv*)
    ;; The arguments and the interpreter are for the adapter alone.
    (setf (rest sb-ext:*posix-argv*) '()
          sb-ext:*evaluator-mode* :compile)
    (read-environment)
    ;; Else it would be a condition, and the answer to an event.
    (sb-sys:enable-interrupt sb-unix:sigint :default)
    (take-pipes)
    (take-debugger)
    (see-to-home)
    (seed)
    (let ((handler (call-reporting #'cannot-load (lambda () (find-handler kind file name)))))
      ;; Whether or not there are hooks: there is a new seed after a restore.
      (write-out (octets (format nil "lambda-stdio/1 ready snapstart~%")))
      (do ((headers (read-headers) (read-headers)))
          ((null headers) (sb-ext:exit))
        (setf *header-alist* headers)
        (set-trace-id (cdr (assoc :lambda-runtime-trace-id headers)))
        (send-answer (answer handler headers))
        (collect-garbage)))))
