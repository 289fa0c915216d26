#!/usr/bin/env python3
"""Speaks messages with bootstrap, by hand: a model for adapters. {"name":"Ada"} -> {"greeting":"Hello, Ada!"}"""

import json
import os
import traceback

# stdin and stdout are for messages alone. What anybody prints from now on is log, and there is nothing to read.
events, answers = open(os.dup(0), "rb"), open(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)


def read():
    """The next event: its headers, with small letters, and its body. None at the end of input."""
    headers = {}
    while line := events.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return headers and (headers, events.read(int(headers["content-length"])))


def write(body, *headers):
    body = json.dumps(body).encode()
    head = [*headers, f"Content-Length: {len(body)}", "", ""]
    answers.write("\n".join(head).encode() + body)
    answers.flush()


def greet(event, request_id):
    print("working on", request_id, flush=True)
    return {"greeting": f"Hello, {event['name']}!"}


answers.write(b"lambda-stdio/1 ready\n")
answers.flush()
while event := read():
    headers, body = event
    try:
        write(greet(json.loads(body), headers["lambda-runtime-aws-request-id"]))
    except Exception as error:
        kind = f"Function.{type(error).__name__}"
        what = {"errorMessage": str(error), "errorType": kind, "stackTrace": traceback.format_exc().splitlines()}
        write(what, f"Lambda-Runtime-Function-Error-Type: {kind}")
