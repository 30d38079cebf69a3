"""An entry of the send-receive board, and the bytes of its leaf, which its party can make again from what it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from countermark.protocol import canonical, fields, jws, merkle, times
from countermark.protocol.encoding import as_digest
from countermark.protocol.notices import SignedNotice
from countermark.protocol.receipts import Receipt

KINDS: Final = {"seller": "seller_notice", "buyer": "buyer_notice"}
"""Kind of entry for each role of a notice (steps (16) and (20))."""

number = fields.integer(0, 2**53 - 1)
"""Parser of an entry's number."""

_MEMBERS: Mapping[str, fields.Parser] = {
    "digest": fields.digest,
    "kind": fields.choice(*KINDS.values()),
    "received_at": times.from_text,
    "seq": number,
    "signer": fields.address,
    "token": fields.text(jws.MAX_TOKEN),
    "trade": fields.trade,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice as it stands on the board.

    ``seq`` is the leaf's index, 0, 1, 2, … without gaps; ``digest`` that of the notice's payload, which `trade.send`,
    `trade.remedy` or `trade.ack` carries.
    """

    seq: int
    kind: str
    trade: str
    signer: str
    digest: str
    received_at_ms: int
    token: str = field(repr=False)

    @classmethod
    def of(cls, notice: SignedNotice, *, seq: int, received_at_ms: int) -> Self:
        """Return the entry that ``notice`` makes as number ``seq``."""
        kind, trade = KINDS[notice.notice.role], notice.notice.trade
        return cls(seq, kind, trade, notice.signer, notice.digest, received_at_ms, notice.token)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the entry of the JSON object that `to_json` gives.

        Raises:
            MarketError: MALFORMED_REQUEST, or a code of a member's own.
        """
        members = fields.record(value, _MEMBERS)
        return cls(received_at_ms=members.pop("received_at"), **members)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object whose canonical bytes are the leaf."""
        return {
            "digest": self.digest,
            "kind": self.kind,
            "received_at": times.to_text(self.received_at_ms),
            "seq": self.seq,
            "signer": self.signer,
            "token": self.token,
            "trade": self.trade,
        }

    def leaf_hash(self) -> bytes:
        """Return the hash of the entry's leaf (RFC 6962 section 2.1).

        The leaf holds the whole signed notice, whose 32 random bytes keep the hash from telling anything about it.
        """
        return merkle.leaf_hash(canonical.dumps(self.to_json()))

    def receipt(self, *, anchored_by_ms: int) -> Receipt:
        """Return the receipt that the entry's party gets for it."""
        leaf = as_digest(self.leaf_hash())
        return Receipt(self.kind, self.trade, leaf, self.received_at_ms, anchored_by_ms, self.seq)
