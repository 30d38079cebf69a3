"""Whether the gateway beside which this runs answers: `python -m countermark.gateway.healthcheck`.

For containers. It asks `/healthz` over TLS, by loopback, and takes the answer only from whoever has the key of the
gateway's certificate; status 0 if it answers, else 1 and a line. That the ledger or the database is away makes no
gateway unhealthy: to restart it would not help, and it has things to say meanwhile. For that there is `/readyz`.
"""

import argparse
import http.client
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from countermark.gateway import config
from countermark.gateway.config import Config
from countermark.protocol.errors import MarketError

ANSWER_S = 5.0
"""How long an answer is waited for, in seconds."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is what is not dialled


def main(argv: Sequence[str] | None = None) -> int:
    """Ask once and return the exit status."""
    parser = argparse.ArgumentParser(prog="countermark.gateway.healthcheck", description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=os.environ.get(config.ENVIRONMENT), help="configuration file")
    arguments = parser.parse_args(argv)
    if arguments.config is None:
        parser.error(f"--config or {config.ENVIRONMENT} is needed")
    try:
        status = ask(config.load(Path(arguments.config)))
    except (MarketError, OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer: {error}\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"answered {status}\n")
        return 1
    return 0


def ask(settings: Config) -> int:
    """Return the status with which the gateway of ``settings`` answers `/healthz`; it has `ANSWER_S` for it."""
    # The very certificate that it was given, whoever has issued it, and under whatever names.
    context = ssl.create_default_context(cafile=str(settings.tls_cert_file))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    host = _LOOPBACK.get(settings.host, settings.host)
    connection = http.client.HTTPSConnection(host, settings.port, timeout=ANSWER_S, context=context)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
