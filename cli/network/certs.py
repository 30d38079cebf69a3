"""`countermark network certs`: how long certificates hold, and new ones."""

from datetime import UTC, datetime
from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, FABRIC_BIN, described_network
from countermark.cli.session import Session, session_command

_WORDS = ("", "soon", "this month", "in two weeks", "THIS WEEK")


@click.command("certs")
@DIRECTORY
@FABRIC_BIN
@click.option(
    "--renew", is_flag=True, help="Make new certificates for the same keys, and restart one node at a time."
)
@click.option("--within", type=click.IntRange(0), default=60, show_default=True, help="Those with fewer days left.")
@click.option("--all", "everything", is_flag=True, help="All of them, however long they hold.")
@session_command
def certs(
    session: Session, directory: Path, fabric_bin: Path | None, renew: bool, within: int, everything: bool
) -> None:
    """Show all certificates of this folder with the days that are left; with --renew, make new ones.

    Authorities are shown and not renewed: a new one is a change of the channel's configuration.
    """
    from countermark.network.native import nodes
    from countermark.network.operations.certificates import Renewal, held, urgency

    network = described_network(session, directory, fabric_bin)
    if not renew or session.dry_run:
        now = datetime.now(UTC)
        found = sorted(held(network.folder, network.topology), key=lambda one: one.until)
        lines = [
            f"{one.days(now):>5} days  {one.until:%Y-%m-%d}  {one.organisation}/{one.kind}/{one.name}  "
            f"{'EXPIRED' if one.until <= now else _WORDS[urgency(one.days(now))]}".rstrip()
            for one in found
        ]
        document = [
            {
                "organisation": one.organisation,
                "kind": one.kind,
                "name": one.name,
                "until": one.until.isoformat(),
                "days": one.days(now),
                "warning": urgency(one.days(now)),
            }
            for one in found
        ]
        session.result({"certificates": document}, *lines)
        return
    below = None if everything else within
    renewal = Renewal(network)
    renewed = renewal.renew_members(below_days=below)
    for orderer in nodes.orderers(network.folder, network.topology):
        if renewal.renew_orderer(orderer, below_days=below):
            renewed.append(orderer.name)
            session.say(f"{orderer.name} has new certificates")
    for peer in nodes.peers(network.folder, network.topology):
        if renewal.renew_peer(peer, below_days=below):
            renewed.append(peer.name)
            session.say(f"{peer.name} has new certificates")
    session.result({"renewed": renewed}, f"{len(renewed)} renewed", *renewed)
