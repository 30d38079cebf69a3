"""Requests that have left and whose end is not known, kept in the vault from before they leave.

Who asks for the same act again goes on with the request that he made before, for a new one would have another nonce:
what it pays would be paid twice. A record goes only when its request has committed or can no longer do so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from countermark.client.vault import Vault
from countermark.protocol import canonical

KIND = "unanswered"


@dataclass(frozen=True)
class Posting:
    """A request that makes or changes ``entity``; its intent, if it holds one, expires at ``expires_at_ms``.

    For ``patience_s`` seconds the gateway may still be at work on it when it is sent again.
    """

    path: str
    body: dict[str, Any] = field(repr=False)
    entity: str
    expires_at_ms: int
    patience_s: int = 0


class Slot:
    """The place of one act's request; without a vault nothing is kept."""

    def __init__(self, vault: Vault | None, name: str) -> None:
        self._vault = vault
        self._name = name

    def load(self) -> Posting | None:
        """Return the request that an earlier run has left unanswered.

        Raises:
            ClientError: the record was altered.
        """
        record = None if self._vault is None else self._vault.get(KIND, self._name)
        return None if record is None else Posting(**record)

    def keep(self, posting: Posting) -> None:
        """Store ``posting``, before it leaves."""
        if self._vault is not None:
            self._vault.put(KIND, self._name, asdict(posting))

    def forget(self) -> None:
        """Remove the request, whose end is known."""
        if self._vault is not None:
            self._vault.delete(KIND, self._name)


@contextmanager
def slot(vault: Vault | None, act: tuple[object, ...]) -> Iterator[Slot]:
    """Give the place of the request for ``act``, an action's name and what tells it from others of that name.

    Of two processes that do the same at the same moment, one waits for the other: neither takes the other's request
    for one that was left behind.
    """
    name = sha256(canonical.dumps(list(act))).hexdigest()
    if vault is None:
        yield Slot(None, name)
        return
    with vault.locked(KIND, name):
        yield Slot(vault, name)
