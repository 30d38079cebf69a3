"""A look-out beside a stream of blocks or events, which itself can only wait.

Nothing comes while nothing happens, so a stream cannot tell a quiet ledger from a gateway that hangs: its connection
stands, and keepalive takes more than a minute to find out. Nor can it tell that a better gateway is there again. The
look-out asks both, by calls that have a deadline, so that a client which makes no other calls is served as well.
"""

import threading
import time
from collections.abc import Callable

from countermark.network.client.errors import DeliverError, LedgerError
from countermark.network.client.gateways import Attempt
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Retry

LOOK_S = 1.0
"""How often it looks."""

QUIET_S = 3.0
"""How long a stream may bring nothing before its gateway is asked whether it is there."""

ANSWER_S = 3.0
"""How long a gateway may take to answer when it is asked that."""

Probe = Callable[[Attempt, float], object]
"""Asks a gateway for something that it has at hand, within so many seconds; raises LedgerError."""


class Lookout:
    """Watches over one stream from a thread of its own, until `end`."""

    def __init__(
        self, attempt: Attempt, probe: Probe, quit_: Callable[[DeliverError], None], *, endless: bool
    ) -> None:
        """Watch over the stream of `attempt`, which `quit_` breaks off for the reason given.

        An `endless` one is also broken off when a gateway is there that is preferred to the one it comes from.
        """
        self._attempt = attempt
        self._probe = probe
        self._quit = quit_
        self._endless = endless
        self._heard_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def heard(self) -> None:
        """Say that something has come."""
        self._heard_at = time.monotonic()

    def end(self) -> None:
        """Watch no longer; does not wait for a question that is under way."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            why = self._look()
            if why is not None:
                self._quit(why)
                return

    def _look(self) -> DeliverError | None:
        """Return why the stream is to be broken off, None if it is to go on."""
        if self._endless and self._better():
            return _broken("a gateway that is preferred is back", Retry.SAME)
        quiet = time.monotonic() - self._heard_at >= QUIET_S
        if not quiet and not self._attempt.doubted:
            return None
        try:
            self._probe(self._attempt, ANSWER_S)
        except LedgerError as error:
            self._attempt.failed(error)
            return _broken(f"the gateway does not answer: {error.detail}", Retry.OTHER)
        self._attempt.trust()
        self.heard()
        return None

    def _better(self) -> bool:
        """Return whether a preferred gateway is there, after asking those whose turn it is."""
        for rival in self._attempt.rivals():
            try:
                self._probe(rival, ANSWER_S)
            except LedgerError as error:
                rival.failed(error)
            else:
                rival.answered()
        return self._attempt.outranked


def _broken(detail: str, retry: Retry) -> DeliverError:
    return DeliverError(ErrorCode.LEDGER_UNAVAILABLE, f"stream: {detail}", retry=retry)
