;;;; What handlers in Lisp see of the adapter: its package, the environment as variables, and what they may do to it.
;;;;
;;;; This is the first of the adapter's files, which are one text by the time SBCL reads them: see adapter.lisp.

;; SBCL can be built without an interpreter; then it compiles.
(when (find-package "SB-EVAL")
  (setf sb-ext:*evaluator-mode* :interpret))

(cl:defpackage lambda-stdio
  (:use cl)
  ;; The longer two were packages of a runtime for Lisp that went before: what was written for it runs here.
  (:nicknames . #.(remove-if #'find-package '("LSTDIO" "AWS-LAMBDA-RUNTIME" "AWS-LAMBDA-FUNCTION-UTIL")))
  (:export *header-alist* *before-snapshot-hooks* *after-restore-hooks* load-fasls-in-directory))

(in-package lambda-stdio)

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
