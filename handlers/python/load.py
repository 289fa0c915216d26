"""The function: where its module is looked for, in AWS's order, and how it is imported."""

HANDLER = os.environ.get("_HANDLER", "")


class StandardFirst:
    """Finds in the standard library what AWS's runtime has imported before any function, whatever the user's files are
    called. And sets `logging` up when somebody imports it: that takes longer than all else here."""

    NAMES = frozenset(
        "_colorize _compat_pickle _weakrefset collections contextlib copyreg decimal enum functools heapq importlib json keyword"
        " linecache logging numbers operator re reprlib sre_compile sre_constants sre_parse string textwrap threading token"
        " tokenize traceback types warnings weakref".split()
    )

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if path is not None or name not in cls.NAMES:
            return None
        spec = PathFinder.find_spec(name, STANDARD)
        if name == "logging" and spec:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                set_up_logging(module)

            spec.loader.exec_module = exec_module
        return spec


def set_up_logging(module):
    globals()["logging"] = module
    later("log")


class Official:
    """Finds `awslambdaric` where it is not installed: functions take types and the client's class from it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "awslambdaric":
            return None
        later("official")
        return official_spec()


def set_path(root):
    """AWS's order: the task root, the layers, then all else; and the .pth files of the former."""
    chosen = "PYTHONPATH" in os.environ  # whoever sets it says where layers come
    own = [root] if chosen else [root] + LAYERS
    behind = [path for path in PATH if path not in own]
    sys.path[:] = own + behind + [path for path in LAYERS if path not in own + behind]
    for folder in own:
        try:
            has_any = any(name.endswith(".pth") for name in os.listdir(folder))
        except OSError:
            continue
        if has_any:
            site.addsitedir(folder)


def without_ending(file):
    """`pkg/mod` of pkg/mod.py, pkg/mod.pyc and pkg/mod/__init__.py."""
    stem, ending = os.path.splitext(file)
    stem = os.path.normpath(stem if ending in (".py", ".pyc") else file)
    folder, name = os.path.split(stem)
    return folder if name == "__init__" else stem


def module_and_function(file, name):
    """What to import, from which folder, and what to look for in it. bootstrap has found the file by `_HANDLER`; if somebody
    has changed that since, as wrappers of agents do, then it is followed."""
    stem = without_ending(file)
    words = HANDLER[: -len(name) - 1] if HANDLER.endswith("." + name) else None
    if words is not None and os.path.isfile(file):
        path = os.path.normpath(words)
        spellings = [path, path.replace(".", "/")]
        if any(stem == os.path.join(TASK_ROOT, path) or stem.endswith("/" + path) for path in spellings):
            for root in [TASK_ROOT] + LAYERS + PATH:
                if stem.startswith(os.path.join(root, "")):
                    return TASK_ROOT, words, os.path.relpath(stem, root), name
            return os.path.dirname(stem), words, os.path.basename(stem), name
    words, dot, name = HANDLER.rpartition(".")
    if not dot:
        message = "Bad handler '%s': it is no MODULE.FUNCTION" % HANDLER
        raise FaultException(FaultException.MALFORMED_HANDLER_NAME, message)
    return TASK_ROOT, words, words, name


def load(file, name):
    """Imports the module and finds the function in it."""
    root, words, module, name = module_and_function(file, name)
    set_path(root)
    if module.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % words
        raise FaultException(FaultException.BUILT_IN_MODULE_CONFLICT, message)
    if "bootstrap" not in sys.modules and not PathFinder.find_spec("bootstrap"):
        sys.modules["bootstrap"] = sys.modules["__main__"]  # unless the user has one
    module = module.strip("/").replace("/", ".")
    is_python = module in sys.modules or module in StandardFirst.NAMES
    try:
        __import__(module)
        function = sys.modules[module]
    except ImportError as error:
        later("errors")
        message = "Unable to import module '%s': %s" % (words, error)
        raise FaultException(FaultException.IMPORT_MODULE_ERROR, message, format_frames(frames_of(error))) from None
    except SyntaxError as error:
        line = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        message = "Syntax error in module '%s': %s" % (words, error)
        raise FaultException(FaultException.USER_CODE_SYNTAX_ERROR, message, [line]) from None
    theirs = getattr(function, "__file__", None) if is_python else None
    if theirs and os.path.isfile(file) and os.path.realpath(theirs) != os.path.realpath(file):
        message = "Unable to import module '%s': Python has a module of this name itself (%s), so name the file otherwise"
        raise FaultException(FaultException.IMPORT_MODULE_ERROR, message % (words, theirs))
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        message = "Handler '%s' missing on module '%s'" % (name, words)
        raise FaultException(FaultException.HANDLER_NOT_FOUND, message)
    return function
