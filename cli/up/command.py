"""The command `countermark up`."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.session import Session, session_command

REVIVE_S = 0.5
"""How long a dead process waits at most to be noticed, in seconds."""


class _Network(click.ParamType["str"]):
    """An IP network in its own form."""

    name = "network"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ipaddress import ip_network

        try:
            return str(ip_network(str(value)))
        except ValueError:
            self.fail("an IP network such as 10.1.0.0/16 is expected", param, ctx)


NETWORK = _Network()


def default_data() -> Path:
    """Return the folder that is used when none is named."""
    from platformdirs import user_data_path

    return user_data_path("countermark") / "up"


@click.command("up")
@click.option("--ledger", type=click.Choice(["embedded", "fabric"]), default="embedded", show_default=True)
@DIRECTORY
@click.option("--chaincode", default="", help="Market of this name on the network's channel; made if it is missing.")
@click.option("--faucet", is_flag=True, help="Give money to whoever asks; always so on the embedded ledger.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8443, show_default=True, help="0 takes a free one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for everything that is stored."
)
@click.option(
    "--webhooks-allow",
    type=NETWORK,
    multiple=True,
    metavar="NETWORK",
    help="Deliver webhooks to this network too, 127.0.0.0/8 say; may be given again.",
)
@session_command
def command(
    session: Session,
    ledger: str,
    directory: Path,
    chaincode: str,
    faucet: bool,
    port: int,
    data: Path | None,
    webhooks_allow: tuple[str, ...],
) -> None:
    """Run ledger, database, gateway and worker on this machine until Ctrl-C; what they store survives.

    The embedded ledger is for development, demos and tests: one machine, one user, all organisations. With fabric,
    the network that `countermark network up` runs from --dir is used, and runs on afterwards.
    """
    # Read when gRPC is imported: its handlers around fork() may end a child of ours before it has become a program.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
    # What gRPC writes down by itself is no JSON; what matters of it comes back as the status of a call.
    os.environ["GRPC_VERBOSITY"] = os.environ.get("GRPC_VERBOSITY", "NONE")
    from countermark.cli.up.data import DataFolder
    from countermark.cli.up.ledgers.choice import choose
    from countermark.cli.up.stack import Stack, exclusive

    ending, changed = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        ending.set()
        changed.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    folder = DataFolder((data or default_data()).resolve())
    with exclusive(folder):
        network = described_network(session, directory) if ledger == "fabric" else None
        chosen = choose(network, folder, chaincode=chaincode, port=port)
        stack = Stack(
            folder,
            chosen.ledger,
            port=chosen.port,
            metrics_port=chosen.metrics_port,
            faucet=faucet or network is None,
            report=session.say,
            webhooks_allow=webhooks_allow,
        )
        try:
            what = f"on the network in {directory}" if network else "on the embedded ledger, for development only"
            session.say(f"starting the market {chosen.ledger.market} {what}; data in {folder.path}")
            stack.start()
            session.result({"url": stack.url, "data": str(folder.path)}, stack.url)
            session.say(f"ready; gateway file {folder.gateway_file}; Ctrl-C stops it")
            while not ending.is_set():
                changed.wait(REVIVE_S)
                stack.revive()
        finally:
            stack.stop()
            session.say("stopped")
