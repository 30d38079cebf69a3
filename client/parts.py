"""The fingerprints of a large collection on their way to the platform, in parts, from where an earlier run stopped.

A part is sealed anew each time, and then has another digest. So the vault remembers which digest each part went
under: whoever goes on asks the gateway for that, and seals and sends only what is not there.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from countermark.client.errors import ClientError
from countermark.client.market import Market
from countermark.client.transfers import Progress, no_progress
from countermark.client.vault import Vault
from countermark.protocol import parts
from countermark.protocol.commitments import fingerprint_root
from countermark.protocol.errors import ErrorCode

INLINE_BYTES = 4 << 20
"""Fingerprints of so many bytes in all still go with their application."""

_KIND = "parts"


def are_needed(items: Sequence[bytes]) -> bool:
    """Return whether ``items``, canonical fingerprints, are too long for one message."""
    return sum(map(len, items)) > INLINE_BYTES


def upload(market: Market, vault: Vault, items: Sequence[bytes], progress: Progress = no_progress) -> list[str]:
    """Send ``items`` to the platform and return the digests of their parts, in their order.

    What is there is not sent again. ``progress`` is told how many fingerprints are there, of how many.

    Raises:
        ClientError: the gateway refuses, or stays unreachable.
    """
    sent, digests, done = _Sent(market, vault, items), [], 0
    for plaintext in parts.plaintexts(items):
        digest = sent.find(plaintext)
        if digest is None or not _is_there(market, digest):
            message = market.seal(plaintext, kind=parts.KIND)
            digest = parts.digest_of(message)
            market.http.put(f"/v1/fingerprints/{digest}", {"sealed": message})
            sent.add(plaintext, digest)
        digests.append(digest)
        done += len(parts.parse(plaintext))
        progress(done, len(items))
    return digests


def forget(market: Market, vault: Vault, items: Sequence[bytes]) -> None:
    """Forget under which digests ``items`` went: their application was decided on."""
    _Sent(market, vault, items).forget()


def _is_there(market: Market, digest: str) -> bool:
    try:
        market.http.get(f"/v1/fingerprints/{digest}")
    except ClientError as error:
        if error.code == ErrorCode.NOT_FOUND:
            return False
        raise
    return True


class _Sent:
    """Under which digest each part of some fingerprints went, by the digest of its plaintext."""

    def __init__(self, market: Market, vault: Vault, items: Sequence[bytes]) -> None:
        self._vault = vault
        # To another version of the platform's key they go as other parts.
        subject = (market.name, market.config.platform.encryption_key.version, fingerprint_root(items).hex())
        self._name = sha256(repr(subject).encode()).hexdigest()[:32]
        record: dict[str, Any] = vault.get(_KIND, self._name) or {}
        self._digests = dict(record)

    def find(self, plaintext: bytes) -> str | None:
        return self._digests.get(sha256(plaintext).hexdigest())

    def add(self, plaintext: bytes, digest: str) -> None:
        self._digests[sha256(plaintext).hexdigest()] = digest
        self._vault.put(_KIND, self._name, self._digests)

    def forget(self) -> None:
        self._vault.delete(_KIND, self._name)
