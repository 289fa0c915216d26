(asdf:defsystem "main"
  :depends-on ("alexandria" "yason")
  :components ((:file "words")))
