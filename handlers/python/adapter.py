"""The adapter for Python: runs `handler(event, context)` functions as AWS's own runtime does.

bootstrap starts it as `python3 -c SOURCE FILE NAME`, NAME being the function in FILE, and speaks messages with it: events
on stdin, answers on stdout. It imports little, and that late, for its start-up is part of every cold start.
"""

import importlib
import json
import os
import sys
import time
from types import GeneratorType, SimpleNamespace

TASK_ROOT = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
OFFICIAL_LAYERS = f"/opt/python/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages", "/opt/python"
CLIENT = "installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"
LONGEST_TIME = 15 * 60 * 1000  # what Lambda allows a function, in milliseconds


class Fault(Exception):
    """An error that has one of the official names, and no stack of its own."""

    def __init__(self, kind, message, stack=()):
        super().__init__(message)
        self.kind = kind
        self.stack = list(stack)


class Context:
    """What a handler gets as its second argument."""

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
    memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
    log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
    client_context = None

    def __init__(self, headers):
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id") or None
        now = int(time.time() * 1000)
        deadline = int(headers.get("lambda-runtime-deadline-ms") or 0)
        # A deadline in the past is an emulator's way to say that there is none.
        self.epoch_deadline_time_in_ms = deadline if deadline > now else now + LONGEST_TIME
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)

    def read_json(self, headers):
        """Fills in what comes as JSON, and may not be JSON."""
        if identity := parse(headers, "Cognito Identity"):
            self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
            self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        if client_context := parse(headers, "Client Context"):
            custom, env, client = (client_context.get(name) for name in ("custom", "env", "client"))
            if client is not None:
                client = SimpleNamespace(**{name: client.get(name) for name in CLIENT})
            self.client_context = SimpleNamespace(custom=custom, env=env, client=client)

    def get_remaining_time_in_millis(self):
        return max(0, self.epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return f"Context({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def parse(headers, name):
    """The object in a header, if there is one."""
    text = headers.get("lambda-runtime-" + name.lower().replace(" ", "-"))
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from None


current = SimpleNamespace(aws_request_id="", tenant_id=None)  # the context of the event at hand, for the log


# --- The handler ----------------------------------------------------------------------------------------------------


def load(file, name):
    """Imports FILE under its name from the task root, `pkg/mod.py` as `pkg.mod`, and finds the function in it."""
    root = TASK_ROOT if file.startswith(os.path.join(TASK_ROOT, "")) else os.path.dirname(file)
    # -c has put "", the working folder, where AWS's runtime has the task root.
    sys.path[:] = [root, *(path for path in sys.path if path), *OFFICIAL_LAYERS]
    module = os.path.relpath(file, root).removesuffix(".py")
    if module in sys.builtin_module_names:
        message = f"Cannot use built-in module {module} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        function = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module}': {error}"
        raise Fault("Runtime.ImportModuleError", message, describe(error)[2]) from None
    except SyntaxError as error:
        line = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", [line]) from None
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    return function


def call(handler, headers, body):
    """Calls the handler for one event."""
    global current
    context = current = Context(headers)
    context.read_json(headers)
    if trace_id := headers.get("lambda-runtime-trace-id"):
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    event = body
    if headers.get("content-type", "application/json").startswith("application/json"):
        try:
            event = json.loads(body)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
    return handler(event, context)


# --- SnapStart ------------------------------------------------------------------------------------------------------


def has_hooks():
    """Whether the user's code has registered something with snapshot_restore_py, AWS's library for it."""
    library = sys.modules.get("snapshot_restore_py")
    return bool(library and (library.get_before_snapshot() or library.get_after_restore()))


def call_hooks(moment):
    """Calls what was registered: before the snapshot the last one first, after the restore the first one first."""
    library = sys.modules["snapshot_restore_py"]
    if moment == "before-snapshot":
        hooks = library.get_before_snapshot()
        while hooks:  # one may register others
            function, args, kwargs = hooks.pop()
            function(*args, **kwargs)
    else:
        for function, args, kwargs in library.get_after_restore():
            function(*args, **kwargs)


# --- Results --------------------------------------------------------------------------------------------------------


class Encoder(json.JSONEncoder):
    """Makes of a result the JSON that AWS's runtime makes of it: Decimals are numbers, bytes are text."""

    MARK = os.urandom(8).hex()  # stands around numbers that must lose the quotes of a string

    def default(self, value):
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            return f"{self.MARK}{'NaN' if value.is_nan() else value}{self.MARK}"
        if isinstance(value, bytes):
            return value.decode()
        if hasattr(value, "_asdict"):
            return value._asdict()
        return super().default(value)

    def encode(self, value):
        text = super().encode(plain(value))
        if "decimal" in sys.modules:
            text = text.replace(f'"{self.MARK}', "").replace(f'{self.MARK}"', "")
        # Half of a surrogate pair cannot be UTF-8, but its escape is JSON.
        return text.encode("utf-8", "backslashreplace")


def plain(value):
    """The value with its named tuples as dicts: AWS's runtime makes objects of them, json would make arrays."""
    if isinstance(value, dict):
        return {key: plain(item) if isinstance(item, (dict, list, tuple)) else item for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [plain(item) if isinstance(item, (dict, list, tuple)) else item for item in value]
    return value


encode = Encoder(ensure_ascii=False).encode


def describe(error):
    """The type of an error, its message, and the stack trace from the user's own code on."""
    if isinstance(error, Fault):
        return error.kind, str(error), error.stack
    import traceback  # only now, for it takes a while

    trace = error.__traceback__
    while trace and (trace.tb_frame.f_globals is globals() or "importlib" in trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return type(error).__name__, str(error), traceback.format_list(traceback.extract_tb(trace))


def error_object(kind, message, stack):
    return encode({"errorMessage": message, "errorType": kind, "stackTrace": stack})


# --- Messages -------------------------------------------------------------------------------------------------------


def messages(pipe):
    """The headers, with names in lower case, and the body of each message, up to the end of the pipe."""
    while True:
        headers = {}
        for line in pipe:
            if not line.strip():
                break
            name, _, value = line.decode("utf-8", "replace").partition(":")
            headers[name.strip().lower()] = value.strip()
        else:
            return
        yield headers, pipe.read(int(headers["content-length"]))


class Answers:
    """Where the answers go: what was stdout."""

    def __init__(self, pipe):
        self.pipe = pipe

    def write(self, data):
        # What was printed belongs in front of the answer, even if its line has no end.
        for stream in sys.stdout, sys.stderr:
            try:
                stream.flush()
            except (AttributeError, ValueError):
                pass  # the user's code has replaced or closed it
        self.pipe.write(data)
        self.pipe.flush()

    def response(self, result):
        if isinstance(result, GeneratorType):
            return self.stream(result)
        if isinstance(result, bytes):
            content_type, body = "application/octet-stream", result
        else:
            try:
                content_type, body = "application/json", encode(result)
            except Exception as error:
                raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None
        self.write(f"Content-Type: {content_type}\nContent-Length: {len(body)}\n\n".encode() + body)

    def error(self, error):
        kind, message, stack = describe(error)
        body = error_object(kind, message, stack)
        head = f"Lambda-Runtime-Function-Error-Type: {kind}\nContent-Length: {len(body)}\n\n"
        self.write(head.encode() + body)

    def stream(self, parts):
        """Text or bytes, part by part; a dict as the first one is an HTTP response's status, headers and cookies."""
        first = next(parts, b"")  # what fails up to here is an ordinary error
        content_type = "application/octet-stream"
        if isinstance(first, dict):
            content_type = "application/vnd.awslambda.http-integration-response"
            first = encode({"statusCode": 200, "headers": {}, "cookies": [], **first})
        head = "Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n"
        self.write(f"{head}Content-Type: {content_type}\n\n".encode())
        end = b"0\r\n\r\n"
        try:
            self.chunk(first)
            if "http-integration" in content_type:
                self.chunk(bytes(8))
            for part in parts:
                self.chunk(part)
        except Exception as error:
            kind, message, stack = describe(error)
            body = error_object(kind, message[:8000], stack)
            name = "Lambda-Runtime-Function-Error"
            end = f"0\r\n{name}-Type: {kind}\r\n{name}-Body: ".encode() + body + b"\r\n\r\n"
        self.write(end)

    def chunk(self, part):
        data = part.encode() if isinstance(part, str) else part
        if not isinstance(data, bytes):
            raise TypeError(f"a stream is made of str or bytes, not {type(part).__name__}")
        if data:  # an empty chunk would be the end
            self.write(b"%x\r\n%b\r\n" % (len(data), data))


# --- The log --------------------------------------------------------------------------------------------------------


class LoggingFinder:
    """Sets `logging` up as AWS's runtime does, but only when somebody imports it: that takes longer than all else here."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in sys.meta_path)))
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            set_up_logging(module)

        spec.loader.exec_module = exec_module
        return spec


def set_up_logging(logging):
    class TheEventAtHand(logging.Filter):
        def filter(self, record):
            record.aws_request_id, record.tenant_id = current.aws_request_id, current.tenant_id
            return True

    class JsonFormatter(logging.Formatter):
        known = {*vars(logging.makeLogRecord({})), "aws_request_id", "tenant_id", "message", "asctime"}

        def format(self, record):
            kind, error, trace = record.exc_info or (None, None, None)
            is_object = isinstance(record.msg, dict) and not record.args
            line = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.msg if is_object else record.getMessage(),
                "logger": record.name,
                "requestId": record.aws_request_id,
                "tenantId": record.tenant_id,
            }
            if kind:
                import traceback

                location = f"{record.pathname}:{record.funcName}:{record.lineno}"
                line |= {"stackTrace": traceback.format_tb(trace), "errorType": kind.__name__}
                line |= {"errorMessage": str(error), "location": location}
            extra = {name: value for name, value in vars(record).items() if name not in self.known}
            line = {name: value for name, value in {**extra, **line}.items() if value is not None}
            return json.dumps(line, ensure_ascii=False, default=str)

    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        handler.setFormatter(JsonFormatter())
    else:
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(TheEventAtHand())
    logging.getLogger().addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = getattr(logging, "DEBUG" if level == "TRACE" else level, None) if level else None
    if isinstance(level, int):
        logging.getLogger().setLevel(level)


# --- The process ----------------------------------------------------------------------------------------------------


def take_pipes():
    """Keeps stdin and stdout for messages; the user's code has an empty stdin, and the log as its stdout."""
    events, answers = os.fdopen(os.dup(0), "rb", 1 << 16), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=False)
    sys.stderr.reconfigure(encoding="utf-8")
    return events, Answers(answers)


def main(file, name):
    events, answers = take_pipes()
    sys.meta_path.insert(0, LoggingFinder)
    try:
        handler = load(file, name)
    except Exception as error:
        answers.write(error_object(*describe(error)))
        os._exit(1)  # at once: the user's threads may go on for ever
    answers.write(b"lambda-stdio/1 ready snapstart\n" if has_hooks() else b"lambda-stdio/1 ready\n")
    for headers, body in messages(events):
        try:
            if moment := headers.get("lambda-stdio-event"):
                call_hooks(moment)
                answers.write(b"Content-Length: 0\n\n")
            else:
                answers.response(call(handler, headers, body))
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # asyncio.CancelledError is no Exception
            answers.error(error)


main(*sys.argv[1:])
