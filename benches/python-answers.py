#!/usr/bin/env python3
"""How long the Python adapter takes to make JSON of answers, beside AWS's own client, which takes simplejson for it.

    target/tools/bin/python3 benches/python-answers.py            # a table, for this Python
    target/tools/bin/python3 benches/python-answers.py --limit 2.5  # and status 1 if a ratio is above

It needs awslambdaric (./build.sh test installs it there). Both make each answer in turns, to UTF-8, and the best processor times count:
so whatever else the machine does, the ratio holds.
"""

import decimal
import gc
import json
import marshal
import os
import sys
import time
from collections import namedtuple
from pathlib import Path

from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller as Official

Point = namedtuple("Point", "x y")


def ours():
    names = {"json": json, "os": os, "sys": sys, "gc": gc, "marshal": marshal, "FaultException": Exception}
    folder = Path(__file__).resolve().parent.parent / "handlers/python"
    for part in "plain.py", "marshaller.py":
        exec(compile((folder / part).read_text(), part, "exec"), names)
    names["later"] = lambda name: None  # it is all there
    to_bytes, marshaller = names["to_bytes"], names["LambdaMarshaller"]()
    return lambda value: to_bytes(marshaller.marshal_response(value)[0])


def theirs():
    marshaller = Official()
    return lambda value: marshaller.marshal_response(value)[0].encode()


def rows(count):
    person = {"tags": ["a", "b", "c"], "address": {"street": "Main Street", "geo": [1.5, 2.25]}, "active": True}
    return [{"id": number, "name": "Zoë %d" % number, **json.loads(json.dumps(person))} for number in range(count)]


ANSWERS = {
    "small": {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"ok":true}'},
    "nested, 100 kB": rows(700),
    "nested, 1 MB": rows(7000),
    "one string, 1 MB": {"data": "x" * 1000000},
    "100,000 integers": list(range(100000)),
    "50,000 floats": [number / 7 for number in range(50000)],
    "50,000 strings": ["string number %d" % number for number in range(50000)],
    "5 MB of ASCII": "x" * 5000000,
    "5 MB as a body": {"statusCode": 200, "body": "x" * 5000000},
    "5 MB of HTML": '<p class="text">A line of text, of a usual length.</p>\n' * 93000,
    "10,000 Decimals": [{"price": decimal.Decimal("19.90"), "id": number} for number in range(10000)],
    "10,000 named tuples": [Point(number, "y") for number in range(10000)],
}


def spent(function, value, often):
    """The processor time of so many goes."""
    start = time.process_time()
    for _ in range(often):
        function(value)
    return time.process_time() - start


def best(functions, value, seconds=0.4):
    """The best time of each, which have their turns one after the other."""
    often = 1
    while spent(functions[0], value, often) < 0.001:  # the clock may be coarser than a small answer
        often *= 4
    times = [[] for _ in functions]
    end = time.process_time() + seconds
    while time.process_time() < end or len(times[0]) < 5:
        for function, seen in zip(functions, times):
            seen.append(spent(function, value, often) / often)
    return [min(seen) for seen in times]


def main():
    limit = float(sys.argv[sys.argv.index("--limit") + 1]) if "--limit" in sys.argv else None
    slow = []
    print("| Python %d.%d | awslambdaric | adapter | ratio |\n|---|---|---|---|" % sys.version_info[:2])
    for version in "3.11", "3.12":
        os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python" + version  # up to 3.11 it escapes what is not ASCII
        functions = [theirs(), ours()]
        for name, value in ANSWERS.items():
            assert functions[0](value) == functions[1](value), name
            ratio = 0
            for _ in range(3):  # a ratio above the limit is judged twice more
                official, own = best(functions, value)
                ratio = min(ratio or own / official, own / official)
                if limit is None or ratio <= limit:
                    break
            words = name, "non-ASCII as it is" if version == "3.12" else "escaped", official * 1e3, own * 1e3, ratio
            print("| %s, %s | %.3f ms | %.3f ms | %.2f |" % words, flush=True)
            if limit and ratio > limit:
                slow.append(name)
    sys.exit("slower than the limit: " + ", ".join(slow) if slow else 0)


main()
