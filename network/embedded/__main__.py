"""Process of the embedded peer: `python -m countermark.network.embedded --dir DIR`."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from countermark.network.embedded.node import Node
from countermark.network.embedded.settings import Layout, load
from countermark.network.errors import NetworkError

_ENDING = (signal.SIGTERM, signal.SIGINT)
_WARNING = (
    "warning: the embedded peer is for development, demonstrations and tests: "
    "one process holds the keys of all organisations"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Blocked before the first thread starts, so that no thread but this one is ever interrupted.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    layout = Layout(options.dir)
    try:
        settings = load(layout.settings_file).with_chaincode(dict(options.chaincode))
        node = Node(layout, settings)
    except NetworkError as error:
        sys.stderr.write(f"embedded peer: {error}\n")
        return 1
    away = node.start(chaincode_wait_s=options.chaincode_wait)
    for msp_id in away:
        sys.stderr.write(f"warning: the chaincode of {msp_id} does not answer yet\n")
    sys.stderr.write(f"{_WARNING}\nembedded peer ready\n")
    sys.stderr.flush()
    node.on_failure(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(_ENDING)
    node.stop()
    return 1 if node.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="countermark.network.embedded", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder made by material.generate")
    parser.add_argument(
        "--chaincode",
        type=_address,
        action="append",
        default=[],
        metavar="MSP=HOST:PORT",
        help="chaincode server of an organisation, instead of the one in the settings; repeatable",
    )
    parser.add_argument(
        "--chaincode-wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long readiness waits for the chaincode servers",
    )
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    return parser


def _address(text: str) -> tuple[str, str]:
    msp_id, separator, address = text.partition("=")
    host, colon, port = address.rpartition(":")
    if not (msp_id and separator and host and colon and port.isdigit()):
        raise argparse.ArgumentTypeError("expected MSP=HOST:PORT")
    return msp_id, address


if __name__ == "__main__":
    sys.exit(main())
