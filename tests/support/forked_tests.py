"""Runs pytest again and again, each time in a fork of one process that has imported what all of them need.

That is half of the time of a small test. Nothing of ours is imported before the fork, so each run may have another
version of it: a request is a line of JSON with the folder that comes first on the path, the arguments of pytest and
the file for what it prints; the answer is a line with its exit status.
"""

import importlib
import json
import os
import sys
from typing import Any

_NEEDED = (
    *("pytest", "hypothesis", "cryptography.x509", "cryptography.hazmat.primitives.asymmetric.ec", "structlog"),
    *("grpc", "numpy", "PIL.Image", "sqlalchemy.dialects.postgresql", "psycopg2", "httpx", "pydantic"),
    *("flask_openapi3", "http_message_signatures"),
)
"""None of these starts a thread when it is imported, which a fork would lose."""


def main() -> None:
    """Answer requests until there are no more."""
    # As in tests/fixtures/forking.py, before gRPC is imported.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
    for name in _NEEDED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(request: dict[str, Any]) -> None:
    """Become the run of pytest that is asked for, and end with it."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream, number in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(stream, number)
    if request["python_path"]:
        # The second for programs that the tests start.
        sys.path.insert(0, request["python_path"])
        os.environ["PYTHONPATH"] = request["python_path"]
    sys.exit(importlib.import_module("pytest").main(request["arguments"]))


if __name__ == "__main__":
    main()
