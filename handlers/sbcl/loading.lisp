;;;; Loads a handler: a function in a file, a Roswell script, or forms. What cannot be loaded is an error of the initialisation.
;;;;
;;;; A handler is a function of an event and its headers, which gives an answer.

(in-package lambda-stdio)

(defun callable (function)
  "FUNCTION, which is what _HANDLER stands for, if it can be called."
  (if (or (functionp function)
          (and (symbolp function) (fboundp function)
               (not (macro-function function)) (not (special-operator-p function))))
      function
      (refuse "Runtime.HandlerNotFound"
              (format nil "The handler ~A stands for ~S, which is no function~@[. Did you mean ~{~A~^, ~}?~]"
                      *handler* function (namesakes function)))))

(defun namesakes (object)
  "The functions in other packages of users' that have this symbol's name, as they are written in a handler's."
  (let ((*package* (find-package "KEYWORD"))) ; so that packages are printed
    (and object (symbolp object)
         (mapcar (lambda (symbol) (string-downcase (prin1-to-string symbol)))
                 (remove-if-not (lambda (symbol)
                                  (and (fboundp symbol) (symbol-package symbol)
                                       (not (sb-ext:package-locked-p (symbol-package symbol)))))
                                (find-all-symbols object))))))

(defun named-function (name)
  "The function NAME, which is in CL-USER unless it says otherwise."
  (callable (handler-case (read-from-string name)
              (error (condition)
                (refuse "Runtime.HandlerNotFound"
                        (format nil "The handler ~A names no function: ~A" *handler* (message condition)))))))

(defun newest (file)
  "FILE's fasl if it is there and not older than its source, else the source."
  (let* ((source (make-pathname :type "lisp" :defaults (sb-ext:parse-native-namestring file)))
         (fasl (make-pathname :type "fasl" :defaults source)))
    (if (and (probe-file fasl)
             (or (not (probe-file source))
                 (>= (file-write-date fasl) (file-write-date source))))
        fasl
        source)))

(defvar *form-start* nil
  "Where in its stream the form begins that is read or evaluated.")

(defun evaluate-all (stream)
  "The values of the forms in STREAM, the last one first."
  (let ((values '()))
    (do () (nil)
      (do () ((not (eql (peek-char t stream nil) #\;)))
        (read-line stream nil))
      (setf *form-start* (file-position stream))
      (let ((form (read stream nil stream)))
        (when (eq form stream)
          (return values))
        (push (eval form) values)))))

(defun form-line (stream)
  "The line on which the form begins that is being read from this file."
  (with-open-file (file (pathname stream) :element-type '(unsigned-byte 8))
    (let ((octets (make-octets *form-start*)))
      (read-sequence octets file)
      (1+ (count (char-code #\Newline) octets)))))

(defun stand-in-for-roswell ()
  "A package ROS with the one function that nearly all scripts call."
  (unless (find-package "ROS")
    (let ((ensure-asdf (intern "ENSURE-ASDF" (make-package "ROS" :nicknames '("ROSWELL") :use '()))))
      (export ensure-asdf "ROS")
      (setf (fdefinition ensure-asdf) (lambda () (or (find-package "ASDF") (require "ASDF")))))))

(defun script-main (file)
  "The function MAIN that a Roswell script defines last, or that is in its package at its end."
  (stand-in-for-roswell)
  (with-open-file (stream (sb-ext:parse-native-namestring file) :external-format :utf-8)
    (let ((first-line (read-line stream nil "")))
      (unless (eql (mismatch "#!" first-line) 2)
        (file-position stream 0)))
    (let ((*load-truename* (truename stream)) (*load-pathname* (pathname stream)) (*package* *package*)
          (*readtable* *readtable*))
      ;; DEFUN's value is the name.
      (callable (or (find-if (lambda (value) (and (symbolp value) (string= value "MAIN"))) (evaluate-all stream))
                    (find-symbol "MAIN"))))))

(defun script-handler (main)
  "MAIN, which reads an event and prints the answer, as a handler."
  (lambda (event headers)
    (declare (ignore headers))
    (printed (with-output-to-string (*standard-output*)
               (with-input-from-string (*standard-input* event)
                 (funcall main))))))

(defun function-handler (function)
  "FUNCTION of an event and its headers, which returns the answer, as a handler."
  (lambda (event headers)
    (response (funcall function event headers))))

(defun restore-image ()
  "Tells the libraries in the core, if it has any, that they are in another process now."
  (when (find-package "UIOP")
    (funcall (intern "CALL-IMAGE-RESTORE-HOOK" "UIOP"))))

(defun find-handler (kind file name)
  (restore-image)
  (cond ((string= kind "script")
         (script-handler (script-main file)))
        ((string= kind "form")
         (function-handler (callable (first (evaluate-all (make-string-input-stream name))))))
        (t
         (load (newest file) :external-format :utf-8)
         (function-handler (named-function name)))))

(defun in-source-p (condition)
  "Whether a file cannot be decoded that is just being loaded, and not one that it reads."
  (let ((stream (stream-error-stream condition)))
    (and *load-truename* (typep stream 'file-stream)
         (equal (ignore-errors (truename stream)) *load-truename*))))

(defun malformed-p (condition)
  "Whether a form is not as its macro wants it: its arguments, or what is bound."
  (some (lambda (name)
          (let ((type (find-symbol name "SB-KERNEL")))
            (and type (find-class type nil) (typep condition type))))
        '("DEFMACRO-LAMBDA-LIST-BIND-ERROR" "LAMBDA-LIST-BIND-ERROR" "ARG-COUNT-ERROR")))

(defun load-error-type (condition)
  (typecase condition
    (package-error "Runtime.ImportModuleError") ; whether or not it is a reader's
    ((or reader-error end-of-file sb-int:compiled-program-error) "Runtime.UserCodeSyntaxError")
    (sb-int:character-decoding-error
     (if (and (typep condition 'stream-error) (in-source-p condition))
         "Runtime.UserCodeSyntaxError"
         "Runtime.ImportModuleError"))
    (t (if (malformed-p condition) "Runtime.UserCodeSyntaxError" "Runtime.ImportModuleError"))))

(defun cannot-load (condition)
  (refuse (load-error-type (if (typep condition 'sb-int:encapsulated-condition)
                               (sb-int:encapsulated-condition condition)
                               condition))
          (format nil "~A~@[, in the form that begins on line ~D~]"
                  (message condition)
                  (and *form-start* (typep condition '(or reader-error end-of-file))
                       (typep (stream-error-stream condition) 'file-stream)
                       (ignore-errors (form-line (stream-error-stream condition)))))
          (backtrace)))
