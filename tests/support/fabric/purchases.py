"""Many purchases at once by the Gateway service while the epoch ticks, and whose doing each conflict was."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from countermark.network.blocks import Block
from countermark.network.blocks.rwsets import Version
from countermark.network.client import EndorseError, GatewayClient, LedgerError, Retry
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import TRADE_CLOCKS
from tests.support.market import BOND, PRICE, Actor, Market, actor, offer

T, R = TypeVar("T"), TypeVar("R")

PREPARING = 16
"""Threads that prepare purchases."""
_TRIES = 20
_LOOK_S = 0.2
_PATIENT = dict.fromkeys(TRADE_CLOCKS, 3_600)
"""Deadlines that no measurement reaches."""


@dataclass(frozen=True)
class Call:
    """A function of the contracts with its arguments."""

    function: str
    args: tuple[str, ...]


@dataclass
class Ends:
    """How purchases ended: transactions, and what was tried in vain before, by verdict."""

    transactions: list[str] = field(default_factory=list)
    in_vain: Counter[str] = field(default_factory=Counter)


def at_once(task: Callable[[T], R], items: Iterable[T], threads: int) -> list[R]:
    """Return what `task` makes of each of `items`, done by so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, items))


def list_many(market: Market, count: int, *, first: int = 0) -> list[str]:
    """Put `count` contracts on the market, numbered from `first` on, and return their addresses."""

    def one(number: int) -> str:
        made = market.list_data(data=b"data of contract %d" % number, offer=offer(**_PATIENT))
        return str(made["id"])

    return at_once(one, range(first, first + count), PREPARING)


def sign_purchases(market: Market, buyers: Sequence[Actor], listings: Sequence[str]) -> list[Call]:
    """Return a payment for each of `listings`, signed in turn by `buyers`, with exactly the coins that it takes."""

    def one(number: int) -> Call:
        buyer = buyers[number % len(buyers)]
        params = market.pay_params(listings[number])
        coins = market.fund(buyer, PRICE + BOND)
        token = market.sign(buyer, "trade.pay", params, lifetime_s=600)
        return Call("trade.pay", (token, canonical.dumps(coins).decode()))

    return at_once(one, range(len(listings)), PREPARING)


def settle(client: GatewayClient, calls: Sequence[Call], clients: int) -> Ends:
    """Have all `calls` committed by so many clients at once, each as the platform does: what may be repeated is."""
    ends, lock = Ends(), threading.Lock()

    def one(call: Call) -> None:
        tried: list[str] = []
        while True:
            try:
                endorsed = client.endorse(call.function, call.args)
                client.submit(endorsed.tx_id, endorsed.envelope)
                client.commit_status(endorsed.tx_id).check()
                break
            except LedgerError as error:
                if error.retry is not Retry.ANEW or len(tried) == _TRIES:
                    raise
                tried.append(error.detail.partition(" ")[0])
        with lock:
            ends.transactions.append(endorsed.tx_id)
            ends.in_vain.update(tried)

    at_once(one, calls, clients)
    return ends


@contextmanager
def ticking(client: GatewayClient) -> Iterator[list[str]]:
    """Have the epoch tick whenever it is due while the context lasts; the ids of the ticks that committed."""
    done, ticks = threading.Event(), list[str]()

    def tick() -> None:
        while not done.wait(_LOOK_S):
            try:
                endorsed = client.endorse("clock.tick")
                client.submit(endorsed.tx_id, endorsed.envelope)
                client.commit_status(endorsed.tx_id).check()
                ticks.append(endorsed.tx_id)
            except EndorseError as error:
                refused = error.market_error
                if error.retry is not Retry.ANEW and (refused is None or refused.code is not ErrorCode.NOT_DUE):
                    raise

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(tick)
        try:
            yield ticks
        finally:
            done.set()
            running.result()


def causes(blocks: Iterable[Block]) -> Mapping[str, int]:
    """Return how many transactions of `blocks`, the ledger's first ones, were invalid because a key had changed.

    By what had changed: the kind of key, which is the part before the slash; several are joined by `+`.
    """
    current: dict[tuple[str, str], Version] = {}
    found: Counter[str] = Counter()
    for block in blocks:
        for one in block.transactions:
            if one.code_name == "MVCC_READ_CONFLICT":
                stale = [
                    read.key
                    for read in one.reads
                    if (read.namespace, read.key) in current and current[read.namespace, read.key] != read.version
                ]
                found["+".join(sorted({key.partition("/")[0] for key in stale})) or "unknown"] += 1
            elif one.valid:
                place = (block.number, one.position)
                current.update({(write.namespace, write.key): place for write in one.writes})
    return found


def open_buyers(market: Market, count: int) -> list[Actor]:
    """Open the accounts of `count` buyers."""
    buyers = [actor(f"buyer {number}") for number in range(count)]
    at_once(market.open_account, buyers, PREPARING)
    return buyers
