"""What became of a proposal on the ledger in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from countermark.chaincode.shim.call import Call
from countermark.chaincode.shim.stub import ERROR_THRESHOLD, Event, Response
from countermark.chaincode.simulation import Effects, PrivateWrite, Version


@dataclass(frozen=True, slots=True)
class Result:
    """One simulated transaction. `validation` is Fabric's name of its validation code once it is in a block.

    `outcome` is everything that endorsers sign, in one canonical form: equal bytes on every machine, or the
    contract is not deterministic.
    """

    tx_id: str
    function: str
    timestamp_ms: int
    args: tuple[bytes, ...] = field(repr=False)
    response: Response
    outcome: bytes = field(repr=False)
    effects: Effects = field(repr=False)
    endorsers: tuple[str, ...] = ()
    validation: str = ""

    @classmethod
    def of(cls, call: Call, response: Response, effects: Effects) -> Self:
        """Return the result of a call that ended with `response`."""
        return cls(
            tx_id=call.tx_id,
            function=call.function,
            timestamp_ms=call.timestamp_ms,
            args=tuple(call.args),
            response=response,
            outcome=effects.outcome(response),
            effects=effects,
        )

    @property
    def ok(self) -> bool:
        """Whether the response is one that a peer endorses."""
        return self.response.status < ERROR_THRESHOLD

    @property
    def committed(self) -> bool:
        """Whether the transaction is in a block and valid."""
        return self.validation == "VALID"

    @property
    def reads(self) -> Mapping[str, Version | None]:
        """Public keys read, with the version met; `None` for an absent key."""
        return self.effects.reads

    @property
    def writes(self) -> Mapping[str, bytes | None]:
        """Public keys written; `None` for a deletion."""
        return self.effects.writes

    @property
    def private_writes(self) -> Mapping[tuple[str, str], PrivateWrite]:
        """Private writes by collection and key."""
        return self.effects.private_writes

    @property
    def event(self) -> Event | None:
        """The chaincode event, delivered only if the transaction is valid."""
        return self.effects.event
