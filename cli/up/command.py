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


class _Authority(click.ParamType["str"]):
    """A host, with a port where it is not HTTPS's own."""

    name = "authority"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from countermark.gateway.config import authority
        from countermark.protocol.errors import MarketError

        try:
            return authority(value)
        except MarketError as error:
            self.fail(error.detail, param, ctx)


NETWORK, AUTHORITY = _Network(), _Authority()


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
@click.option(
    "--forwards",
    type=AUTHORITY,
    multiple=True,
    metavar="HOST[:PORT]",
    help="Take what was signed for the member's gateway at this host, which passes it on; may be given again.",
)
@click.option(
    "--platform",
    metavar="URL|FILE",
    help="Run a member's gateway beside the platform's at this URL, or with this gateway.json.",
)
@click.option(
    "--platform-ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CA of the certificate of the platform's gateway.",
)
@click.option("--organisation", default="", help="Whose gateway it is, if the folder has the keys of several.")
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
    forwards: tuple[str, ...],
    platform: str | None,
    platform_ca: Path | None,
    organisation: str,
) -> None:
    """Run ledger, database, gateway and worker on this machine until Ctrl-C; what they store survives.

    The embedded ledger is for development, demos and tests: one machine, one user, all organisations. With fabric,
    the network that `countermark network up` runs from --dir is used, and runs on afterwards. With --platform it is
    the gateway of a member organisation, which speaks to its own peer and passes on to the platform's gateway what
    only that can do.
    """
    if platform and (ledger != "fabric" or faucet or webhooks_allow or forwards):
        raise click.UsageError("--platform goes with --ledger fabric; a member has no faucet, webhooks or forwards")
    if not platform and (platform_ca or organisation):
        raise click.UsageError("--platform-ca and --organisation go with --platform")
    # Read when gRPC is imported: its handlers around fork() may end a child of ours before it has become a program.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
    # What gRPC writes down by itself is no JSON; what matters of it comes back as the status of a call.
    os.environ["GRPC_VERBOSITY"] = os.environ.get("GRPC_VERBOSITY", "NONE")
    from countermark.cli.up.data import DataFolder
    from countermark.cli.up.gateways import Gateway, MemberGateway, PlatformGateway, platform_at
    from countermark.cli.up.ledgers.choice import choose, member_of
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
        member = member_of(network.topology, organisation) if network and platform else None
        chosen = choose(network, folder, chaincode=chaincode, port=port, member=member)
        gateway: Gateway
        if platform:
            gateway = MemberGateway(folder, *platform_at(platform, platform_ca))
        else:
            objects = os.environ.get("OBJECTS_URL", "")
            gateway = PlatformGateway(
                folder, chosen.ledger, objects, faucet or network is None, webhooks_allow, forwards
            )
        stack = Stack(
            folder,
            chosen.ledger,
            gateway=gateway,
            port=chosen.port,
            metrics_port=chosen.metrics_port,
            report=session.say,
        )
        try:
            what = f"on the network in {directory}" if network else "on the embedded ledger, for development only"
            who = f"the gateway of {member.msp_id} for" if member else "the"
            session.say(f"starting {who} market {chosen.ledger.market} {what}; data in {folder.path}")
            stack.start()
            session.result({"url": stack.url, "data": str(folder.path)}, stack.url)
            session.say(f"ready; gateway file {folder.gateway_file}; Ctrl-C stops it")
            while not ending.is_set():
                changed.wait(REVIVE_S)
                stack.revive()
        finally:
            stack.stop()
            session.say("stopped")
