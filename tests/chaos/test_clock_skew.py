"""A clock that is wrong by more than the peers' window stops writes and nothing else, and is told by its name.

No trade ends for it, no deadline fires, and when it is right again everything goes on by itself.
"""

import json
import random
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.protocol import intents
from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane
from tests.support.remote import RemoteTrader
from tests.support.skewed import sitecustomize
from tests.support.whole_platform import Platform

SKEW_MS = 20_000
"""More than the 5 s of the embedded peer's window, and less than the minute by which an intent may be ahead."""

GATEWAY, WORKER, PEER = "countermark.gateway.server", "countermark.gateway.worker", "countermark.network.embedded"
WAIT_S = 240.0

DIRECTIONS = pytest.mark.parametrize("ahead_ms", [SKEW_MS, -SKEW_MS], ids=["ahead", "behind"])


@dataclass
class Clocks:
    """A platform each of whose processes has a clock of its own, and those who trade there."""

    platform: Platform
    folder: Path
    lanes: list[Lane] = field(default_factory=list)

    @contextmanager
    def wrong(self, ahead_ms: int, *modules: str) -> Iterator[None]:
        """Let the clocks of these processes be wrong while the block runs."""
        self._set(ahead_ms, modules)
        try:
            yield
        finally:
            self._set(0, modules)

    def _set(self, ahead_ms: int, modules: tuple[str, ...]) -> None:
        for module in modules:
            fresh = self.folder / "new"
            fresh.write_text(str(ahead_ms))
            fresh.replace(self.folder / module)

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Return one answer of the gateway, whatever it is."""
        context = ssl.create_default_context(cafile=str(self.platform.ca_file))
        return httpx.request(method, self.platform.url + path, json=body, verify=context, timeout=60)

    def readiness(self) -> tuple[int, list[str], str]:
        answer = self.ask("GET", "/readyz")
        document: dict[str, Any] = answer.json()
        return answer.status_code, document["away"], document["clock"]

    def misdated(self, process: str) -> int:
        """Return how often the ledger has refused what `process` proposed, because of its date."""
        log = (self.platform.data / "logs" / f"{process}.log").read_text()
        return sum("no endorsement of" in line and "incorrect timestamp" in line for line in log.splitlines())


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clocks]:
    folder = tmp_path_factory.mktemp("skew")
    (folder / "clocks").mkdir()
    loaded = str(Path(sitecustomize.__file__).parent)
    environment = {sitecustomize.DIRECTORY: str(folder / "clocks"), "PYTHONPATH": loaded}
    platform = Platform(folder / "data", environment=environment)
    platform.start()
    clocks = Clocks(platform, folder / "clocks")
    try:
        yield clocks
        bookkeeping.settle(platform)
        bookkeeping.check(platform, clocks.lanes)
        bookkeeping.check_logs(platform)
    finally:
        status = platform.stop()
    assert status == 0
    platform.discard()


@pytest.fixture
def lane(clocks: Clocks, tmp_path: Path) -> Iterator[Lane]:
    """Two traders of one test, who have traded once."""
    number = len(clocks.lanes)
    lane = Lane(clocks.platform, tmp_path / "lane", number, random.Random(number))
    clocks.lanes.append(lane)
    lane.trade()
    yield lane
    lane.close()


def until(true: Callable[[], bool], what: str) -> None:
    """Look again until `true()`, which takes the process that is looked at a turn."""
    give_up = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < give_up, what


def refusal(clocks: Clocks, trader: RemoteTrader) -> tuple[int, str, bool]:
    """Return status, code and `retryable` of the answer to a request of `trader` that changes nothing of a trade."""
    token = trader.market.sign("intent.cancel", {"nonce": intents.new_nonce()})
    answer = clocks.ask("POST", f"/v1/accounts/{trader.keys.address}/cancellations", {"intent": token})
    problem = json.loads(answer.text)
    return answer.status_code, problem.get("code", ""), problem.get("retryable", False)


@pytest.mark.slow
@pytest.mark.timeout(900)
@DIRECTIONS
@pytest.mark.parametrize("modules", [(GATEWAY, WORKER), (PEER,)], ids=["platform", "peer"])
def test_while_platform_and_peer_differ_writes_are_refused_by_a_code_of_their_own(
    clocks: Clocks, lane: Lane, modules: tuple[str, ...], ahead_ms: int
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with clocks.wrong(ahead_ms, *modules):
            assert clocks.readiness() == (503, ["clock"], "wrong")
            assert refusal(clocks, lane.pair[0]) == (503, "clock_skewed", True)
            before = clocks.misdated("worker")
            trading = pool.submit(lane.trade)
            until(lambda: clocks.misdated("worker") > before + 1, "the worker does not go on with it")
            assert not trading.done()
        # Who trades has waited, and needs nobody now that the clock is right again.
        trading.result(WAIT_S)
    assert clocks.readiness() == (200, [], "right")


@pytest.mark.slow
@pytest.mark.timeout(900)
@DIRECTIONS
def test_a_worker_whose_clock_is_wrong_ends_no_trade_and_goes_on_when_it_is_right(
    clocks: Clocks, lane: Lane, ahead_ms: int
) -> None:
    """What is the platform's to do waits, such as the relay; what traders ask for does not."""
    with ThreadPoolExecutor(1) as pool:
        with clocks.wrong(ahead_ms, WORKER):
            before = clocks.misdated("worker")
            trading = pool.submit(lane.trade)
            until(lambda: clocks.misdated("worker") > before + 1, "the worker has asked for nothing")
            assert clocks.readiness() == (200, [], "right")
            (one, two) = lane.pair
            assert not trading.done()
            assert one.trade(lane.trades[-1])["state"] == two.trade(lane.trades[-1])["state"] == "UPLOADED"
        trading.result(WAIT_S)


@pytest.mark.slow
@pytest.mark.timeout(900)
@DIRECTIONS
def test_a_gateway_whose_clock_is_wrong_says_so_and_leaves_its_writes_to_the_worker(
    clocks: Clocks, lane: Lane, ahead_ms: int
) -> None:
    with clocks.wrong(ahead_ms, GATEWAY):
        assert clocks.readiness() == (503, ["clock"], "wrong")
        lane.trade()
    assert clocks.readiness() == (200, [], "right")
