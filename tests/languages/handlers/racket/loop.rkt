#lang racket/base
(for ([line (in-lines)])
  (printf "{\"echo\":~a}\n" line))
