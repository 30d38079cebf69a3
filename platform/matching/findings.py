"""What a case of the gate is about: which registrations, and how much of each; for platform and supervisor."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countermark.platform.matching.holdings import Share
from countermark.platform.matching.likeness import Item
from countermark.platform.store.secrets import SecretBox
from countermark.protocol import canonical


@dataclass(frozen=True, slots=True)
class Findings:
    """The addresses that led to a decision, and how much of whose was at hand, whether or not it led to it."""

    matched: tuple[str, ...]
    shares: tuple[Share, ...] = ()


def seal_findings(box: SecretBox, case_number: str, findings: Findings) -> bytes:
    """Return ``findings`` sealed, and bound to their case."""
    shares = [
        {
            "address": share.address,
            "owner": share.owner,
            "mine": share.mine,
            "items": share.items,
            "taken": [list(item) for item in sorted(share.taken)],
        }
        for share in findings.shares
    ]
    document = {"matched": list(findings.matched), "shares": shares}
    return box.seal(canonical.dumps(document), context=_context(case_number))


def open_findings(box: SecretBox, case_number: str, sealed: bytes) -> Findings:
    """Return what `seal_findings` sealed.

    Raises:
        MarketError: INTERNAL when it was damaged, or is another case's.
    """
    document = canonical.loads(box.open(sealed, context=_context(case_number)))
    if isinstance(document, list):
        # Before listings had several items, the addresses were all there was.
        return Findings(tuple(document))
    return Findings(tuple(document["matched"]), tuple(_share(share) for share in document["shares"]))


def _share(record: Mapping[str, Any]) -> Share:
    taken: frozenset[Item] = frozenset((kind, place) for kind, place in record["taken"])
    return Share(record["address"], record["owner"], record["mine"], record["items"], taken)


def _context(case_number: str) -> str:
    return f"registrations/{case_number}/matched"
