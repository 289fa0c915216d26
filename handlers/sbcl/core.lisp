;;;; Saves the core of the layer that `./build.sh sbcl` makes: SBCL with ASDF, libraries if they are asked for, and the
;;;; adapter, compiled. bootstrap then need not load the adapter: see adapters.rs.
;;;;
;;;; build.sh gives it to sbcl as its input, with the adapter behind it, twice, with the arguments
;;;;   LIBRARY...           only compiles the libraries, into ASDF's cache;
;;;;   --save LIBRARY...    loads them, and writes sbcl.core into the folder that is open as descriptor 9.
;;;; So what is saved has nothing of the compiler's in it, and is the same each time. What libraries print goes to stdout, where
;;;; lines `system: NAME FOLDER` for the libraries and `mapped: FILE` for each shared library in use follow; an error goes to
;;;; stderr.

(defpackage lambda-stdio-core
  (:use cl))

(in-package lambda-stdio-core)

(defun finalizer-thread (what)
  "Some versions of SBCL run finalizers in a thread; when it comes to what would be different in each core."
  (let ((function (find-symbol (format nil "FINALIZER-THREAD-~A" what) "SB-IMPL")))
    (when (and function (fboundp function))
      (funcall function))))

(finalizer-thread "STOP")

(require "asdf")

(defvar *stderr* *error-output*)

(defun fail (control &rest arguments)
  (format *stderr* "~?~%" control arguments)
  (finish-output *stderr*)
  (finish-output)
  (sb-ext:exit :code 1 :abort t))

;;; --- Libraries ------------------------------------------------------------------------------------------------------

(defun quickload ()
  "Quicklisp's function that loads a library, where the user has Quicklisp."
  (unless (find-package "QL")
    (let ((setup (merge-pathnames "quicklisp/setup.lisp" (user-homedir-pathname))))
      (when (probe-file setup)
        (load setup))))
  (and (find-package "QL") (intern "QUICKLOAD" "QL")))

(defun load-library (name)
  (cond ((asdf:find-system name nil) (asdf:load-system name))
        ((quickload) (funcall (quickload) name))
        (t (error 'asdf:missing-component :requires name))))

(defun no-library (condition)
  (fail "There is no Lisp library ~A here~@[, which ~A needs~]. On Debian and Ubuntu try apt-get install cl-~(~2:*~A~). ~
         Else put its sources into a folder below ~~/common-lisp, or install Quicklisp."
        (asdf::missing-requires condition)
        (when (typep condition 'asdf:missing-dependency)
          (asdf:component-name (asdf::missing-required-by condition)))))

(defun load-libraries (names)
  (handler-bind ((asdf:missing-component #'no-library)
                 (error (lambda (condition)
                          (fail "~{~A~^, ~} cannot be loaded: ~A" names condition))))
    (let ((*error-output* *standard-output*)
          (*package* (find-package "COMMON-LISP-USER")))
      (mapc #'load-library names)))
  ;; In the function there are no sources to compare them with: they are as they are.
  (mapc #'asdf:register-immutable-system (asdf:already-loaded-systems)))

;;; --- What goes along ------------------------------------------------------------------------------------------------

(defun tell-systems (names)
  "Prints where the libraries' sources are, and those of the libraries that they need: their licences are there."
  (when names
    (dolist (system (asdf:already-loaded-systems))
      (let ((folder (asdf:system-source-directory system)))
        (when folder
          (format t "~&system: ~A ~A~%" (asdf:primary-system-name system) (namestring folder)))))))

(defun tell-mapped ()
  "Prints the paths of all shared libraries that this process has: the runtime's own, and those of foreign functions."
  (with-open-file (maps "/proc/self/maps")
    (do ((line (read-line maps nil) (read-line maps nil)))
        ((null line))
      (let ((path (subseq line (or (position #\/ line) (length line)))))
        (when (search ".so" path)
          (format t "~&mapped: ~A~%" path)))))
  ;; At the start a core opens them again. In the layer they are in its lib folder, where their names alone are found.
  (dolist (object sb-sys:*shared-objects*)
    (setf (sb-alien::shared-object-namestring object) (file-namestring (sb-alien::shared-object-namestring object)))))

(defun load-adapter ()
  (load sb-sys:*stdin*)
  (setf sb-ext:*evaluator-mode* :compile)
  (let ((package (find-package "LAMBDA-STDIO")))
    (do-symbols (symbol package)
      (when (and (eq (symbol-package symbol) package) (fboundp symbol))
        (compile symbol)))))

(defun unlink-debugger ()
  "At each start the adapter puts a function in the debugger's place. SBCL has calls that lead there directly, and to change them
takes it four milliseconds, the first time. So that time is now, and they stay changed; the function stays, too."
  (let ((name (find-symbol "DEBUGGER-DISABLED-HOOK" "SB-DEBUG"))
        (replace (find-symbol "REPLACE-QUICKLY" "LAMBDA-STDIO"))
        (never (find-symbol "*NEVER-STATICALLY-LINK*" "SB-VM")))
    (when (and name never (boundp never))
      (push name (symbol-value never)) ; to save a core makes direct calls again
      (ignore-errors ; another version has other names for it
       (let ((function (fdefinition name)))
         (funcall replace name #'identity)
         (funcall replace name function))))))

(defun forget-file-times ()
  "When ASDF made its files would be different in each core, too."
  (dolist (name (asdf:registered-systems))
    (let ((system (asdf:find-system name)))
      (dolist (component (cons system (asdf::sub-components system)))
        (clrhash (asdf/component:component-operation-times component))))))

(defun forget-gc-times ()
  "And how long the garbage collector took."
  (setf sb-ext:*gc-run-time* 0
        sb-kernel::*n-bytes-freed-or-purified* 0))

(defun save (names)
  (tell-systems names)
  (tell-mapped)
  (forget-file-times)
  (uiop:call-image-dump-hook)
  (push 'forget-gc-times sb-ext:*after-gc-hooks*)
  ;; In the function the collector's time is to be had.
  (push (lambda () (setf sb-ext:*after-gc-hooks* (remove 'forget-gc-times sb-ext:*after-gc-hooks*))) sb-ext:*init-hooks*)
  (finalizer-thread "START") ; it is stopped again there
  (sb-ext:save-lisp-and-die "/proc/self/fd/9/sbcl.core"))

(let ((arguments (rest sb-ext:*posix-argv*)))
  (cond ((equal (first arguments) "--save")
         (load-libraries (rest arguments))
         (load-adapter)
         (unlink-debugger)
         (save (rest arguments)))
        (t
         (load-libraries arguments)
         (sb-ext:exit))))
