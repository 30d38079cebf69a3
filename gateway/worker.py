"""The worker as a process: `python -m countermark.gateway.worker --config FILE`.

It follows the ledger's blocks into the tables, brings transactions that nobody waits for to their end, and does its
party's own part of every trade (`duties`). Any number may run. `worker ready` appears on standard error when the
tables have caught up with the ledger and the platform's accounts are open; SIGTERM ends it.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from countermark.gateway import config, logs, pulse
from countermark.gateway.bell import Bell
from countermark.gateway.duties import HOUSEKEEPING_S, ON_BLOCKS_S, duties_of
from countermark.gateway.loops import Loop
from countermark.gateway.member.services import MemberServices
from countermark.gateway.metrics.endpoint import Endpoint
from countermark.gateway.metrics.loops import LoopFigures
from countermark.gateway.pulse import EVERY_S, Pulse
from countermark.gateway.services import PlatformServices
from countermark.gateway.wiring import from_config
from countermark.network.client import LedgerError
from countermark.platform.matching import probes
from countermark.platform.projection import Projector
from countermark.platform.store import channels, nonces, quotas
from countermark.platform.store.migrations import migrate
from countermark.platform.store.outbox import forget_calls
from countermark.platform.views import progress
from countermark.platform.webhooks.delivering import LANES
from countermark.protocol.errors import MarketError

_log = logging.getLogger(__name__)

READY = "worker ready"

END_S = 10.0
"""How long loops may take to end after SIGTERM."""

_OUTBOX_S = 0.5
_CLOCK_S = 1.0


class Worker:
    """The loops of one worker process."""

    def __init__(self, services: PlatformServices | MemberServices, *, pulse_file: Path | None = None) -> None:
        """``pulse_file`` is written while all loops go round, see `pulse`."""
        self._services = services
        self._bell = Bell(services.database, channels.BLOCKS, channels.WORK)
        self._news = Bell(services.database, channels.WEBHOOKS)
        self._stop = threading.Event()
        self._figures = LoopFigures(services.metrics)
        duties = duties_of(services)
        self._accounts = duties.accounts
        self._loops = [self._loop("projector", self._project, ON_BLOCKS_S, woken=False, endless=True)]
        self._loops += [self._loop("outbox", services.submitter.run_once, _OUTBOX_S)]
        self._loops += [
            self._loop(one.job.name, one.job.run_once, one.every_s, woken=one.woken) for one in duties.jobs
        ]
        if duties.deliver is not None:
            self._loops += [
                self._loop(f"webhooks {lane}", duties.deliver, ON_BLOCKS_S, bell=self._news)
                for lane in range(1, LANES + 1)
            ]
        forgetful = {
            "nonces": nonces.forget_expired,
            "ended calls": forget_calls,
            "past windows": quotas.forget_past,
            "old attempts": probes.forget_old,
        }
        self._loops += [
            self._loop(name, partial(forget, services.database), HOUSEKEEPING_S, woken=False)
            for name, forget in forgetful.items()
        ]
        if pulse_file is not None:
            beat = partial(_beat, Pulse(pulse_file, tuple(self._loops)))
            self._loops += [self._loop("pulse", beat, EVERY_S, woken=False)]

    def start(self, ready: Callable[[], None]) -> None:
        """Start all loops; ``ready`` is called once when everything is there."""
        for loop in self._loops:
            loop.start()
        threading.Thread(target=self._await_ready, args=(ready,), name="start", daemon=True).start()

    def stop(self) -> None:
        """End all loops and give up what they hold."""
        self._stop.set()
        self._bell.close()
        self._news.close()
        # Ends the stream of blocks, in which the projector would wait for the next one.
        self._services.chain.close()
        for loop in self._loops:
            if not loop.join(END_S):
                _log.warning("loop %s has not ended in time", loop.name)
        self._services.close()

    def _loop(self, name: str, step: Any, every_s: float, *, bell: Bell | None = None, **options: bool) -> Loop:
        return Loop(name, step, every_s=every_s, bell=bell or self._bell, figures=self._figures, **options)

    def _project(self) -> None:
        chaincode = self._services.site.market.partition("/")[2]
        Projector(self._services.database, chaincode=chaincode).follow(self._services.chain, self._stop)

    def _await_ready(self, ready: Callable[[], None]) -> None:
        """Call ``ready`` when the tables have reached the ledger's present height and the accounts are open."""
        height, complete = 0, False

        def look() -> None:
            nonlocal height, complete
            height = height or self._services.chain.height()
            with self._services.database.begin() as connection:
                caught_up = progress.height(connection) >= height
            complete = caught_up and not (self._accounts and list(self._accounts.find()))

        looking = self._loop("start", look, _CLOCK_S)
        while not (complete or self._stop.is_set()):
            rung = self._bell.rung()
            looking.attempt()
            if not complete:
                self._bell.wait(rung, _CLOCK_S)
        if complete:
            ready()


def _beat(pulse: Pulse) -> None:
    if stuck := pulse.beat():
        _log.error("no pulse: %s", ", ".join(stuck))


def main() -> int:
    """Run the worker until SIGTERM or SIGINT; status 1 when it cannot start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=os.environ.get(config.ENVIRONMENT), help="configuration file")
    parser.add_argument(
        "--pulse", type=Path, default=os.environ.get(pulse.ENVIRONMENT), help="file to write a pulse to"
    )
    arguments = parser.parse_args()
    if arguments.config is None:
        parser.error(f"--config or {config.ENVIRONMENT} is needed")
    logs.configure("worker")
    try:
        configured = config.load(Path(arguments.config))
        services = from_config(configured)
        migrate(services.database)
    except (MarketError, LedgerError) as error:
        _log.error("the worker cannot start: %s", error)
        return 1
    # Blocked before any thread starts, so that they all wait for the main thread to take them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        endpoint = None if configured.metrics is None else Endpoint(services.metrics, configured.metrics)
    except MarketError as error:
        _log.error("the worker cannot start: %s", error)
        return 1
    worker = Worker(services, pulse_file=None if arguments.pulse is None else Path(arguments.pulse))
    worker.start(_say_ready)
    signal.sigwait(signals)
    worker.stop()
    if endpoint is not None:
        endpoint.stop()
    return 0


def _say_ready() -> None:
    _log.info(READY)


if __name__ == "__main__":
    sys.exit(main())
