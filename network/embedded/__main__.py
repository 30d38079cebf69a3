"""Process of the embedded peer: `python -m countermark.network.embedded --dir DIR`."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from countermark.network.embedded.node import Node
from countermark.network.embedded.settings import Layout, Settings, load
from countermark.network.errors import NetworkError

_WARNING = (
    "warning: the embedded peer is for development, demonstrations and tests: "
    "one process holds the keys of all organisations"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        layout = Layout(options.dir)
        settings = load(layout.settings_file).with_chaincode(dict(options.chaincode))
        return asyncio.run(_serve(layout, settings, options.chaincode_wait))
    except NetworkError as error:
        sys.stderr.write(f"embedded peer: {error}\n")
        return 1


async def _serve(layout: Layout, settings: Settings, chaincode_wait_s: float) -> int:
    node = await Node.open(layout, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, node.ended.set)
    starting = asyncio.create_task(node.start(chaincode_wait_s=chaincode_wait_s))
    ending = asyncio.create_task(node.ended.wait())
    await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        for msp_id in starting.result():
            sys.stderr.write(f"warning: the chaincode of {msp_id} does not answer yet\n")
        sys.stderr.write(f"{_WARNING}\nembedded peer ready\n")
        sys.stderr.flush()
        await ending
    starting.cancel()
    await node.stop()
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
