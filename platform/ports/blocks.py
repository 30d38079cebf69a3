"""The shape of a committed block that the platform reads; `network.blocks` gives real ones of this shape."""

from collections.abc import Iterator, Sequence
from typing import Protocol


class Write(Protocol):
    """One write of a transaction to the public state."""

    @property
    def namespace(self) -> str:
        """The chaincode whose state it is."""
        ...

    @property
    def key(self) -> str:
        """The key, such as `listing/dc1…`."""
        ...

    @property
    def value(self) -> bytes:
        """The value written; empty when deleted."""
        ...

    @property
    def is_delete(self) -> bool:
        """Whether the key was deleted."""
        ...


class ChaincodeEvent(Protocol):
    """The one event that a transaction may carry."""

    @property
    def chaincode(self) -> str:
        """The chaincode that set it."""
        ...

    @property
    def name(self) -> str:
        """The contract function that set it."""
        ...

    @property
    def payload(self) -> bytes:
        """Canonical JSON {"id", "state", "function", "parties"}."""
        ...


class Transaction(Protocol):
    """One transaction of a block, valid or not."""

    @property
    def tx_id(self) -> str:
        """The transaction id; empty for some configuration transactions."""
        ...

    @property
    def kind(self) -> str:
        """`endorser`, `config` or `unreadable`."""
        ...

    @property
    def creator_msp(self) -> str:
        """The MSP id of the organisation that submitted it."""
        ...

    @property
    def timestamp_ms(self) -> int:
        """The transaction timestamp, ms since the epoch."""
        ...

    @property
    def function(self) -> str:
        """The contract function called; empty for a configuration transaction."""
        ...

    @property
    def args(self) -> Sequence[bytes]:
        """Its arguments after the function's name."""
        ...

    @property
    def validation_code(self) -> int:
        """The peers' verdict, Fabric's number."""
        ...

    @property
    def code_name(self) -> str:
        """Fabric's name of that number, such as `MVCC_READ_CONFLICT`."""
        ...

    @property
    def valid(self) -> bool:
        """Whether its writes were applied."""
        ...

    @property
    def event(self) -> ChaincodeEvent | None:
        """Its event, if it set one."""
        ...

    @property
    def writes(self) -> Sequence[Write]:
        """Its public writes, in the order of the write set."""
        ...


class Block(Protocol):
    """A committed block."""

    @property
    def number(self) -> int:
        """Its number; the genesis block is 0."""
        ...

    @property
    def previous_hash(self) -> bytes:
        """Hash of the header of the block before; empty for block 0."""
        ...

    @property
    def header_hash(self) -> bytes:
        """Hash of this block's header, SHA-256 over its ASN.1 form."""
        ...

    @property
    def transactions(self) -> Sequence[Transaction]:
        """All its transactions, in order."""
        ...


class BlockSource(Protocol):
    """Delivers committed blocks in order."""

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
        """Yield blocks `start`, `start + 1`, …; without `stop` it waits for new ones for ever.

        Raises:
            UnavailableError: The stream broke; ask again from the block that is wanted next.
        """
        ...
