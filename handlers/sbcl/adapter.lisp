;;;; The adapter for SBCL: loads a handler written in Lisp, then speaks lambda-stdio's messages for it.
;;;;
;;;; bootstrap starts it with the arguments SOURCE KIND FILE NAME, SOURCE being this text; README.md is for its users. A
;;;; core may have it in it, compiled (core.lisp): then the text is not read again.
;;;;
;;;; To compile all of this at each start would take a tenth of a second, so it is interpreted. This is also why it has DO
;;;; where one would expect LOOP: an interpreter expands a macro each time that it comes to it.

;; SBCL can be built without an interpreter; then it compiles.
(when (find-package "SB-EVAL")
  (setf sb-ext:*evaluator-mode* :interpret))

(cl:defpackage lambda-stdio
  (:use cl)
  ;; The longer two were packages of a runtime for Lisp that went before: what was written for it runs here.
  (:nicknames . #.(remove-if #'find-package '("LSTDIO" "AWS-LAMBDA-RUNTIME" "AWS-LAMBDA-FUNCTION-UTIL")))
  (:export *header-alist* *before-snapshot-hooks* *after-restore-hooks* load-fasls-in-directory))

(in-package lambda-stdio)

;;; --- What handlers see ----------------------------------------------------------------------------------------------

(defvar *header-alist* '()
  "The headers of the latest event: ((:lambda-runtime-aws-request-id . \"...\") (:content-type . \"...\") ...).")

(defvar *before-snapshot-hooks* '()
  "Functions of no arguments that are called before SnapStart's snapshot is taken, in the order of this list.")

(defvar *after-restore-hooks* '()
  "The same after it was restored, the last of this list first, so that what was pushed first is called first.")

(defun define-variable (name)
  "Makes a special variable for the environment variable NAME: for AWS_REGION *aws-region*."
  (let ((symbol (intern (concatenate 'string "*" (substitute #\- #\_ name :start 1) "*"))))
    (export symbol)
    (proclaim `(special ,symbol))
    (cons symbol name)))

(defvar *environment*
  (mapcar #'define-variable
          '("_HANDLER" "_X_AMZN_TRACE_ID" "AWS_REGION" "AWS_DEFAULT_REGION" "AWS_EXECUTION_ENV"
            "AWS_LAMBDA_FUNCTION_NAME" "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" "AWS_LAMBDA_FUNCTION_VERSION"
            "AWS_LAMBDA_INITIALIZATION_TYPE" "AWS_LAMBDA_LOG_GROUP_NAME" "AWS_LAMBDA_LOG_STREAM_NAME"
            "AWS_LAMBDA_LOG_FORMAT" "AWS_LAMBDA_LOG_LEVEL" "AWS_LAMBDA_MAX_CONCURRENCY" "AWS_LAMBDA_METADATA_API"
            "AWS_LAMBDA_METADATA_TOKEN" "AWS_LAMBDA_RUNTIME_API" "AWS_ACCESS_KEY" "AWS_ACCESS_KEY_ID"
            "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" "AWS_XRAY_CONTEXT_MISSING" "AWS_XRAY_DAEMON_ADDRESS"
            "LAMBDA_TASK_ROOT" "LAMBDA_RUNTIME_DIR" "LANG" "LD_LIBRARY_PATH" "PATH" "TZ")))

;; *_handler* was that older runtime's name.
(defvar *handler*)
(export '*handler*)

(defun read-environment ()
  "Sets those variables. Not earlier: a core was saved in another environment."
  (dolist (variable *environment*)
    (set (car variable) (sb-ext:posix-getenv (cdr variable))))
  (setf *handler* *_handler*))

(defun load-fasls-in-directory (pathname)
  "Loads the fasls that are in one folder with the file PATHNAME, but not the file that is just being loaded."
  (dolist (fasl (directory (make-pathname :name :wild :type "fasl" :version nil :defaults pathname)))
    (unless (equal fasl *load-truename*)
      (load fasl))))

;;; --- Messages -------------------------------------------------------------------------------------------------------

(defvar *events*)
(defvar *answers*)

(defvar *utf-8* '(:utf-8 :replacement #\REPLACEMENT_CHARACTER))

(defun take-pipes ()
  "Keeps stdin and stdout for messages. All others get /dev/null and stderr instead, and UTF-8, whatever the locale."
  (let ((events (sb-unix:unix-dup 0))
        (answers (sb-unix:unix-dup 1)))
    ;; A descriptor gets the lowest number that is free. Those of the messages do not reach children: RUN-PROGRAM closes
    ;; all but the first three.
    (sb-unix:unix-close 0)
    (sb-unix:unix-open "/dev/null" sb-unix:o_rdonly 0)
    (sb-unix:unix-close 1)
    (sb-unix:unix-dup 2)
    (setf sb-impl::*default-external-format* :utf-8
          sb-alien::*default-c-string-external-format* :utf-8
          *events* (sb-sys:make-fd-stream events :element-type :default :external-format *utf-8* :buffering :full)
          *answers* (sb-sys:make-fd-stream answers :output t :element-type '(unsigned-byte 8) :buffering :full)
          sb-sys:*stdin* (sb-sys:make-fd-stream 0 :element-type :default :external-format *utf-8*)
          sb-sys:*stderr* (sb-sys:make-fd-stream 2 :output t :external-format *utf-8* :buffering :line)
          sb-sys:*stdout* sb-sys:*stderr*)))

(defun read-headers ()
  "The next event's headers, or NIL if there will be none."
  (do ((line (read-line *events* nil "") (read-line *events* nil ""))
       (headers '()))
      ((equal (string-right-trim '(#\Return) line) "") (nreverse headers))
    (let ((colon (position #\: line)))
      (push (cons (intern (string-upcase (subseq line 0 colon)) "KEYWORD")
                  (string-trim '(#\Space #\Tab #\Return) (subseq line (1+ colon))))
            headers))))

(defun read-event (headers)
  (let ((octets (make-array (parse-integer (cdr (assoc :content-length headers))) :element-type '(unsigned-byte 8))))
    (read-sequence octets *events*)
    (sb-ext:octets-to-string octets :external-format *utf-8*)))

(defun octets (string)
  (sb-ext:string-to-octets string :external-format *utf-8*))

(defun write-out (&rest parts)
  "Writes the octets in PARTS at once, after all that was logged."
  (finish-output sb-sys:*stderr*)
  (dolist (part parts)
    (write-sequence part *answers*))
  (finish-output *answers*))

(defun send (header &rest body)
  "Sends a message with one HEADER line besides its length, or none. BODY is its octets in parts."
  (let ((length (reduce #'+ body :key #'length)))
    (apply #'write-out (octets (format nil "Content-Length: ~D~%~@[~A~%~]~%" length header)) body)))

;;; --- Conditions -----------------------------------------------------------------------------------------------------

(defun call-reporting (report function)
  "Calls FUNCTION. A condition that would have led into the debugger leads to REPORT, and with its values out of here."
  (let ((sb-ext:*invoke-debugger-hook* (lambda (condition hook)
                                         (declare (ignore hook))
                                         (return-from call-reporting (funcall report condition)))))
    (funcall function)))

(defun type-name (object)
  (princ-to-string (class-name (class-of object))))

(defun message (condition)
  (handler-case (princ-to-string condition)
    (error () (format nil "A condition of class ~A, whose report failed" (type-name condition)))))

(defun backtrace ()
  "The names of the functions between the debugger's, which were called last, and this adapter's."
  ;; Without their arguments: the event is one, and is no matter for the log.
  (let ((names (rest (member 'invoke-debugger (mapcar #'first (sb-debug:list-backtrace :count 60)))))
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

;;; --- Answers: lists of the header that says what it is, or NIL, and the octets in one part or more ---------------------

(defun failure (type message &optional stack)
  (list (format nil "Lambda-Runtime-Function-Error-Type: ~A" type) (octets (error-object type message stack))))

(defun printed (&rest texts)
  "An answer of which bootstrap makes JSON: JSON as it is, other text as a JSON string, less one newline at its end."
  (list* "Content-Type: application/vnd.lambda-stdio.output" (mapcar #'octets texts)))

(defun response (result)
  "The answer for what a function returned."
  (typecase result
    (null (list nil (octets "null")))
    (string (printed result (string #\Newline)))
    ((vector (unsigned-byte 8)) (list "Content-Type: application/octet-stream" result))
    (t (failure "Runtime.MarshalError"
                (format nil "The handler returned neither a string nor octets, but a ~A" (type-name result))))))

;;; --- Handlers: functions of an event and its headers, which give an answer --------------------------------------------

(defun callable (function)
  "FUNCTION, which is what _HANDLER stands for, if it can be called."
  (if (or (functionp function)
          (and (symbolp function) (fboundp function)
               (not (macro-function function)) (not (special-operator-p function))))
      function
      (refuse "Runtime.HandlerNotFound"
              (format nil "The handler ~A stands for ~S, which is no function" *handler* function))))

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

(defun evaluate-all (stream)
  "The values of the forms in STREAM, the last one first."
  (let ((values '()))
    (do ((form (read stream nil stream) (read stream nil stream)))
        ((eq form stream) values)
      (push (eval form) values))))

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

(defun see-to-home ()
  "ASDF wants a home folder, and a user without one is nothing unusual in a sandbox."
  ;; The compiler thinks that it cannot fail.
  (declare (notinline user-homedir-pathname))
  (unless (ignore-errors (user-homedir-pathname))
    (sb-alien:alien-funcall (sb-alien:extern-alien "setenv" (function sb-alien:int sb-alien:c-string sb-alien:c-string
                                                                      sb-alien:int))
                            "HOME" "/tmp" 1)))

(defun restore-image ()
  "Tells the libraries in the core, if it has any, that they are in another process now."
  (when (find-package "UIOP")
    (funcall (intern "CALL-IMAGE-RESTORE-HOOK" "UIOP"))))

(defun find-handler (kind file name)
  (see-to-home)
  (restore-image)
  (cond ((string= kind "script")
         (script-handler (script-main file)))
        ((string= kind "form")
         (function-handler (callable (first (evaluate-all (make-string-input-stream name))))))
        (t
         (load (newest file))
         (function-handler (named-function name)))))

(defun cannot-load (condition)
  (refuse (typecase (if (typep condition 'sb-int:encapsulated-condition)
                        (sb-int:encapsulated-condition condition)
                        condition)
            (package-error "Runtime.ImportModuleError") ; whether or not it is a reader's
            ((or reader-error end-of-file sb-int:compiled-program-error) "Runtime.UserCodeSyntaxError")
            (t "Runtime.ImportModuleError"))
          (message condition)
          (backtrace)))

;;; --- Events ---------------------------------------------------------------------------------------------------------

(defun call-hooks (event)
  "Does what SnapStart's EVENT asks for; the answer has no body."
  (mapc #'funcall (if (string= event "before-snapshot") *before-snapshot-hooks* (reverse *after-restore-hooks*)))
  '(nil))

(defun answer (handler event headers)
  (call-reporting (lambda (condition)
                    (failure (type-name condition) (message condition) (backtrace)))
                  (lambda ()
                    (let ((snapstart (cdr (assoc :lambda-stdio-event headers))))
                      (if snapstart (call-hooks snapstart) (funcall handler event headers))))))

(defun main ()
  (destructuring-bind (kind file name) (nthcdr 2 sb-ext:*posix-argv*)
    ;; The arguments and the interpreter are for the adapter alone.
    (setf (rest sb-ext:*posix-argv*) '()
          sb-ext:*evaluator-mode* :compile)
    (read-environment)
    ;; Else it would be a condition, and the answer to an event.
    (sb-sys:enable-interrupt sb-unix:sigint :default)
    (take-pipes)
    (let ((handler (call-reporting #'cannot-load (lambda () (find-handler kind file name)))))
      (write-out (octets (format nil "lambda-stdio/1 ready~:[~; snapstart~]~%"
                                 (or *before-snapshot-hooks* *after-restore-hooks*))))
      (do ((headers (read-headers) (read-headers)))
          ((null headers) (sb-ext:exit))
        (setf *header-alist* headers
              *_x-amzn-trace-id* (cdr (assoc :lambda-runtime-trace-id headers)))
        (apply #'send (answer handler (read-event headers) headers))))))
