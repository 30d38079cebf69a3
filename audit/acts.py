"""One act on the market: a valid transaction, as the rules of `conduct` look at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Self

from countermark.audit import records
from countermark.audit.errors import AuditError
from countermark.audit.records import Record
from countermark.network.blocks import PrivateWrite, Transaction
from countermark.protocol import times
from countermark.protocol.intents import Intent


class Fate(StrEnum):
    """What becomes of a private key."""

    PUT = "put"
    DELETED = "deleted"
    PURGED = "purged"  # and all its earlier values with it

    @classmethod
    def of(cls, write: PrivateWrite) -> Self:
        """Return what ``write`` does to its key."""
        return cls("purged" if write.is_purge else "deleted" if write.is_delete else "put")


class PrivateChange(NamedTuple):
    """A private key as blocks show it, by the SHA-256 of its name, and what becomes of it."""

    collection: str
    key_hash: bytes
    fate: Fate


@dataclass(frozen=True)
class Act:
    """What was called, for whom, when, and what it writes. Signatures, versions and the intent have been checked."""

    function: str
    args: tuple[str, ...]
    """Arguments after the function's name."""
    intent: Intent | None
    """None where the market needs none."""
    market: str
    """Channel/chaincode."""
    tx_id: str
    time_ms: int
    """The client's clock, milliseconds since the epoch."""
    msp_id: str
    """The organisation whose client submitted it."""
    admin: bool
    """Whether that client is its administrator."""
    writes: Mapping[str, bytes | None] = field(repr=False)
    """Values by key; None where the key is deleted."""
    private: frozenset[PrivateChange] = frozenset()
    """What becomes of which private keys."""

    @classmethod
    def of(cls, transaction: Transaction, intent: Intent | None, *, admin: bool) -> Self:
        """Return what ``transaction`` does, which ``intent`` asks for.

        Raises:
            AuditError: ``foreign_write`` when it writes a key twice: readers could differ on what stands there.
        """
        writes = {write.key: None if write.is_delete else write.value for write in transaction.writes}
        if len(writes) != len(transaction.writes):
            raise AuditError("foreign_write", f"{transaction.function} writes a key twice")
        return cls(
            function=transaction.function,
            args=tuple(argument.decode(errors="replace") for argument in transaction.args),
            intent=intent,
            market=f"{transaction.channel}/{transaction.chaincode}",
            tx_id=transaction.tx_id,
            time_ms=transaction.timestamp_ms,
            msp_id=transaction.creator_msp,
            admin=admin,
            writes=writes,
            private=frozenset(
                PrivateChange(hashes.collection, write.key_hash, Fate.of(write))
                for hashes in transaction.private_hashes
                for write in hashes.writes
            ),
        )

    @property
    def signer(self) -> str:
        """Address of the account that asked for it; "" where nobody need."""
        return self.intent.signer if self.intent else ""

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters that the signer bound, none where nobody need sign."""
        return self.intent.params if self.intent else {}

    @cached_property
    def time(self) -> str:
        """``time_ms`` as text."""
        return times.to_text(self.time_ms)

    def after(self, seconds: int) -> str:
        """Return the time ``seconds`` later, as text."""
        return times.to_text(self.time_ms + seconds * 1000)

    @cached_property
    def records(self) -> dict[str, Record]:
        """Every record that is put, by key.

        Raises:
            AuditError: ``malformed_record``.
        """
        return {key: records.parse(key, value) for key, value in self.writes.items() if value is not None}

    @property
    def subject(self) -> str:
        """What an open function is told to act on: its first argument, "" if it has none."""
        return self.args[0] if self.args else ""
