"""The context, a handler's second argument: the attributes, methods and names that AWS's runtime gives it."""


SETTINGS = [b"AWS_LAMBDA_" + name for name in (b"LOG_GROUP_NAME", b"LOG_STREAM_NAME", b"FUNCTION_NAME")]
SETTINGS += [b"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", b"AWS_LAMBDA_FUNCTION_VERSION"]
settings_seen = None, ()


def settings():
    """What the environment says of the function: now, for the user's code may have set it. os.environ takes a microsecond for
    each, so it is asked only where what is below it has changed."""
    global settings_seen
    below = getattr(os.environ, "_data", None)
    raw = [below.get(name) for name in SETTINGS] if below else None
    if raw is None or raw != settings_seen[0]:
        settings_seen = raw, [os.environ.get(name.decode()) for name in SETTINGS]
    return settings_seen[1]


def shown(value, names):
    return "%s([%s])" % (type(value).__name__, ",".join("%s=%s" % (name, getattr(value, name)) for name in names))


class CognitoIdentity:
    __module__ = "awslambdaric.lambda_context"
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __repr__(self):
        return shown(self, self.__slots__)


class LambdaContext:
    __module__ = "awslambdaric.lambda_context"

    def __init__(
        self,
        invoke_id,
        client_context,
        cognito_identity,
        epoch_deadline_time_in_ms,
        invoked_function_arn=None,
        tenant_id=None,
    ):
        self.aws_request_id = invoke_id
        (
            self.log_group_name,
            self.log_stream_name,
            self.function_name,
            self.memory_limit_in_mb,
            self.function_version,
        ) = settings()
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = tenant_id
        self._w3c_fields = {}
        self.client_context = None
        if client_context is not None:
            later("client")
            fill_client_context(self, client_context)
        identity = cognito_identity or {}
        self.identity = CognitoIdentity()
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = epoch_deadline_time_in_ms
        if not ON_LAMBDA:
            self._look_like_lambda()

    def _look_like_lambda(self):
        """On a shell nobody has said these things; code that splits them finds what it looks for."""
        name = self.function_name = self.function_name or HANDLER.replace("/", ".").split(".")[0] or "function"
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        arn = "arn:aws:lambda:%s:123456789012:function:%s" % (region, name)
        self.function_version = self.function_version or "$LATEST"
        self.memory_limit_in_mb = self.memory_limit_in_mb or "128"
        self.invoked_function_arn = self.invoked_function_arn or arn
        self.log_group_name = self.log_group_name or "/aws/lambda/" + name
        self.log_stream_name = self.log_stream_name or "2026/01/01/[$LATEST]" + "0" * 32

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        """The trace context of the W3C that the event came with."""
        return dict(self._w3c_fields)

    def log(self, msg):
        for handler in logging.getLogger().handlers if "logging" in globals() else ():
            if hasattr(handler, "log_sink"):
                return handler.log_sink.log(str(msg))
        sys.stdout.write(str(msg))

    def __repr__(self):
        return shown(
            self,
            [
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            ],
        )


def parse_json_header(header, name):
    try:
        return decode_json(header)
    except Exception as error:
        message = "Unable to parse %s JSON: %s" % (name, error)
        raise FaultException(FaultException.LAMBDA_CONTEXT_UNMARSHAL_ERROR, message)


def create_lambda_context(
    client_context_json,
    cognito_identity_json,
    epoch_deadline_time_in_ms,
    invoke_id,
    invoked_function_arn,
    tenant_id,
):
    client_context = parse_json_header(client_context_json, "Client Context") if client_context_json else None
    identity = parse_json_header(cognito_identity_json, "Cognito Identity") if cognito_identity_json else None
    return LambdaContext(
        invoke_id, client_context, identity, epoch_deadline_time_in_ms, invoked_function_arn, tenant_id
    )
