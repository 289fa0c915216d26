#lang racket/base
(require racket/port)
(printf "{\"echo\":~a}\n" (port->string))
