"""What the rest of `countermark up` needs to know of the ledger."""

from pathlib import Path
from typing import Protocol

from countermark.cli.up.founding import Parties
from countermark.cli.up.processes import ProcessSpec


class Ledger(Protocol):
    """A ledger with the market's contracts on it."""

    @property
    def kind(self) -> str:
        """How it is called in messages."""
        ...

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        ...

    @property
    def guard_s(self) -> int:
        """How far timestamps may be from peers' clocks, in seconds."""
        ...

    @property
    def parties(self) -> Parties:
        """Which organisation plays which part."""
        ...

    @property
    def genesis(self) -> Path:
        """File of the channel's genesis block."""
        ...

    @property
    def connections(self) -> Path:
        """Folder of the connection files `<organisation>.json`, there when `ready` has returned."""
        ...

    def processes(self) -> list[ProcessSpec]:
        """Return the processes that make it, to be started with those of the database."""
        ...

    def ready(self) -> None:
        """Return when the market's contracts can be called; its processes have said that they are ready.

        Raises:
            NetworkError: They cannot; says what to do.
            LedgerError: A peer or an orderer refused, or gave no answer in time.
        """
        ...

    def gateways(self) -> list[Path]:
        """Return the connection files of the gateways that the platform may ask, its own first.

        The supervisor's may see whatever the platform hands to a gateway, even openings of listings. The traders' may
        not, and has no part in the platform's business.
        """
        ...
