(import (chicken io))
(print "{\"echo\":" (read-string #f) "}")
