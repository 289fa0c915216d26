#!/bin/bash
# A page, over CGI.
[[ $QUERY_STRING =~ (^|&)name=([A-Za-z]+)(&|$) ]] && name=${BASH_REMATCH[2]}
printf 'Content-Type: text/html; charset=utf-8\n\n<p>Hello, %s!</p>\n' "$name"
