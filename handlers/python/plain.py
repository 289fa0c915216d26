"""What JSON is made of, where json itself would make something else of it. This part is run at the first answer that has more
in it than Python has built in."""

from itertools import chain

KEYS = frozenset((str,))
ROWS = frozenset((dict,))
CONTAINERS = dict, list, tuple
PLAIN = frozenset(CONTAINERS)


def rows_of(value):
    """A list, with its items as dicts where all are named tuples of one kind: rows of a table, mostly, and worth the trouble of
    doing without a call for each. And whether nothing is left to be done."""
    kinds = set(map(type, value))
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None or not issubclass(kind, tuple) or not callable(getattr(kind, "_asdict", None)):
        return value, False
    rows = [item._asdict() for item in value]
    if not ROWS.issuperset(map(type, rows)):
        return value, False
    items = map(type, chain.from_iterable(map(dict.values, rows)))
    return rows, ATOMS.issuperset(items) and KEYS.issuperset(map(type, set().union(*rows)))


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
        value, is_done = rows_of(value)
        result = value if is_done else []
        for item in () if is_done else value:
            result.append(item if type(item) in ATOMS else plain(item, above))
    above.discard(id(value))
    return result


def has_named_tuples(value):
    """Whether there may be some in it. It costs a tenth of what the encoding does."""
    level, left = [value], 4000000
    while level:
        kinds = set(map(type, level)) - PLAIN
        if any(issubclass(kind, CONTAINERS) and hasattr(kind, "_asdict") for kind in kinds):
            return True
        if kinds:
            level = [item for item in level if isinstance(item, CONTAINERS)]
        left -= len(level) + 1000
        if left < 0:
            return True  # nobody knows
        level = list(filter(gc.is_tracked, gc.get_referents(*level)))
    return False
