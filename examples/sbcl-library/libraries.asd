;;; Nothing but libraries, to be made one fasl.

(asdf:defsystem "libraries"
  :depends-on ("alexandria" "yason"))
