"""The ordering service: takes signed envelopes, gathers them for a moment, has each batch committed as a block."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from countermark.network.embedded.errors import ProposalError
from countermark.network.embedded.membership import WRITERS, Membership
from countermark.network.envelopes import Envelope, HeaderType
from countermark.network.errors import IdentityError, NetworkError, SignatureError

_LOGGER = logging.getLogger(__name__)
_WAITING: Final = 10_000


class Batching(NamedTuple):
    """When a block is cut: `window_ms` after its first envelope, or at `max_messages` or `max_bytes`."""

    window_ms: int = 10
    max_messages: int = 100
    max_bytes: int = 2 * 1024 * 1024


class Orderer:
    """Orders the envelopes of `channel`; `commit` gets each batch, one after the other, from one thread.

    `failed` is called if a batch cannot be committed: the ledger can then not go on in this process.
    """

    def __init__(
        self,
        channel: str,
        membership: Membership,
        commit: Callable[[Sequence[bytes]], None],
        failed: Callable[[], None],
        *,
        batching: Batching,
        max_envelope_bytes: int = 10 * 1024 * 1024,
    ) -> None:
        self._channel = channel
        self._membership = membership
        self._commit = commit
        self._failed = failed
        self._batching = batching
        self._max_envelope_bytes = max_envelope_bytes
        self._queue: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="orderer", daemon=True)

    def start(self) -> None:
        """Begin to cut blocks."""
        self._thread.start()

    def submit(self, raw: bytes, *, now_ms: int) -> None:
        """Take the envelope `raw` (common.Envelope) for one of the next blocks; what it says is judged there.

        Raises:
            ProposalError: It is too large, of another channel or kind, or not signed by a member who may write; or
                the service is full or stopping (`busy`).
        """
        if len(raw) > self._max_envelope_bytes:
            raise ProposalError("too_large", f"an envelope of {len(raw)} bytes")
        try:
            envelope = Envelope.parse(raw)
            header = envelope.header
            if header.channel != self._channel:
                raise ProposalError("no_such_channel", f"channel '{header.channel}' not found")
            if header.type is not HeaderType.ENDORSER_TRANSACTION:
                raise ProposalError("not_a_transaction", f"header type {header.type.name}")
            self._membership.authenticate(
                header.creator, envelope.signature, envelope.payload, at_ms=now_ms, roles=WRITERS
            )
        except (IdentityError, SignatureError) as error:
            raise ProposalError("not_authorised", str(error)) from error
        try:
            if self._closed:
                raise ProposalError("busy", "the ordering service is stopping")
            self._queue.put_nowait(raw)
        except queue.Full as error:
            raise ProposalError("busy", "the ordering service has too many transactions waiting") from error

    def stop(self) -> None:
        """Commit what has been taken, and stop."""
        self._closed = True
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                batch, last = self._gather(first)
                self._commit(batch)
                if last:
                    return
        except NetworkError:
            self._closed = True
            _LOGGER.exception("a block could not be committed")
            self._failed()
        except Exception:  # the outermost loop of the ordering thread: without it the peer must not go on
            self._closed = True
            _LOGGER.exception("the ordering service failed")
            self._failed()

    def _gather(self, first: bytes) -> tuple[list[bytes], bool]:
        """Return a batch that begins with `first`, and whether the service is to stop after it."""
        batch, size = [first], len(first)
        deadline = time.monotonic() + self._batching.window_ms / 1000
        while len(batch) < self._batching.max_messages and size < self._batching.max_bytes:
            try:
                following = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if following is None:
                return batch, True
            batch.append(following)
            size += len(following)
        return batch, False
