"""The private columns of the data-contract table: sealed, and each bound to its place."""

from typing import Any

from countermark.platform.matching.decision import Decision
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, func, select, update
from countermark.protocol import canonical
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description, parse_description


class PrivateColumns:
    """Writes and reads what of a contract never stands on the ledger."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def insert(self, connection: Connection, address: str, opening: Opening, *, now_ms: int) -> None:
        """Make the contract's row; its ledger-derived columns follow when `listing.create` has committed."""
        row = {"address": address, "registered_ms": now_ms, **self._sealed(address, opening)}
        connection.execute(tables.data_contracts.insert().values(row))

    def restore(self, connection: Connection, address: str, opening: Opening) -> None:
        """Write the private columns of a contract that is on the ledger anew."""
        contracts, registrations = tables.data_contracts, tables.registrations
        decided_ms = (
            select(registrations.c.decided_ms)
            .where(registrations.c.address == address, registrations.c.decision == Decision.ALLOWED)
            .scalar_subquery()
        )
        columns = {
            **self._sealed(address, opening),
            "registered_ms": func.coalesce(contracts.c.registered_ms, decided_ms),
            # Filled again by whoever publishes, if the description is public.
            "search_text": None,
        }
        connection.execute(update(contracts).where(contracts.c.address == address).values(columns))

    def sealed_copy(self, address: str, description: Description, salt_d: bytes) -> dict[str, bytes]:
        """Return the columns of somebody who was told the description, and never had an opening."""
        return {
            "description": self._seal(address, "description", description.to_bytes()),
            "salt_d": self._seal(address, "salt_d", salt_d),
        }

    def description(self, row: Row[Any]) -> Description:
        """Return the description of a row of `data_contracts`.

        Raises:
            MarketError: INTERNAL when the column was damaged or moved.
        """
        return parse_description(canonical.loads(self._open(row, "description")))

    def salt_d(self, row: Row[Any]) -> bytes:
        """Return the salt under which ``c_d`` commits to the description, 32 bytes."""
        return self._open(row, "salt_d")

    def opening(self, row: Row[Any]) -> Opening:
        """Return everything that the contract's commitments hide; for platform and supervisor only."""
        return Opening.from_json(self._open(row, "fingerprint"))

    def _sealed(self, address: str, opening: Opening) -> dict[str, bytes]:
        return {
            **self.sealed_copy(address, opening.description, opening.salt_d),
            "fingerprint": self._seal(address, "fingerprint", opening.to_json()),
            "fingerprint_root": opening.root,
        }

    def _seal(self, address: str, column: str, data: bytes) -> bytes:
        return self._box.seal(data, context=_context(address, column))

    def _open(self, row: Row[Any], column: str) -> bytes:
        return self._box.open(bytes(row._mapping[column]), context=_context(row.address, column))


def _context(address: str, column: str) -> str:
    return f"data_contracts/{address}/{column}"
