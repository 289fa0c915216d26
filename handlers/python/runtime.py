"""The runtime: events in, answers out. Its names, and their arguments, are those of AWS's own client: Sentry, Honeybadger and
others put something around `handle_event_request` and `LambdaRuntimeClient.post_…`, in the module `bootstrap`, which this is."""

_GLOBAL_AWS_REQUEST_ID = None
_GLOBAL_TENANT_ID = None
IN_JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


class FaultException(Exception):
    """An error that has one of the official names, and no stack of its own."""

    __module__ = "awslambdaric.lambda_runtime_exception"

    MARSHAL_ERROR = "Runtime.MarshalError"
    UNMARSHAL_ERROR = "Runtime.UnmarshalError"
    USER_CODE_SYNTAX_ERROR = "Runtime.UserCodeSyntaxError"
    HANDLER_NOT_FOUND = "Runtime.HandlerNotFound"
    IMPORT_MODULE_ERROR = "Runtime.ImportModuleError"
    BUILT_IN_MODULE_CONFLICT = "Runtime.BuiltInModuleConflict"
    MALFORMED_HANDLER_NAME = "Runtime.MalformedHandlerName"
    BEFORE_SNAPSHOT_ERROR = "Runtime.BeforeSnapshotError"
    AFTER_RESTORE_ERROR = "Runtime.AfterRestoreError"
    LAMBDA_CONTEXT_UNMARSHAL_ERROR = "Runtime.LambdaContextUnmarshalError"
    LAMBDA_RUNTIME_CLIENT_ERROR = "Runtime.LambdaRuntimeClientError"

    def __init__(self, exception_type, msg, trace=None):
        super().__init__(exception_type, msg, trace)
        self.msg = msg
        self.exception_type = exception_type
        self.trace = trace

    def __str__(self):
        return self.msg


class StandardLogSink:
    """Where the lines of `logging` go: to the log, a record in one piece."""

    def log(self, msg, frame_type=None):
        text, end = (msg[:-1], "\n") if msg.endswith("\n") else (msg, "")
        if ON_LAMBDA and not IN_JSON:
            text = text.replace("\r\n", "\r").replace("\n", "\r")  # one entry, which CloudWatch shows as lines
        data = memoryview((text + end).encode("utf-8", "backslashreplace"))
        while data:
            data = data[os.write(1, data) :]

    def log_error(self, message_lines):
        self.log("\n".join(message_lines) + "\n")


LOG_SINK = StandardLogSink()


class InvocationRequest:
    def __init__(self, **kwds):
        self.__dict__.update(kwds)


class LambdaRuntimeClient:
    """What bootstrap is spoken with."""

    marshaller = LambdaMarshaller()

    def __init__(self, lambda_runtime_address=None, use_thread_for_polling_next=False):
        self.lambda_runtime_address = lambda_runtime_address

    def wait_next_invocation(self):
        """The next message, or None at the end."""
        text = read_head().decode("utf-8", "replace")
        if not text:
            return None
        headers = {}
        # bootstrap writes the names as Lambda's documentation does: making them alike would take longer than all the rest.
        for line in text.split("\n"):
            name, _, value = line.partition(": ")
            headers[name] = value
        body = EVENTS.read(int(headers["Content-Length"]))
        get = headers.get
        now = int(time.time() * 1000)
        deadline = int(get("Lambda-Runtime-Deadline-Ms") or 0)
        return InvocationRequest(
            invoke_id=get("Lambda-Runtime-Aws-Request-Id"),
            x_amzn_trace_id=get("Lambda-Runtime-Trace-Id"),
            invoked_function_arn=get("Lambda-Runtime-Invoked-Function-Arn"),
            # A deadline in the past is an emulator's way to say that there is none.
            deadline_time_in_ms=deadline if deadline > now else now + LONGEST_TIME,
            client_context=get("Lambda-Runtime-Client-Context"),
            cognito_identity=get("Lambda-Runtime-Cognito-Identity"),
            tenant_id=get("Lambda-Runtime-Aws-Tenant-Id") or None,
            content_type=get("Content-Type", "application/json"),
            event_body=body,
            invocation_id=get("Lambda-Runtime-Invocation-Id"),
            moment=get("Lambda-Stdio-Event"),
        )

    def post_invocation_result(self, invoke_id, result_data, content_type="application/json", invocation_id=None):
        self.answer(invoke_id, invocation_id, {"Content-Type": content_type}, to_bytes(result_data))

    def post_invocation_error(self, invoke_id, error_response_data, xray_fault, invocation_id=None):
        later("errors")
        headers = error_headers(error_response_data)
        if xray_fault and len(xray_fault) < 32768 and xray_fault.isascii() and xray_fault.isprintable():
            headers["Lambda-Runtime-Function-XRay-Error-Cause"] = xray_fault
        self.answer(invoke_id, invocation_id, headers, to_bytes(error_response_data))

    def post_init_error(self, error_response_data, error_type_override=None):
        """All that is printed, before the end."""
        names = ("errorMessage", "errorType", "requestId", "stackTrace")
        shown = {name: error_response_data[name] for name in names if name in error_response_data}
        if error_type_override:
            shown["errorType"] = error_type_override
        self.write(b"\n", to_bytes(to_json(shown)))

    def answer(self, invoke_id, invocation_id, headers, body):
        headers["Content-Length"] = len(body)
        self.write(head(invoke_id, invocation_id, headers), body)

    def write(self, *pieces):
        if is_forked:
            os.write(2, b"a process that the handler forked returned from it: it ends here, and its answer is not sent\n")
            os._exit(1)
        # What was printed belongs in front of the answer, even if the user's code has put a buffer in between.
        for stream in sys.stdout, sys.stderr:
            try:
                stream.flush()
            except Exception:
                pass  # it has put away or closed it
        for piece in pieces:
            ANSWERS.write(piece)
        ANSWERS.flush()


