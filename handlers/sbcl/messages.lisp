;;;; lambda-stdio's messages: events in; answers out, whole or as a stream.

(in-package lambda-stdio)

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
