"""A proposed market configuration and who has approved it."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from countermark.chaincode import state
from countermark.chaincode.records import moments
from countermark.protocol import times
from countermark.protocol.market import MarketConfig


@dataclass(frozen=True)
class Proposal:
    """One proposal; ``approvals`` maps MSPs to transactions, ``effective_ms`` is set once they suffice."""

    version: int
    digest: str
    config: dict[str, Any]
    proposed_ms: int
    approvals: dict[str, str] = field(default_factory=dict)
    effective_ms: int | None = None

    @property
    def key(self) -> str:
        """Its key in the world state."""
        return state.proposal(self.version, self.digest)

    def approved(self, msp_id: str, tx_id: str, rules: MarketConfig, now_ms: int) -> Self:
        """Return the proposal with one more approval; more than half of the organisations in ``rules`` suffice.

        The supervisor must be among them. The delay is that of the configuration still in force.
        """
        approvals = {**self.approvals, msp_id: tx_id}
        members = [msp for msp in approvals if msp in rules.organisations]
        enough = 2 * len(members) > len(rules.organisations) and rules.supervisor.msp_id in members
        effective_ms = self.effective_ms
        if effective_ms is None and enough:
            effective_ms = now_ms + rules.change_delay_s * 1000
        return replace(self, approvals=approvals, effective_ms=effective_ms)

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            "approvals": self.approvals,
            "config": self.config,
            "digest": self.digest,
            "effective_at": moments.write(self.effective_ms),
            "proposed_at": times.to_text(self.proposed_ms),
            "version": self.version,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the proposal of a record of the world state."""
        return cls(
            version=record["version"],
            digest=record["digest"],
            config=record["config"],
            proposed_ms=times.from_text(record["proposed_at"]),
            approvals=record["approvals"],
            effective_ms=moments.read(record["effective_at"]),
        )
