#!/bin/bash
# A CGI program: the request is in the environment, and what is printed is the response.
if [[ $REQUEST_METHOD != GET ]]; then
  printf 'Status: 405\nAllow: GET\nContent-Type: text/plain\n\nOnly GET is served here.\n'
  exit
fi
name=World
[[ $QUERY_STRING =~ (^|&)name=([A-Za-z]+)(&|$) ]] && name=${BASH_REMATCH[2]}
printf 'Content-Type: text/html; charset=utf-8\n\n'
printf '<!doctype html>\n<title>Hello</title>\n<p>Hello, %s!</p>\n' "$name"
