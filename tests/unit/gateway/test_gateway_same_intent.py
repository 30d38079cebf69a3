"""Copies of one intent that meet in the gateway: what was done for the first is not held against the second."""

from concurrent.futures import Future, ThreadPoolExecutor

from countermark.gateway.writes import Outcome, Writes
from countermark.platform.store.sql import Connection
from countermark.protocol import intents
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.front import Front
from tests.support.locks import await_waiter
from tests.support.market import actor
from tests.support.platform import MARKET


def test_copy_that_comes_while_the_first_is_checked_gets_its_answer_and_is_not_checked_itself(front: Front) -> None:
    """A check of the second copy would find what the first has just done: a trade that is funded already, say."""
    front.world.market.mint(front.world.market.buyer, 10)
    params = {"to": actor("seller").address, "amount": "7"}
    token = intents.sign(
        actor("buyer").key,
        market=MARKET,
        action="coin.transfer",
        params=params,
        issued_at_ms=front.services.clock(),
    )
    writes = Writes(front.services)
    second: list[Future[Outcome]] = []

    def refuse(_connection: Connection) -> None:
        raise MarketError(ErrorCode.WRONG_STATE, "it has been done already")

    def ask_again() -> Outcome:
        return writes.ask(writes.parse(token, "coin.transfer"), wait_s=30, may=refuse)

    with ThreadPoolExecutor(1) as pool:

        def meet(connection: Connection) -> None:
            second.append(pool.submit(ask_again))
            await_waiter(connection, second[0].done)

        first = writes.ask(writes.parse(token, "coin.transfer"), wait_s=30, may=meet)
        assert first.resource["state"] == "committed"
        assert second[0].result() == first
