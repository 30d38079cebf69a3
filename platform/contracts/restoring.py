"""Hold the private columns against the collection on the ledger, and write anew what is missing there or another.

The collection `fingerprints` has the opening of every contract, and the commitments on the public ledger prove it.
What the columns say must be the same after decryption; that can be repaired. Of the item fingerprints the opening has
the root only: if they do not give it, they must come from a backup, or from the supervisor, to whom they lie sealed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from countermark.platform.contracts.items import read_items
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.publication import search_text
from countermark.platform.ports import Ledger, RefusedError
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, select
from countermark.protocol import canonical
from countermark.protocol.commitments import Commitments, Opening, fingerprint_root
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey, open_sealed

KIND = "opening"
"""Kind of the sealed message in which the ledger answers with an opening."""


class Difference(StrEnum):
    """What of a contract's private columns is not as it should be."""

    RESTORED = "restored"  # missing, damaged, or other than in the collection: written anew
    ITEMS = "items"  # the item fingerprints do not give the root
    UNCOLLECTED = "uncollected"  # the columns are there, but no opening is in the collection
    UNPROVEN = "unproven"  # the collection's opening is not the one that the ledger commits to


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as it was found; ``differences`` is empty where its columns equal the ledger's."""

    address: str
    differences: tuple[Difference, ...]
    columns: tuple[str, ...] = ()
    """Names of the private columns of its row that are not as in the collection."""


class Restoration:
    """Compares and restores the private columns of all contracts on the ledger."""

    def __init__(
        self, *, database: Database, ledger: Ledger, box: SecretBox, keys: Mapping[int, EncryptionKey], market: str
    ) -> None:
        """Create a restoration.

        Args:
            database: the platform's tables, the ledger-derived columns among them up to date.
            ledger: the platform's peer, a member of the collection.
            box: opens and seals private columns.
            keys: the platform's encryption keys by version: openings are answered sealed to the newest.
            market: channel/chaincode.
        """
        self._database = database
        self._ledger = ledger
        self._box = box
        self._columns = PrivateColumns(box)
        self._keys = keys
        self._market = market

    def run(self, *, dry_run: bool = False) -> Iterator[Contract]:
        """Yield every contract on the ledger, compared and, unless ``dry_run``, restored where it can be.

        Raises:
            UnavailableError: the peer does not answer.
            MarketError: DATABASE_UNAVAILABLE.
        """
        contracts = tables.data_contracts
        query = select(contracts.c.address, contracts.c.record).where(contracts.c.state.is_not(None))
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(contracts.c.address)).all()
        for row in rows:
            yield self._compare(row.address, row.record, dry_run=dry_run)

    def _compare(self, address: str, record: Mapping[str, str], *, dry_run: bool) -> Contract:
        opening = self._fetch(address)
        if opening is None:
            columns = tuple(self._held_columns(address))
            return Contract(address, (Difference.UNCOLLECTED,) if columns else ())
        if opening.commitments() != Commitments(record["c_f"], record["c_d"], record["c_exact"]):
            return Contract(address, (Difference.UNPROVEN,))
        differences: list[Difference] = []
        with self._database.begin() as connection:
            columns = tuple(self._differing(connection, address, opening))
            if columns:
                if not dry_run:
                    self._columns.restore(connection, address, opening)
                differences.append(Difference.RESTORED)
            if not self._give_root(connection, address, opening):
                differences.append(Difference.ITEMS)
        return Contract(address, tuple(differences), columns)

    def _fetch(self, address: str) -> Opening | None:
        """Return the opening in the collection, None where there is none."""
        version = max(self._keys)
        arguments = [address.encode(), self._keys[version].public.encode(), str(version).encode()]
        try:
            answer = self._ledger.evaluate("audit.opening", arguments)
        except RefusedError as refusal:
            if refusal.error.code is ErrorCode.UNKNOWN_LISTING:
                return None
            raise
        plaintext = open_sealed(self._keys, canonical.loads(answer), kind=KIND, market=self._market)
        return Opening.from_json(plaintext)

    def _held_columns(self, address: str) -> Iterator[str]:
        """Yield the names of the private columns that a contract has, and ``segments`` if there are its items."""
        contracts, items = tables.data_contracts.c, tables.item_fingerprints
        names = ("description", "salt_d", "fingerprint", "fingerprint_root")
        with self._database.begin() as connection:
            row = connection.execute(select(*(contracts[name] for name in names)).where(contracts.address == address))
            kept = row.one()
            some = connection.execute(select(items.c.item).where(items.c.address == address).limit(1)).first()
        yield from (name for name in names if getattr(kept, name) is not None)
        if some is not None:
            yield "segments"

    def _differing(self, connection: Connection, address: str, opening: Opening) -> Iterator[str]:
        """Yield the names of the private columns that are missing, damaged, or other than ``opening``."""
        contracts = tables.data_contracts
        row = connection.execute(select(contracts).where(contracts.c.address == address).with_for_update()).one()
        wanted: Mapping[str, tuple[Callable[[Row[Any]], object], object]] = {
            "description": (self._columns.description, opening.description),
            "salt_d": (self._columns.salt_d, opening.salt_d),
            "fingerprint": (self._columns.opening, opening),
            "fingerprint_root": (lambda row: bytes(row.fingerprint_root), opening.root),
        }
        for name, (read, value) in wanted.items():
            if getattr(row, name) is None or not _reads(read, row, value):
                yield name
        if row.search_text not in (None, search_text(opening.description)):
            yield "search_text"

    def _give_root(self, connection: Connection, address: str, opening: Opening) -> bool:
        try:
            return fingerprint_root(read_items(connection, self._box, address)) == opening.root
        except MarketError:
            return False  # there are none, or one is damaged


def _reads(read: Callable[[Row[Any]], object], row: Row[Any], value: object) -> bool:
    try:
        return read(row) == value
    except MarketError:
        return False  # damaged, or under a key that is gone
