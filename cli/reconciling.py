"""`countermark audit reconcile`: the platform's tables held against a ledger, on the platform's own machine."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.failures import ERROR
from countermark.cli.operating import DATA, platform_services
from countermark.cli.session import Session, session_command
from countermark.cli.tables import told_to_operators
from countermark.cli.trust import GENESIS, found, genesis_hash, market_roles

if TYPE_CHECKING:
    from countermark.gateway.services import PlatformServices
    from countermark.network.blocks import Block
    from countermark.network.client import GatewayClient
    from countermark.platform.reconciling import Discrepancy, Said, Tally

SHOWN = 1_000
"""How many differences are told one by one; of all of them, how many there are."""

_LONGEST = 160


@click.command("reconcile")
@DATA
@click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Whose blocks: connection file of another organisation's peer, whose ledger is verified from the genesis "
    "block on; the platform's own peer if not given.",
)
@GENESIS
@session_command
def reconcile(session: Session, data: Path | None, connection: Path | None, genesis: Path | None) -> int:
    """Compare the platform's tables with the ledger, and find nothing, or say exactly what.

    For whoever runs the platform, or an inspector on the platform's machine with his own connection file. Names
    table, key and column of all that differs, what the ledger says and what the table says; of private columns only
    that they differ. Nothing is changed: `tables rebuild` repairs. The status is 1 if anything differs.
    """
    with platform_services(data) as services, told_to_operators():
        session.say("the blocks are applied to tables of their own; the platform goes on meanwhile")
        found_, count, tally = _reconcile(services, connection, genesis)
    document = {
        "height": tally.height,
        "compared": {
            "rows": tally.rows,
            "contracts": tally.contracts,
            "entries": tally.entries,
            "anchors": tally.anchors,
        },
        "count": count,
        "differences": [one.to_json() for one in found_],
    }
    session.result(document, *_lines(found_, count, tally))
    return ERROR if count else 0


def _reconcile(
    services: "PlatformServices", connection: Path | None, genesis: Path | None
) -> tuple[list["Discrepancy"], int, "Tally"]:
    from countermark.platform.reconciling import Reconciliation

    with _blocks(services, connection, genesis) as (source, height):
        reconciliation = Reconciliation(
            database=services.database,
            source=source,
            height=height,
            ledger=services.chain,
            board=services.board,
            box=services.box,
            keys=services.keys.encryption,
            market=services.site.market,
            platform=services.keys.account.address,
        )
        shown: list[Discrepancy] = []
        count = 0
        for one in reconciliation.run():
            count += 1
            if len(shown) < SHOWN:
                shown.append(one)
    return shown, count, reconciliation.tally


@contextmanager
def _blocks(services: "PlatformServices", connection: Path | None, genesis: Path | None) -> Iterator[tuple[Any, Any]]:
    """Give a source of blocks, and what tells how many there are."""
    if connection is None:
        yield services.chain, services.chain.height
        return
    from countermark.network.client import ConnectionProfile, GatewayClient

    known = genesis_hash(genesis or found(connection))
    with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
        yield _Verified(client, known, services.site.market), lambda: client.newest_block().number + 1


class _Verified:
    """The blocks of an organisation's own peer, each judged before it is applied."""

    def __init__(self, client: "GatewayClient", genesis: bytes, market: str) -> None:
        self._client = client
        self._genesis = genesis
        self._market = market

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator["Block"]:
        """See `ports.BlockSource`; from block 0 on only.

        Raises:
            AuditError: the first thing that does not hold, and where.
        """
        from countermark.audit.replay import Replay

        assert start == 0
        profile, named = self._client.profile, market_roles(self._client.evaluate("market.show"))
        if f"{profile.channel}/{profile.chaincode}" != self._market:
            raise click.UsageError(f"the connection is to {profile.channel}/{profile.chaincode}, not {self._market}")
        replay = Replay(
            genesis=self._genesis,
            chaincode=profile.chaincode,
            platform=named["platform"],
            supervisor=named["supervisor"],
            watched=(),
        )
        with closing(self._client.blocks(0, stop=stop)) as blocks:
            for block in blocks:
                replay.apply(block)
                yield block


def _lines(shown: list["Discrepancy"], count: int, tally: "Tally") -> Iterator[str]:
    yield (
        f"compared with blocks 0 to {tally.height - 1}: {tally.rows} rows, private columns of {tally.contracts} "
        f"contracts, a board of {tally.entries} entries with {tally.anchors} anchors"
    )
    for one in shown:
        key = ", ".join(f"{name} {value}" for name, value in one.key.items())
        yield f"{one.table}  {key}  {one.what}"
        yield from (f"  {_said(said)}" for said in one.said)
    if count > len(shown):
        yield f"and {count - len(shown)} more"
    yield f"{count} differences" if count else "no difference"


def _said(said: "Said") -> str:
    if said.private:
        return f"{said.column}: private, and differs"
    return f"{said.column}: the ledger says {_short(said.ledger)}, the table says {_short(said.table)}"


def _short(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
