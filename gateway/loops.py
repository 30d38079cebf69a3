"""Threads that do the same thing again and again, woken by a notification or a timer; one's failure is its own."""

import threading
import time
from collections.abc import Callable

import structlog

from countermark.gateway.bell import Bell
from countermark.gateway.metrics.loops import LoopFigures
from countermark.gateway.tracebacks import places
from countermark.platform.observing.about import about
from countermark.platform.ports import LedgerError
from countermark.protocol.errors import MarketError

_log = structlog.stdlib.get_logger("countermark.worker")

REST_S = 1.0
"""Pause after a failure, so that a part that is away is not asked without end."""


class Loop:
    """Calls ``step`` whenever the bell has rung, and at least every ``every_s`` seconds."""

    def __init__(
        self,
        name: str,
        step: Callable[[], object],
        *,
        every_s: float,
        bell: Bell,
        figures: LoopFigures | None = None,
        woken: bool = True,
        endless: bool = False,
    ) -> None:
        """``woken`` False listens to the timer alone; an ``endless`` step goes on for as long as it has to.

        ``figures`` counts the turns.
        """
        self.name = name
        self._endless = endless
        self._began: float | None = None
        self._step = step
        self._every_s = every_s
        self._bell = bell
        self._woken = woken
        self._figures = figures
        if figures is not None:
            figures.announce(name)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait until the loop has ended, which it does once the bell is closed; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stuck(self, longest_s: float) -> bool:
        """Return whether the loop has ended, or its present step has taken more than ``longest_s`` seconds."""
        began = self._began
        late = began is not None and not self._endless and time.monotonic() - began > longest_s
        return late or not self._thread.is_alive()

    def _run(self) -> None:
        while not self._bell.closed:
            rung = self._bell.rung()
            if self.attempt():
                self._rest(rung, self._every_s, woken=self._woken)
            else:
                self._rest(rung, REST_S, woken=False)

    def attempt(self) -> bool:
        """Call ``step`` once, and return whether it ended well."""
        self._began = time.monotonic()
        well = self._attempt()
        if self._figures is not None:
            self._figures.count(self.name, well=well)
        return well

    def _attempt(self) -> bool:
        try:
            self._step()
        except (MarketError, LedgerError) as error:
            with about(txid=error.tx_id if isinstance(error, LedgerError) else ""):
                _log.warning("loop waits", loop=self.name, error=str(error))
        except Exception as error:
            # A worker's outermost boundary: a defect in one loop must not end the others. The text of an unforeseen
            # error may quote what it choked on, so only its type and its places are logged.
            _log.error("loop failed", loop=self.name, error=type(error).__name__, at=places(error))
        else:
            return True
        finally:
            self._began = None
        return False

    def _rest(self, rung: int, seconds: float, *, woken: bool) -> None:
        """Wait ``seconds``, or until the bell has rung where it wakes; a closed bell ends every wait."""
        ends = time.monotonic() + seconds
        while not self._bell.closed and (left := ends - time.monotonic()) > 0:
            before, rung = rung, self._bell.wait(rung, left)
            if woken and rung > before:
                return
