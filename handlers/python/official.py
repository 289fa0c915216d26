"""`awslambdaric`, AWS's own client, as far as functions import from it: its modules, with what there is of them here."""

from importlib.machinery import ModuleSpec
from types import ModuleType

later("client")

PARTS = {
    "lambda_context": [LambdaContext, CognitoIdentity, Client, ClientContext],
    "lambda_runtime_client": [LambdaRuntimeClient, InvocationRequest],
    "lambda_runtime_exception": [FaultException],
    "lambda_runtime_marshaller": [LambdaMarshaller, Encoder, to_json],
}


def official_spec():
    """The spec of the package, whose parts are there once it is."""
    package = ModuleType("awslambdaric")
    package.__path__ = []
    package.bootstrap = sys.modules["awslambdaric.bootstrap"] = sys.modules["__main__"]
    for name, things in PARTS.items():
        module = ModuleType("awslambdaric." + name)
        vars(module).update((thing.__name__, thing) for thing in things)
        setattr(package, name, module)
        sys.modules[module.__name__] = module

    class Loader:
        @staticmethod
        def create_module(spec):
            return package

        @staticmethod
        def exec_module(module):
            pass

    return ModuleSpec("awslambdaric", Loader, is_package=True)
