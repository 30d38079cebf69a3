"""An entry of the board and the bytes of its leaf."""

from dataclasses import dataclass, field

from countermark.protocol import canonical, merkle, times

KINDS = {"seller": "seller_notice", "buyer": "buyer_notice"}
"""Kind of entry for each role of a notice (steps (16) and (20))."""


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

    def leaf_hash(self) -> bytes:
        """Return the hash of the entry's leaf (RFC 6962 section 2.1).

        The leaf holds the whole signed notice, whose 32 random bytes keep the hash from telling anything about it.
        """
        return merkle.leaf_hash(
            canonical.dumps(
                {
                    "digest": self.digest,
                    "kind": self.kind,
                    "received_at": times.to_text(self.received_at_ms),
                    "seq": self.seq,
                    "signer": self.signer,
                    "token": self.token,
                    "trade": self.trade,
                }
            )
        )
