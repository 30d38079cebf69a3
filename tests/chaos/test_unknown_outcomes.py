"""An answer of the ledger is lost, the work behind it done: each outcome is found by the same transaction id.

The embedded peer as a process of its own with the real contracts, the real outbox on PostgreSQL, and a worker that
goes on with what is left open. The peer drops an answer where a failpoint tells it to.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from countermark import faults
from countermark.faults import Action, Point
from countermark.gateway.bell import Bell
from countermark.gateway.ledger import FabricLedger
from countermark.network.client import GatewayClient
from countermark.platform.projection.projector import Projector
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Entry, Outbox, Request, State, Submitter
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.secrets import SecretBox
from countermark.protocol import intents
from tests.fixtures.postgres import fresh_database
from tests.support import figures
from tests.support.embedded import EmbeddedNetwork
from tests.support.embedded_backend import SERVER
from tests.support.gateway_backend import UNITS, OverGateways
from tests.support.market import BOND, PLATFORM, PRICE, SUPERVISOR, TRADER, Market
from tests.support.sizes import size

DROPPED = size(100, 1000)
WAIT_S = 60.0
TURN_S = 0.05
AMOUNT = 7
NAMES = {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "trader"}

MOMENTS = {
    "after submit": Point.SUBMIT_ANSWERED,
    "after ordering": Point.ENVELOPE_QUEUED,
    "before commit status": Point.STATUS_KNOWN,
}


@dataclass
class Side:
    """One gateway process of ours: its outbox, which asks one peer or goes on to another one."""

    database: Database
    client: GatewayClient
    ledger: FabricLedger = field(init=False)
    outbox: Outbox = field(init=False)
    submitter: Submitter = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = FabricLedger(self.client)
        self.outbox = Outbox(self.ledger, SecretBox({1: b"k" * 32}, 1))
        self.submitter = Submitter(self.database, self.ledger, self.outbox)


class Scene:
    """A founded market on the embedded peer, tables that follow it, and a worker on the outbox."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._stack = ExitStack()
        self._stop = threading.Event()
        self._database = database
        self.failpoints = folder / "failpoints"
        self.failpoints.mkdir()
        self.network = EmbeddedNetwork(
            folder / "network", script=SERVER, environment={faults.DIRECTORY: str(self.failpoints)}
        )
        self._stack.callback(self.network.close)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self.network.start()
        clients = {(msp_id, unit): self.network.client(name) for msp_id, name in NAMES.items() for unit in UNITS}
        self.market = Market(OverGateways(clients, live=True))
        self.sides = {
            "one gateway": Side(self._database, self.network.client("platform")),
            "two gateways": Side(self._database, self.network.client("platform", "supervisor")),
        }
        self._side = self.sides["one gateway"]
        self._bell = Bell(self._database)
        self._stack.callback(self._bell.close)
        self._follow(self._project)
        self._follow(self._work)

    def _follow(self, target: Any) -> None:
        thread = threading.Thread(target=target, name=target.__name__)
        thread.start()
        self._stack.callback(thread.join)

    def _project(self) -> None:
        Projector(self._database, chaincode="countermark").follow(self._side.ledger, self._stop)

    def _work(self) -> None:
        while not self._stop.wait(TURN_S):
            self._side.submitter.run_once()

    def close(self) -> None:
        self._stop.set()
        for side in getattr(self, "sides", {}).values():
            side.ledger.close()  # ends the stream of blocks
        self._stack.close()

    def transfer(self) -> Request:
        """The buyer pays the seller a little."""
        params = {"to": self.market.seller.address, "amount": str(AMOUNT)}
        return self._request("coin.transfer", params, AMOUNT)

    def purchase(self, listing: str) -> Request:
        """The buyer pays for a contract."""
        return self._request("trade.pay", self.market.pay_params(listing), PRICE + BOND)

    def _request(self, action: str, params: dict[str, Any], amount: int) -> Request:
        token = self.market.sign(self.market.buyer, action, params)
        intent = intents.parse(token, market=self.market.backend.market, action=action)
        return Request.by_intent(intent, amount=amount)

    def drop(self, point: Point, request: Request, side: Side, *, wait_s: float) -> tuple[Entry, Entry]:
        """Have one answer dropped while `request` is served; return the row as the trader first sees it, and last."""
        faults.arm(self.failpoints, point, Action.FAIL)
        first = side.submitter.request(request, wait_s=wait_s)
        last = side.submitter.wait(first.request_id, timeout_s=WAIT_S)
        assert faults.armed(self.failpoints) == [], f"nobody has reached {point}"
        self.catch_up()
        return first, last

    def catch_up(self) -> None:
        """Wait until the tables have all coins; a payment that had to wait for some would be proposed anew."""
        assert self._bell.wait_height(self.height, timeout_s=WAIT_S)

    def money(self) -> tuple[int, int]:
        """What seller and buyer have; all coins together are what was minted."""
        assert self.market.total() == self.market.minted
        return self.market.balance(self.market.seller), self.market.balance(self.market.buyer)

    def verdicts(self, start: int) -> dict[str, list[str]]:
        """What the blocks from `start` on say of each transaction id, in order."""
        client = self.sides["one gateway"].client
        found: dict[str, list[str]] = {}
        for block in client.blocks(start, stop=client.newest_block().number):
            for transaction in block.transactions:
                found.setdefault(transaction.tx_id, []).append(transaction.code_name)
        return found

    @property
    def height(self) -> int:
        return self.sides["one gateway"].client.newest_block().number + 1


