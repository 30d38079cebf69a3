"""Process of the chaincode: `python -m countermark.chaincode.server`.

One process serves one organisation's peer. It keeps no state: any number of peers may dial it, and it may be killed
at any moment. Every flag can be given in the environment instead, as peers and container platforms do.
"""

import argparse
import asyncio
import logging
import math
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countermark.chaincode import code, logs
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.service import ChaincodeServer, Tls
from countermark.chaincode.shim.stub import Handler

_log = logging.getLogger("countermark.chaincode.server")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process was started with; `grace_s` is how long SIGTERM lets invocations run on."""

    address: str
    ccid: str
    tls: Tls
    package: Path | None
    time_limit_s: float
    grace_s: float


def main(argv: Sequence[str] | None = None, handler: Handler | None = None) -> int:
    """Serve until SIGTERM or SIGINT and return the exit status; `handler` defaults to the market's contracts."""
    settings = _parse(argv)
    logs.configure()
    if handler is None:
        from countermark.chaincode.registry import handler as contracts

        handler = contracts
    try:
        if settings.package is not None:
            code.check_package(settings.package, settings.ccid)
        asyncio.run(serve(settings, handler))
    except ShimError as error:
        _log.critical("chaincode cannot start: %s", error)
        return 1
    return 0


async def serve(settings: Settings, handler: Handler) -> None:
    """Listen, say so in one line of the log, and drain at SIGTERM or SIGINT.

    Raises:
        ShimError: the address is taken or the TLS material cannot be used.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)
    server = ChaincodeServer(settings.ccid, handler, settings.time_limit_s)
    port = await server.start(settings.address, settings.tls)
    host = settings.address.rpartition(":")[0]
    # Whatever is logged besides: whoever started the process waits for it.
    _log.setLevel(logging.INFO)
    _log.info("chaincode listening on %s:%d", host, port)
    await stopping.wait()
    await server.stop(settings.grace_s)


def _parse(argv: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="countermark.chaincode.server", description=__doc__.splitlines()[0])

    def add(flag: str, variable: str, text: str, default: str | None = None) -> None:
        value = os.environ.get(variable, default)
        parser.add_argument(flag, default=value, required=value is None, help=f"{text} (or {variable})")

    add("--address", "CHAINCODE_SERVER_ADDRESS", "host:port to listen on, port 0 for a free one")
    add("--ccid", "CHAINCODE_ID", "package id under which peers know this chaincode")
    add("--tls-cert", "CHAINCODE_TLS_CERT", "PEM certificate of this server")
    add("--tls-key", "CHAINCODE_TLS_KEY", "PEM private key of this server")
    add("--client-ca", "CHAINCODE_CLIENT_CA", "PEM certificates of the authorities whose clients may connect")
    add("--time-limit", "CHAINCODE_TIME_LIMIT", "seconds after which an invocation is given up", "30")
    add("--grace", "CHAINCODE_GRACE", "seconds that SIGTERM leaves to running invocations", "10")
    parser.add_argument(
        "--package",
        default=os.environ.get("CHAINCODE_PACKAGE"),
        help="the installed package, whose id and code digest must be those of this server (or CHAINCODE_PACKAGE)",
    )
    parsed = parser.parse_args(argv)
    time_limit_s, grace_s = _seconds(parsed.time_limit), _seconds(parsed.grace)
    if not time_limit_s or grace_s is None:
        parser.error("--time-limit is a number of seconds above 0, --grace one of at least 0")
    return Settings(
        address=parsed.address,
        ccid=parsed.ccid,
        tls=Tls(Path(parsed.tls_cert), Path(parsed.tls_key), Path(parsed.client_ca)),
        package=Path(parsed.package) if parsed.package else None,
        time_limit_s=time_limit_s,
        grace_s=grace_s,
    )


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


if __name__ == "__main__":
    sys.exit(main())
