"""Item fingerprints on their way to the platform in parts, where one message cannot hold them all.

A part is a sealed message of the kind ``fingerprints-part`` whose plaintext is canonical JSON ``{"items": [base64url,
…]}``, some canonical fingerprints in the listing's order. It is known by its digest, and an application names its
parts in their order (protocol.md, step (4)). Nothing of it stands on the ledger.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from countermark.protocol import canonical, fields
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.sealed import OVERHEAD

KIND = "fingerprints-part"
"""Kind of the sealed message."""

MAX_ITEMS = 256
"""Most fingerprints in a part."""

MAX_BYTES = 4 << 20
"""Longest canonical JSON of a sealed part."""

MAX_PARTS = 4096
"""Most parts of an application."""

_AROUND = 1024
"""More than what stands in a sealed message around its ciphertext."""

MAX_PLAINTEXT = (MAX_BYTES - _AROUND) // 4 * 3 - OVERHEAD
"""Longest plaintext that gives no longer a part."""

_EMPTY = len(canonical.dumps({"items": []}))


def plaintexts(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the plaintexts of the parts that hold ``items``, in their order: the same items give the same."""
    some: list[str] = []
    size = _EMPTY
    for item in items:
        text = b64u(item)
        # Two quotation marks and a comma.
        longer = size + len(text) + 3
        if some and (len(some) == MAX_ITEMS or longer > MAX_PLAINTEXT):
            yield canonical.dumps({"items": some})
            some, longer = [], _EMPTY + len(text) + 3
        some.append(text)
        size = longer
    if some:
        yield canonical.dumps({"items": some})


def parse(plaintext: bytes) -> list[bytes]:
    """Return the fingerprints in the plaintext of a part; whether they are fingerprints is not looked at.

    Raises:
        MarketError: MALFORMED_REQUEST.
    """
    members = {"items": fields.sequence(unb64u, shortest=1, longest=MAX_ITEMS)}
    items: list[bytes] = fields.record(canonical.loads(plaintext), members)["items"]
    return items


def digest_of(message: dict[str, Any]) -> str:
    """Return ``sha256:…`` of the canonical JSON of a sealed message: the name of the part."""
    return digest(canonical.dumps(message))