def read_head():
    """The header lines of the next message, with the empty one behind them; nothing at the end. Nearly always all are there at
    once, and to take them as one is twice as fast."""
    there = EVENTS.peek()
    lines = there[: there.find(b"\n\n") + 2]
    if len(lines) > 2 and b"\r" not in lines:
        return EVENTS.read(len(lines))
    lines = []
    for line in EVENTS:
        lines.append(line)
        if not line.strip():
            return b"".join(lines)
    return b""


def head(invoke_id, invocation_id, headers):
    lines = ["%s: %s\n" % item for item in headers.items()]
    for name, value in ("Aws-Request-Id", invoke_id), ("Invocation-Id", invocation_id):
        if value:
            lines.append("Lambda-Runtime-%s: %s\n" % (name, value))
    return ("".join(lines) + "\n").encode()


def handle_event_request(
    lambda_runtime_client,
    request_handler,
    invoke_id,
    event_body,
    content_type,
    client_context_json,
    cognito_identity_json,
    invoked_function_arn,
    epoch_deadline_time_in_ms,
    tenant_id,
    log_sink,
    invocation_id=None,
):
    """Calls the handler for one event, and posts what comes of it. It lives on, whatever that is."""
    client = lambda_runtime_client
    try:
        context = create_lambda_context(
            client_context_json,
            cognito_identity_json,
            epoch_deadline_time_in_ms,
            invoke_id,
            invoked_function_arn,
            tenant_id,
        )
        event = client.marshaller.unmarshal_request(event_body, content_type)
        response = request_handler(event, context)
        if isinstance(response, GeneratorType):
            later("stream")
            return stream(client, invoke_id, invocation_id, response)
        result, result_content_type = client.marshaller.marshal_response(response)
    except FaultException as error:
        later("errors")
        xray = make_xray_fault("LambdaValidationError", error.msg, working_folder(), [])
        fault = make_error(error.msg, error.exception_type, error.trace, invoke_id)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # asyncio.CancelledError is no Exception
        later("errors")
        frames, message, kind = frames_of(error), message_of(error), type(error).__name__
        xray = make_xray_fault(kind, message, working_folder(), frames)
        fault = make_error(message, kind, format_frames(frames), invoke_id)
    else:
        return client.post_invocation_result(invoke_id, result, result_content_type, invocation_id)
    client.post_invocation_error(invoke_id, to_json(fault), encode_ascii(xray), invocation_id)


def has_hooks():
    """Whether the user's code has registered something with snapshot_restore_py, AWS's library for SnapStart."""
    library = sys.modules.get("snapshot_restore_py")
    return bool(library and (library.get_before_snapshot() or library.get_after_restore()))


def main(file, name):
    global _GLOBAL_AWS_REQUEST_ID, _GLOBAL_TENANT_ID
    module = sys.modules["__main__"]
    module.bootstrap = module.awslambdaricmain = module  # where libraries look for what they patch
    module.__file__ = os.devnull  # some ask for it; multiprocessing runs it in its children, where it does nothing
    sys.argv[:] = ["bootstrap"]
    sys.orig_argv = [sys.executable, "bootstrap"]  # not the source of all this
    sys.meta_path.insert(0, StandardFirst)
    sys.meta_path.append(Official)
    if "logging" in sys.modules:
        set_up_logging(sys.modules["logging"])
    client = LambdaRuntimeClient(os.environ.get("AWS_LAMBDA_RUNTIME_API"))
    failed = None
    try:
        handler = load(file, name)
    except FaultException as error:
        later("errors")
        failed = make_error(error.msg, error.exception_type, error.trace)
    except Exception as error:
        later("errors")
        failed = build_fault_result(error)
    if failed:
        client.post_init_error(failed)
        end_after_init_error()
    # Behind a line feed: what something printed before the adapter may have had none.
    client.write(b"\nlambda-stdio/1 ready snapstart\n" if has_hooks() else b"\nlambda-stdio/1 ready\n")
    while True:
        try:
            request = client.wait_next_invocation()
        except KeyboardInterrupt:  # somebody at a shell, between two events: nothing to tell
            sys.exit(130)
        if request is None:
            return
        if request.moment:
            later("snapstart")
            hear_of(client, request.moment)
            continue
        _GLOBAL_AWS_REQUEST_ID, _GLOBAL_TENANT_ID = request.invoke_id, request.tenant_id
        if request.x_amzn_trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = request.x_amzn_trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        handle_event_request(
            client,
            handler,
            request.invoke_id,
            request.event_body,
            request.content_type,
            request.client_context,
            request.cognito_identity,
            request.invoked_function_arn,
            request.deadline_time_in_ms,
            request.tenant_id,
            LOG_SINK,
            request.invocation_id,
        )


main(*sys.argv[1:])
