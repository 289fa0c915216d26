"""JSON, to the byte as AWS's runtime has it, and as fast: its own is made by simplejson, which nobody has to bring along.

What json does otherwise is put right here: named tuples are objects, not arrays; bytes are text, as keys, too; and Decimals
are numbers.
"""

MARK = os.urandom(8).hex()  # stands around numbers that must lose the quotes of a string
ATOMS = frozenset((str, int, float, bool, type(None)))
KEYS = frozenset((str,))
CONTAINERS = dict, list, tuple
PLAIN = frozenset(CONTAINERS)


class Decoder(json.JSONDecoder):
    # Taken now: the user's code may put something else in the place of json's functions.
    decode, raw_decode = json.JSONDecoder.decode, json.JSONDecoder.raw_decode


class PlainEncoder(json.JSONEncoder):
    encode, iterencode = json.JSONEncoder.encode, json.JSONEncoder.iterencode


decode_json = Decoder().decode
encode_ascii = PlainEncoder().encode


def plain(value, above):
    """The value with its named tuples as dicts, and bytes as text. `above` has the ids of those that it is in."""
    if type(value) in ATOMS:
        return value
    if type(value) not in CONTAINERS:
        as_dict = getattr(value, "_asdict", None)
        if callable(as_dict):
            value = as_dict()
            if not isinstance(value, dict):
                raise TypeError("_asdict() must return a dict, not " + type(value).__name__)
            if KEYS.issuperset(map(type, value)) and ATOMS.issuperset(map(type, value.values())):
                return value
        elif isinstance(value, bytes):
            return value.decode()
        elif not isinstance(value, CONTAINERS):
            return value
    if id(value) in above:
        raise ValueError("Circular reference detected")
    above.add(id(value))
    # No comprehensions: as much as AWS's runtime can nest must fit on the stack.
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            if isinstance(key, bytes):
                key = key.decode()
            elif not isinstance(key, (str, int, float, type(None))):
                raise TypeError("keys must be str, int, float, bool or None, not " + type(key).__name__)
            result[key] = item if type(item) in ATOMS else plain(item, above)
    else:
        result = []
        for item in value:
            result.append(item if type(item) in ATOMS else plain(item, above))
    above.discard(id(value))
    return result


def has_named_tuples(value):
    """Whether there may be some in it. It costs a tenth of what the encoding does: most answers have none, and are left as
    they are."""
    if type(value) in ATOMS:
        return False
    level, left, marshaled = [value], 4000000, False
    while level:
        kinds = set(map(type, level)) - PLAIN
        if any(issubclass(kind, CONTAINERS) and hasattr(kind, "_asdict") for kind in kinds):
            return True
        if kinds:
            level = [item for item in level if isinstance(item, CONTAINERS)]
        size = sum(map(len, level))
        if size > 1000 and not marshaled:
            marshaled = True  # of much, marshal is faster: it takes nothing but what Python has built in
            try:
                marshal.dumps(value)
                return False
            except ValueError:
                pass
        left -= size + 1000
        if left < 0:
            return True
        level = list(filter(gc.is_tracked, gc.get_referents(*level)))
    return False


class Encoder(PlainEncoder):
    def __init__(self):
        # From Python 3.12 on AWS's runtime leaves characters as they are.
        name, _, minor = os.environ.get("AWS_EXECUTION_ENV", "").partition(".")
        raw = name == "AWS_Lambda_python3" and minor.isdigit() and int(minor) >= 12
        super().__init__(ensure_ascii=not raw)
        self.marked = False

    def default(self, value):
        if isinstance(value, getattr(sys.modules.get("decimal"), "Decimal", ())):
            if value.is_nan():
                return float("nan")
            self.marked = True
            return MARK + str(value) + MARK
        if isinstance(value, bytes) or callable(getattr(value, "_asdict", None)):
            return plain(value, set())
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    def encode(self, value):
        self.marked = False
        try:
            text = super().encode(plain(value, set()) if has_named_tuples(value) else value)
        except TypeError:
            text = super().encode(plain(value, set()))  # if it was for bytes that are a key
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
