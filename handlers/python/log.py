"""`logging` as AWS's runtime sets it up. This part is run when somebody imports it, or has before."""


class LambdaLoggerHandler(logging.Handler):
    """Datadog's and others' libraries know it by this name, and give it another formatter."""

    def __init__(self, log_sink):
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record):
        self.log_sink.log(self.format(record))


class LambdaLoggerHandlerWithFrameType(LambdaLoggerHandler):
    """The name that it has where a level is set, or JSON."""


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = _GLOBAL_AWS_REQUEST_ID or ""
        record.tenant_id = _GLOBAL_TENANT_ID
        return True


class JsonFormatter(logging.Formatter):
    KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "tenant_id", "_frame_type", "taskName"}

    def __init__(self):
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")

    def format(self, record):
        # A level between two of the usual ones counts as the lower one.
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        kind, error, trace = record.exc_info or (None, None, None)
        is_object = isinstance(record.msg, dict) and not record.args
        line = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if is_object else record.getMessage(),
            "logger": record.name,
            "stackTrace": None,
            "errorType": None,
            "errorMessage": None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": None,
        }
        if record.exc_info:
            import traceback

            line["stackTrace"] = traceback.format_tb(trace)
            line["errorType"] = kind.__name__ if kind else None
            line["errorMessage"] = str(error)
            line["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        if getattr(record, "tenant_id", None) is not None:
            line["tenantId"] = record.tenant_id
        for name, value in vars(record).items():
            if name not in self.KNOWN:
                line.setdefault(name, value)
        line = {name: value for name, value in line.items() if value is not None}
        return encode_value(line, str, escape) + "\n"


def add_handler():
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    level = "DEBUG" if level == "TRACE" else level.upper()
    logging.Formatter.converter = time.gmtime
    handler = (LambdaLoggerHandlerWithFrameType if IN_JSON or level else LambdaLoggerHandler)(LOG_SINK)
    if IN_JSON:
        handler.setFormatter(JsonFormatter())
    else:
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    logging.getLogger().addHandler(handler)
    if level in logging._nameToLevel:
        logging.getLogger().setLevel(level)


add_handler()
