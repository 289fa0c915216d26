"""JSON, to the byte as AWS's runtime has it, and as fast: its own is made by simplejson, which nobody has to bring along.

What json does otherwise is put right here: named tuples are objects, not arrays; bytes are text, as keys, too; and Decimals
are numbers.

Where this Python has them, the functions in C are called that json itself calls: the package around them, with the regular
expressions that it takes, is a quarter of the start-up, and not every function imports it. And they are taken now: the user's code
may put something else in the place of json's functions.
"""

MARK = os.urandom(8).hex()  # stands around numbers that must lose the quotes of a string
ATOMS = frozenset((str, int, float, bool, type(None)))


WHITE = " \t\n\r"


class Settings:
    """json's own, for its scanner."""

    strict, object_hook, object_pairs_hook, parse_float, parse_int = True, None, None, float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}.get


def decode_json(text):
    start = len(text) - len(text.lstrip(WHITE))
    try:
        value, end = scan(text, start)
        if end == len(text) or not text[end:].strip(WHITE):
            return value
        problem, place = "Extra data", end + len(text[end:]) - len(text[end:].lstrip(WHITE))
    except StopIteration as stop:
        problem, place = "Expecting value", stop.value
    from json import JSONDecodeError

    raise JSONDecodeError(problem, text, place)


def encode_value(value, default, escape):
    """The JSON of a value. `escape` does so with a text, and puts it between quotes."""
    if isinstance(value, str):
        return escape(value)
    return "".join(make_encoder({}, default, escape, None, ": ", ", ", False, False, True)(value, 0))


try:
    from _json import encode_basestring as escape
    from _json import encode_basestring_ascii as escape_to_ascii
    from _json import make_encoder, make_scanner

    scan = make_scanner(Settings)
    encode_value(decode_json("[1.5]"), None, escape)
except Exception:  # they are json's private affair
    import json
    from json.encoder import encode_basestring as escape
    from json.encoder import encode_basestring_ascii as escape_to_ascii

    decode_json = json.JSONDecoder().decode

    def encode_value(value, default, escape):
        return json.JSONEncoder(ensure_ascii=escape is escape_to_ascii, default=default).encode(value)


def encode_ascii(value):
    return encode_value(value, None, escape_to_ascii)


def check_plain(value):
    """Raises ValueError where there may be something in it that Python has not built in: marshal takes nothing else, and most
    answers pass. Long texts, mostly bodies of responses, need no look."""
    if type(value) is dict and len(value) < 100:
        for item in value.values():
            if type(item) not in ATOMS:
                marshal.dumps(item)
    elif type(value) not in ATOMS:
        marshal.dumps(value)


class Encoder:
    def __init__(self):
        # From Python 3.12 on AWS's runtime leaves characters as they are.
        name, _, minor = os.environ.get("AWS_EXECUTION_ENV", "").partition(".")
        raw = name == "AWS_Lambda_python3" and minor.isdigit() and int(minor) >= 12
        self.escape = escape if raw else escape_to_ascii
        self.marked = False

    def default(self, value):
        if isinstance(value, getattr(sys.modules.get("decimal"), "Decimal", ())):
            if value.is_nan():
                return float("nan")
            self.marked = True
            return MARK + str(value) + MARK
        if isinstance(value, bytes) or callable(getattr(value, "_asdict", None)):
            later("plain")
            return plain(value, set())
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    def _encode(self, value):
        try:
            check_plain(value)
        except ValueError:
            later("plain")
            value = plain(value, set()) if has_named_tuples(value) else value
        try:
            return encode_value(value, self.default, self.escape)
        except TypeError:
            later("plain")
            return encode_value(plain(value, set()), self.default, self.escape)  # if it was for bytes that are a key

    def encode(self, value):
        self.marked = False
        try:
            text = self._encode(value)
        except RecursionError:  # as json words it, wherever it was
            raise RecursionError("maximum recursion depth exceeded while encoding a JSON object") from None
        if self.marked:
            text = text.replace('"' + MARK, "").replace(MARK + '"', "")
        return text


def to_json(value):
    return Encoder().encode(value)


def to_bytes(text):
    # Half of a surrogate pair cannot be UTF-8, but its escape is JSON.
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")


class LambdaMarshaller:
    """What events and answers go through. A function may set another one: `LambdaRuntimeClient.marshaller`."""

    def __init__(self):
        self.jsonEncoder = Encoder()

    def unmarshal_request(self, request, content_type="application/json"):
        if not (content_type or "application/json").startswith("application/json"):
            return request
        try:
            text = str(request, "utf-8") if isinstance(request, bytes) else request
            return decode_json(text[1:] if text.startswith("\ufeff") else text)
        except Exception as error:
            raise FaultException(FaultException.UNMARSHAL_ERROR, "Unable to unmarshal input: %s" % error)

    def marshal_response(self, response):
        if isinstance(response, bytes):
            return response, "application/unknown"
        try:
            return self.jsonEncoder.encode(response), "application/json"
        except Exception as error:
            raise FaultException(FaultException.MARSHAL_ERROR, "Unable to marshal response: %s" % error)
