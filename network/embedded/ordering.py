"""The ordering service: takes signed envelopes, gathers them for a moment, has each batch committed as a block."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from countermark.faults import Point, reach
from countermark.network.blocks import check_well_formed
from countermark.network.embedded.errors import ProposalError
from countermark.network.embedded.membership import WRITERS, Membership
from countermark.network.envelopes import Envelope, HeaderType
from countermark.network.errors import EnvelopeError, IdentityError, NetworkError, SignatureError

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
        self._waiting: deque[bytes] = deque()
        self._closed = False
        # Guards both: an envelope is either taken and will be in a block, or refused.
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="orderer", daemon=True)

    def start(self) -> None:
        """Begin to cut blocks."""
        self._thread.start()

    def submit(self, raw: bytes, *, now_ms: int) -> None:
        """Take the envelope `raw` (common.Envelope) for one of the next blocks; what it says is judged there.

        Raises:
            ProposalError: It is too large, not an envelope in its one encoding, of another channel or kind, or not
                signed by a member who may write; or the service is full or stopping (`busy`).
        """
        if len(raw) > self._max_envelope_bytes:
            raise ProposalError("too_large", f"an envelope of {len(raw)} bytes")
        try:
            check_well_formed(raw)
            envelope = Envelope.parse(raw)
            header = envelope.header
            if header.channel != self._channel:
                raise ProposalError("no_such_channel", f"channel '{header.channel}' not found")
            if header.type is not HeaderType.ENDORSER_TRANSACTION:
                raise ProposalError("not_a_transaction", f"header type {header.type.name}")
            self._membership.authenticate(
                header.creator, envelope.signature, envelope.payload, at_ms=now_ms, roles=WRITERS
            )
        except EnvelopeError as error:
            raise ProposalError("malformed_envelope", str(error)) from error
        except (IdentityError, SignatureError) as error:
            raise ProposalError("not_authorised", str(error)) from error
        with self._changed:
            if self._closed:
                raise ProposalError("busy", "the ordering service is stopping")
            if len(self._waiting) >= _WAITING:
                raise ProposalError("busy", "the ordering service has too many transactions waiting")
            self._waiting.append(raw)
            self._changed.notify()
            # Under the lock, without which no block is cut.
            reach(Point.ENVELOPE_QUEUED)

    def stop(self) -> None:
        """Commit what has been taken, and stop; whatever became of the thread, this ends with it."""
        self._close()
        if self._thread.ident is not None:
            self._thread.join()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            while batch := self._gather():
                self._commit(batch)
        except NetworkError:
            self._close()
            _LOGGER.exception("a block could not be committed")
            self._failed()
        except Exception:  # the outermost loop of the ordering thread: without it the peer must not go on
            self._close()
            _LOGGER.exception("the ordering service failed")
            self._failed()

    def _gather(self) -> list[bytes]:
        """Wait for the first envelope, and for its window to pass, and return a batch; an empty one at the end."""
        batch: list[bytes] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            deadline = time.monotonic() + self._batching.window_ms / 1000
            while len(batch) < self._batching.max_messages and size < self._batching.max_bytes:
                if not self._waiting and not self._closed:
                    self._changed.wait_for(
                        lambda: self._waiting or self._closed, timeout=max(0.0, deadline - time.monotonic())
                    )
                if not self._waiting:
                    break
                envelope = self._waiting.popleft()
                batch.append(envelope)
                size += len(envelope)
        return batch
