# The echo, as a Python function.


def handler(event, context):
    return event
