"""The whole comparison: what is compared with what, and in which order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from countermark.platform.board.checking import check_board, read_anchors
from countermark.platform.board.log import Board
from countermark.platform.board.verification import Anchor, Fault, Finding
from countermark.platform.contracts.market import load_market
from countermark.platform.contracts.restoring import Contract, Difference, Restoration
from countermark.platform.ports import BlockSource, Ledger
from countermark.platform.projection import Projector, compare
from countermark.platform.reconciling.discrepancies import Discrepancy, Said, of_difference
from countermark.platform.reconciling.notices import compare_notices
from countermark.platform.reconciling.outbox import compare_outbox
from countermark.platform.reconciling.scratch import replayed, snapshot
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, func, select
from countermark.protocol import times
from countermark.protocol.encoding import as_digest
from countermark.protocol.sealed import EncryptionKey

_PRIVATE = {
    Difference.UNCOLLECTED: "no opening of it is in the private collection",
    Difference.UNPROVEN: "the opening in the private collection is not the one that the ledger commits to",
}

_COLUMNS: Mapping[Fault, tuple[str, ...]] = {
    Fault.UNREADABLE: ("body",),
    Fault.NOTICE: ("body",),
    Fault.LEAF: ("leaf_hash",),
    Fault.RECEIPT: ("receipt",),
}


@dataclass
class Tally:
    """How much was compared."""

    height: int = 0
    """Blocks."""
    rows: int = 0
    """Of ledger-derived tables, as the ledger makes them."""
    contracts: int = 0
    entries: int = 0
    anchors: int = 0


class Reconciliation:
    """Compares the tables of one platform with one ledger; changes nothing."""

    def __init__(
        self,
        *,
        database: Database,
        source: BlockSource,
        height: Callable[[], int],
        ledger: Ledger,
        board: Board,
        box: SecretBox,
        keys: Mapping[int, EncryptionKey],
        market: str,
        platform: str,
    ) -> None:
        """Create a reconciliation.

        Args:
            database: the platform's tables.
            source: the blocks.
            height: tells how many blocks there are.
            ledger: the platform's peer, which answers with what is in the private collection.
            board: the platform's board.
            box: opens private columns.
            keys: the platform's encryption keys by version.
            market: channel/chaincode.
            platform: address of the platform's account.
        """
        self._database = database
        self._source = source
        self._height = height
        self._board = board
        self._market = market
        self._platform = platform
        self._projector = Projector(database, chaincode=market.partition("/")[2])
        self._restoration = Restoration(database=database, ledger=ledger, box=box, keys=keys, market=market)
        self.tally = Tally()
        """What was compared so far."""

    def run(self) -> Iterator[Discrepancy]:
        """Yield everything in which tables and ledger differ; nothing when all is well. Takes constant memory.

        Raises:
            ProjectionError: the blocks do not follow one another, or hold what cannot be read.
            UnavailableError: the ledger does not answer.
            MarketError: DATABASE_UNAVAILABLE.
        """
        with snapshot(self._database) as kept:
            height = self._compared(kept)
            self.tally.height = height
            with replayed(self._database, self._projector, self._source, height=height) as ledger:
                self.tally.rows = _count(ledger)
                yield from map(of_difference, compare(kept, ledger))
                yield from _pending(kept)
                yield from compare_outbox(kept, ledger, height=height)
                now_ms = _now_ms(ledger)
                yield from compare_notices(kept, ledger, now_ms=now_ms)
                yield from self._compare_board(kept, ledger)
                yield from _overdue(kept, ledger, now_ms)
        yield from self._compare_private()

    def _compared(self, kept: Connection) -> int:
        """Return how many blocks are compared: as many as the tables claim to have, if the ledger has them."""
        last = (
            select(func.max(tables.checkpoint.c.block_number)).scalar_subquery(),
            select(func.max(tables.blocks.c.number)).scalar_subquery(),
        )
        claimed = [number for number in kept.execute(select(*last)).one() if number is not None]
        there = self._height()
        return min(max(claimed) + 1, there) if claimed else there

    def _compare_board(self, kept: Connection, ledger: Connection) -> Iterator[Discrepancy]:
        anchors = read_anchors(ledger)
        report = check_board(kept, self._board, market=self._market, platform=self._platform, anchors=anchors)
        self.tally.entries, self.tally.anchors = report.entries, report.anchors
        roots = {anchor.size: anchor for anchor in anchors}
        yield from (_of_finding(finding, roots) for finding in report.findings)
        if not report.head_fits:
            size = kept.execute(select(tables.board_head.c.size)).scalar_one_or_none()
            yield Discrepancy("board_head", {"id": 1}, "head", (Said("size", report.entries, size),))

    def _compare_private(self) -> Iterator[Discrepancy]:
        for contract in self._restoration.run(dry_run=True):
            self.tally.contracts += 1
            yield from _of_contract(contract)


def _count(ledger: Connection) -> int:
    counted = [select(func.count()).select_from(table).scalar_subquery() for table in tables.LEDGER_TABLES]
    contracts = select(func.count()).select_from(tables.data_contracts).scalar_subquery()
    return sum(ledger.execute(select(*counted, contracts)).one())


def _now_ms(ledger: Connection) -> int:
    """Return the latest time that a valid transaction has."""
    transactions = tables.transactions.c
    latest = ledger.execute(select(func.max(transactions.time_ms)).where(transactions.valid)).scalar_one()
    return int(latest or 0)


def _pending(kept: Connection) -> Iterator[Discrepancy]:
    """Yield contracts that wait for the ledger without the gate having let anybody register them."""
    contracts, registrations = tables.data_contracts.c, tables.registrations.c
    decided = select(registrations.address).where(registrations.address == contracts.address).exists()
    query = select(contracts.address).where(contracts.state.is_(None), ~decided).order_by(contracts.address)
    for address in kept.execute(query).scalars():
        yield Discrepancy("data_contracts", {"address": address}, "surplus")


def _of_finding(finding: Finding, roots: Mapping[int, Anchor]) -> Discrepancy:
    key = {"seq": finding.first} if finding.first == finding.last else {"first": finding.first, "last": finding.last}
    anchor = roots.get(finding.last + 1)
    if finding.fault in (Fault.ANCHOR, Fault.TRUNCATED, Fault.MISSING) and anchor is not None:
        said: tuple[Said, ...] = (Said("root", as_digest(anchor.root), None),)
    else:
        said = tuple(Said(column, private=True) for column in _COLUMNS.get(finding.fault, ()))
    table = "board_nodes" if finding.fault is Fault.NODE else "board"
    return Discrepancy(table, key, str(finding.fault), said)


def _overdue(kept: Connection, ledger: Connection, now_ms: int) -> Iterator[Discrepancy]:
    """Yield the first entry without an anchor, if its receipt's promise is broken by the ledger's latest time."""
    board, anchors = tables.board.c, tables.anchors.c
    anchored = ledger.execute(select(func.coalesce(func.max(anchors.size), 0))).scalar_one()
    query = select(board.seq, board.anchored_by_ms).where(board.seq >= anchored).order_by(board.seq).limit(1)
    row = kept.execute(query).one_or_none()
    if row is not None and now_ms > row.anchored_by_ms + load_market(ledger).guard_s * 1000:
        said = (Said("anchored_by_ms", None, times.to_text(row.anchored_by_ms)),)
        yield Discrepancy("board", {"seq": row.seq}, "unanchored", said)


def _of_contract(contract: Contract) -> Iterator[Discrepancy]:
    key = {"address": contract.address}
    if contract.columns:
        said = tuple(Said(column, private=True) for column in contract.columns)
        yield Discrepancy("data_contracts", key, "changed", said)
    for difference in contract.differences:
        if difference is Difference.ITEMS:
            yield Discrepancy("item_fingerprints", key, "changed", (Said("segments", private=True),))
        elif difference in _PRIVATE:
            yield Discrepancy("data_contracts", key, str(difference), (Said("fingerprint", _PRIVATE[difference]),))
