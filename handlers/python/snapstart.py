"""SnapStart: the hooks that functions have registered with AWS's library for it. This part is run at the first one."""


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


def hear_of(client, moment):
    try:
        call_hooks(moment)
        client.write(b"Content-Length: 0\n\n")
    except Exception as error:
        later("errors")
        client.post_invocation_error(None, to_json(build_fault_result(error)), "")