@pytest.fixture(scope="module")
def scene(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("countermark.platform.store.outbox.queue.REST_MS", 20)  # rows that wait are not what is tested
        for database in fresh_database(postgres_server, migrated_template):
            with closing(Scene(database, tmp_path_factory.mktemp("outcomes"))) as scene:
                yield scene


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_unknown_outcome_is_resolved_by_the_same_transaction_id(scene: Scene) -> None:
    market, buys = scene.market, -(-DROPPED // 5)
    listings = iter([market.list_data(data=b"photo %d" % number)["id"] for number in range(buys)])
    spent = AMOUNT * (DROPPED - buys) + (PRICE + BOND) * buys
    market.fund(market.buyer, spent + 1)
    scene.catch_up()
    (seller, buyer), start, reached = scene.money(), scene.height, faults.reached(scene.failpoints)
    # Whoever waits for the outcome, and whoever leaves it to a worker; with one gateway, and with another beside it.
    ways = itertools.cycle(itertools.product(MOMENTS.values(), scene.sides.values(), (WAIT_S, 0.0)))
    ids, dropped = [], Counter[Point]()
    for number, (point, side, wait_s) in zip(range(DROPPED), ways, strict=False):
        request = scene.transfer() if number % 5 else scene.purchase(next(listings))
        first, last = scene.drop(point, request, side, wait_s=wait_s)
        assert (last.state, last.tx_id, last.attempt, last.error) == (State.COMMITTED, first.tx_id, 1, None)
        ids.append(last.tx_id)
        dropped[point] += 1
    assert faults.reached(scene.failpoints) - reached == dropped
    assert set(dropped) == set(MOMENTS.values())
    verdicts = scene.verdicts(start)
    assert set(verdicts) == set(ids), "nothing else was ordered"
    copies = 0
    for tx_id in ids:
        valid, *others = verdicts[tx_id]
        assert (valid, set(others) - {"DUPLICATE_TXID"}) == ("VALID", set())
        copies += len(others)
    assert scene.money() == (seller + AMOUNT * (DROPPED - buys), buyer - spent)
    figures.show(
        f"unknown outcomes: {DROPPED} answers dropped, {len(ids)} resolved by the same transaction id, "
        f"one effect each; {copies} further copies were ordered and found to be duplicates"
    )


@pytest.mark.timeout(600)
def test_a_lost_endorsement_costs_nothing_and_leaves_nothing(scene: Scene) -> None:
    """No envelope was signed, so the same proposal may go to another gateway, or a new one be made later."""
    scene.market.fund(scene.market.buyer, 4 * AMOUNT)
    scene.catch_up()
    (seller, buyer), start = scene.money(), scene.height
    for side in scene.sides.values():
        for wait_s in (WAIT_S, 0.0):
            first, last = scene.drop(Point.PROPOSAL_SIMULATED, scene.transfer(), side, wait_s=wait_s)
            assert last.state is State.COMMITTED
            assert (last.tx_id == first.tx_id) == (side is scene.sides["two gateways"])
    assert list(scene.verdicts(start).values()) == [["VALID"]] * 4
    assert scene.money() == (seller + 4 * AMOUNT, buyer - 4 * AMOUNT)
