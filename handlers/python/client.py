"""The client context, which mobile SDKs and few others send. This part is run at the first event that has one."""


def with_slots(kind, values):
    """An object of this kind, filled from a dict. None is none."""
    if values is None:
        return None
    result = kind()
    for name in kind.__slots__:
        setattr(result, name, values.get(name))
    return result


class Client:
    __module__ = "awslambdaric.lambda_context"
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __repr__(self):
        return shown(self, self.__slots__)


class ClientContext:
    __module__ = "awslambdaric.lambda_context"
    __slots__ = ["custom", "env", "client"]

    def __repr__(self):
        return shown(self, self.__slots__)


def fill_client_context(context, values):
    trace = values.pop("w3c", None) if isinstance(values, dict) else None
    fields = trace if isinstance(trace, dict) else {}
    names = "traceparent", "tracestate", "baggage"
    context._w3c_fields = {name: fields[name] for name in names if isinstance(fields.get(name), str)}
    context.client_context = with_slots(ClientContext, values)
    context.client_context.client = with_slots(Client, context.client_context.client)
