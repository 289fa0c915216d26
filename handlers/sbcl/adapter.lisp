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

(defun putenv (entry)
  (sb-alien:alien-funcall (sb-alien:extern-alien "putenv" (function sb-alien:int sb-sys:system-area-pointer)) entry))

(defun set-environment (name value)
  "Sets the environment variable, which children inherit, or removes it if VALUE is NIL. Returns what is in use for it."
  ;; An interpreter takes milliseconds for what is foreign.
  (unless (compiled-function-p #'putenv)
    (compile 'putenv))
  (let ((entry (sb-alien:make-alien-string (format nil "~A~@[=~A~]" name value)))) ; without `=`, it is removed
    (putenv (sb-alien:alien-sap entry))
    entry))

(defun see-to-home ()
  "ASDF wants a home folder, and a user without one is nothing unusual in a sandbox."
  ;; The compiler thinks that it cannot fail.
  (declare (notinline user-homedir-pathname))
  (unless (ignore-errors (user-homedir-pathname))
    (set-environment "HOME" "/tmp")))

(defvar *trace-entries* '()
  "What the environment got for the trace id, the latest first.")

(defun set-trace-id (trace-id)
  (unless (equal trace-id *_x-amzn-trace-id*)
    (setf *_x-amzn-trace-id* trace-id)
    (push (set-environment "_X_AMZN_TRACE_ID" trace-id) *trace-entries*)
    ;; Another thread may just be reading an old one; not a very old one.
    (when (nthcdr 32 *trace-entries*)
      (mapc #'sb-alien:free-alien (nthcdr 16 *trace-entries*))
      (setf *trace-entries* (subseq *trace-entries* 0 16)))))

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

(defun content-length (headers)
  (parse-integer (cdr (assoc :content-length headers))))

(defun make-octets (length)
  (make-array length :element-type '(unsigned-byte 8)))

(defun read-body (headers)
  (let ((octets (make-octets (content-length headers))))
    (read-sequence octets *events*)
    octets))

(defun skip-body (headers)
  "Reads the body that there is no room for, without which the next event would not be found."
  (let ((octets (make-octets 65536)))
    (do ((left (content-length headers) (- left (length octets))))
        ((<= left 0))
      (read-sequence octets *events* :end (min left (length octets))))))

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
      ;; Not (setf fdefinition), which takes ten milliseconds to look for callers that need not go by the name.
      (setf (sb-kernel:fdefn-fun (sb-int:find-fdefn disabled)) #'instead-of-the-debugger))))

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
    (stream (if (input-stream-p result)
                result
                (failure "Runtime.MarshalError" "The handler returned a stream that cannot be read")))
    (t (failure "Runtime.MarshalError"
                (format nil "The handler returned neither a string, octets nor a stream, but a ~A" (type-name result))))))

;;; --- Streams --------------------------------------------------------------------------------------------------------

(defun next-part (stream binary)
  "What can be read of STREAM without waiting, after the first of it, as octets; NIL at its end."
  (let ((part (make-array 0 :element-type (if binary '(unsigned-byte 8) 'character) :adjustable t :fill-pointer t)))
    (do ((item (if binary (read-byte stream nil) (read-char stream nil))
               (and (< (length part) 32768)
                    (if binary
                        (and (listen stream) (read-byte stream nil))
                        (read-char-no-hang stream nil)))))
        ((null item))
      (vector-push-extend item part))
    (and (plusp (length part))
         (if binary part (octets (coerce part 'simple-string))))))

(defun one-line (text)
  (substitute-if #\Space (lambda (char) (find char '(#\Return #\Newline))) text))

(defun send-stream (stream)
  "Sends what can be read of STREAM as it comes, in chunks, and closes it. What goes wrong on the way is a trailer."
  (let ((binary (not (subtypep (stream-element-type stream) 'character)))
        (trailer ""))
    (write-out (octets (format nil "Lambda-Runtime-Function-Response-Mode: streaming~%Content-Type: ~A~%~
                                    Transfer-Encoding: chunked~%~%"
                               (if binary "application/octet-stream" "text/plain; charset=utf-8"))))
    (call-reporting (lambda (condition)
                      (setf trailer (format nil "Lambda-Runtime-Function-Error-Type: ~A~%~
                                                 Lambda-Runtime-Function-Error-Body: ~A~%"
                                            (type-name condition)
                                            (one-line (error-object (type-name condition) (message condition)
                                                                    (backtrace))))))
                    (lambda ()
                      (do ((part (next-part stream binary) (next-part stream binary)))
                          ((null part))
                        (write-out (octets (format nil "~X~%" (length part))) part (octets (string #\Newline))))))
    (write-out (octets (format nil "0~%~A~%" trailer)))
    (ignore-errors (close stream))))

;;; --- Handlers: functions of an event and its headers, which give an answer --------------------------------------------

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

;;; --- Events ---------------------------------------------------------------------------------------------------------

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
