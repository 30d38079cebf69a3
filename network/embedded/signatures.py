"""Checks of signatures, with a memory: what this process has checked or made itself, it does not check again.

The ordering service looks at a client's signature when it takes an envelope, and the committing peer when it commits
it, together with endorsements that were made here. On Fabric each is a process of its own; here one does it all, and
nothing that it computes takes longer. Whether a signature holds depends on three strings of bytes and never changes.
Whether its maker may sign, and whether his certificate has expired, does change and is no part of this.
"""

import hashlib
import threading
from typing import Final

from countermark.network.identities import SerializedIdentity

_MOST: Final = 20_000
"""Signatures that are remembered, the newest ones: more than transactions can wait for their block."""


class Signatures:
    """The signatures that are known to hold; safe from any thread."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[bytes, None] = {}
        self._lock = threading.Lock()

    def check(self, signer: bytes, signature: bytes, data: bytes) -> None:
        """Check that the owner of the serialized identity `signer` signed `data`.

        Raises:
            IdentityError: The identity does not parse.
            SignatureError: The signature is not his.
        """
        digest = _digest(signer, signature, data)
        if digest not in self._known:
            SerializedIdentity.parse(signer).verify(signature, data)
            self._remember(digest)

    def made(self, signer: bytes, signature: bytes, data: bytes) -> None:
        """Note that this process has signed `data` with the key of `signer`."""
        self._remember(_digest(signer, signature, data))

    def _remember(self, digest: bytes) -> None:
        with self._lock:
            self._known[digest] = None
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]


def _digest(signer: bytes, signature: bytes, data: bytes) -> bytes:
    # With the lengths of two before them, no other three strings have the same bytes.
    return hashlib.sha256(b"%d %d " % (len(signer), len(signature)) + signer + signature + data).digest()
