"""The adapter for Python: runs `handler(event, context)` functions as AWS's own runtime does.

bootstrap starts it as `python3 -c SOURCE FILE NAME`, NAME being the function in FILE, and speaks messages with it: events
on stdin, answers on stdout. SOURCE is this file and those beside it, one behind the other, in one namespace. It imports
little, and that late, for its start-up is part of every cold start. This part is the start: the path, the pipes.
"""

import sys

OLDEST = 3, 9
if sys.version_info < OLDEST:  # this file is read by older ones, too: no newer syntax in it than 3.6 has
    print(
        '\n{"errorMessage": "The function needs Python %d.%d or newer; this is %d.%d: bring another python3 in the image or in a layer",'
        % (OLDEST + tuple(sys.version_info[:2])),
        '"errorType": "Runtime.InvalidEntrypoint", "stackTrace": []}',
        flush=True,
    )
    sys.exit(1)

import os  # both are there since before the path was: no file of the user's can have been taken for them
import site

# `-c` has put the working folder, "", in front of the standard library, and so does PYTHONPATH with other folders of the
# user's. Until the adapter has what it needs, none of them is looked at, so that a types.py or a json.py is nobody's harm.
PATH = [path for path in sys.path if path]
LIBRARY = os.path.dirname(os.__file__)
GIVEN = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != LIBRARY]
STANDARD = [path for path in PATH if path not in GIVEN]
sys.path[:] = STANDARD

# Neither json nor importlib, types nor re: to import them takes longer than all else here, and not every function does.
import fcntl
import gc
import io
import marshal
import time
from _frozen_importlib_external import PathFinder

GeneratorType = type(_ for _ in ())

TASK_ROOT = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
VERSION = "%d.%d" % sys.version_info[:2]
LAYERS = ["/opt/python/lib/python" + VERSION + "/site-packages", "/opt/python"]
ON_LAMBDA = bool(os.environ.get("AWS_LAMBDA_RUNTIME_API"))
LONGEST_TIME = 15 * 60 * 1000  # what Lambda allows a function, in milliseconds

# Newer Pythons keep what follows -c as the text of any "<string>": nobody's traceback is to show it.
getattr(sys.modules.get("linecache"), "cache", {}).pop("<string>", None)
if os.environ.get("PYTHONSAFEPATH") == "lambda-stdio":  # from bootstrap, for this start alone
    del os.environ["PYTHONSAFEPATH"]

# Libraries ask whose runtime this is; of a runtime that came with the function nobody has told them.
os.environ.setdefault("AWS_EXECUTION_ENV", "AWS_Lambda_python" + VERSION)


def keep(descriptor):
    """A copy that children do not inherit, out of the way of those who close all from 3 to 100, or to 256."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 500)
    except (OSError, ValueError):  # there are not as many
        return os.dup(descriptor)


def write_at_once(name, descriptor):
    """Makes sys.NAME write through, each piece as it comes: what is in no buffer is not lost by a crash, and not doubled by
    a fork. What cannot be UTF-8 is shown, whatever the locale."""
    old = getattr(sys, name)
    try:
        old.flush()
    except Exception:
        pass  # there is none, or something else was put in its place
    if old is None or type(old) is io.TextIOWrapper:
        raw = io.FileIO(descriptor, "w", closefd=False)
        raw.name = "<%s>" % name
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)


def take_pipes():
    """Keeps stdin and stdout for messages; the user's code has an empty stdin, and the log as its stdout."""
    events, answers = keep(0), keep(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    write_at_once("stdout", 1)
    write_at_once("stderr", 2)
    return os.fdopen(events, "rb", 1 << 16), os.fdopen(answers, "wb", 1 << 16)


def later(name):
    """Runs a part that not every function needs: to compile it takes its time."""
    source = LATER.pop(name, None)
    if source:
        exec(compile(source, "<lambda-stdio %s>" % name, "exec"), globals())


def after_fork():
    """From here on this is not the process whose answers are waited for."""
    global is_forked
    is_forked = True


is_forked = False
os.register_at_fork(after_in_child=after_fork)
EVENTS, ANSWERS = take_pipes()
