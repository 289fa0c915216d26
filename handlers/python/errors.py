"""Errors as callers and X-Ray are told of them; this part is run at the first one. The frames are written down here and not
by Python's traceback, which takes longer to import than all else."""


def make_error(error_message, error_type, stack_trace, invoke_id=None):
    return {
        "errorMessage": error_message or "",
        "errorType": error_type or "",
        "requestId": invoke_id if invoke_id is not None else "",
        "stackTrace": stack_trace or [],
    }


def message_of(error):
    try:
        return str(error)
    except Exception:
        return "<the error's own __str__ failed>"


def coding_of(lines):
    """The character set that one of these lines, the first two of a file, names in a comment."""
    if any(b"coding" in line for line in lines):
        import re  # which takes longer to import than all else here

        named = re.search(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", b"\n".join(lines), re.M)
        if named:
            return named.group(1).decode()
    return "utf-8"


def source_line(frame, line, files):
    """The text of a line, without the white space around it. `files` has those that were read."""
    name = frame.f_code.co_filename
    if name not in files:
        files[name] = []
        try:
            loader = frame.f_globals.get("__loader__")
            if os.path.isfile(name):
                with open(name, "rb") as file:
                    source = file.read()
                source = source.decode(coding_of(source.split(b"\n", 2)[:2]), "replace")
            elif hasattr(loader, "get_source") and not name.startswith("<"):
                source = loader.get_source(frame.f_globals["__name__"]) or ""  # one that comes out of a zip
            else:  # one that was made by a library, and told to linecache
                source = "".join(sys.modules["linecache"].cache[name][2])
            files[name] = source.splitlines()
        except Exception:
            pass
    lines = files[name]
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def frames_of(error):
    """File, line, function and text of each frame from the user's own code on: without the adapter's, and the importing."""
    trace, frames, files = error.__traceback__, [], {}
    importing = "<frozen importlib", getattr(sys.modules.get("importlib"), "__file__", "<frozen importlib")

    def is_importing(frame):
        return frame.f_code.co_filename.startswith(importing)

    while trace and (trace.tb_frame.f_globals is globals() or is_importing(trace.tb_frame)):
        trace = trace.tb_next
    while trace:
        frame, line = trace.tb_frame, trace.tb_lineno or 0
        code = frame.f_code
        if not is_importing(frame):
            frames.append((code.co_filename, line, code.co_name, source_line(frame, line, files)))
        trace = trace.tb_next
    return frames


def format_frames(frames):
    """The frames as Python writes them: of one that is there again and again, three."""
    lines, last, count = [], None, 0

    def say_how_often():
        if count > 3:
            more = count - 3
            lines.append("  [Previous line repeated %d more time%s]\n" % (more, "s" if more > 1 else ""))

    for frame in frames:
        if frame[:3] != last:
            say_how_often()
            last, count = frame[:3], 0
        count += 1
        if count <= 3:
            text = "    %s\n" % frame[3] if frame[3] else ""
            lines.append('  File "%s", line %d, in %s\n%s' % (frame[:3] + (text,)))
    say_how_often()
    return lines


def build_fault_result(error, message=None):
    return make_error(message or message_of(error), type(error).__name__, format_frames(frames_of(error)))


def make_xray_fault(kind, message, folder, frames):
    """What X-Ray is told. It becomes a header, so it is kept short: of many frames the last ones."""
    frames = frames[-60:]
    return {
        "working_directory": folder,
        "exceptions": [
            {
                "message": message[:1000],
                "type": kind,
                "stack": [{"label": label[:200], "path": path[-300:], "line": line} for path, line, label, _ in frames],
            }
        ],
        "paths": list(dict.fromkeys(path[-300:] for path, _, _, _ in frames)),
    }


def working_folder():
    try:
        return os.getcwd()
    except OSError:
        return ""


def error_headers(text):
    """The header with the error's type, of its JSON. A class may have any name, a line feed in it, too."""
    kind = str(decode_json(text).get("errorType") or "Error")
    kind = "".join(letter if "!" <= letter <= "~" else "_" for letter in kind[:200])
    return {"Lambda-Runtime-Function-Error-Type": kind}


def end_after_init_error():
    """Ends as Python does, with what was registered for that; but not later than in a second, whatever threads there are."""
    import _thread

    def end():
        time.sleep(1)
        os._exit(1)

    _thread.start_new_thread(end, ())
    sys.exit(1)
