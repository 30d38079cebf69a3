"""Measure trade functions beside a bare put on one native network of Hyperledger Fabric, in one run.

python -m bench.fabric [--repeat 3] [--clients 1 8 32 64 128] [--purchases 1000]

Fabric's `peer` and `orderer` are on PATH. The two contracts have the same policy and the same shim, each a server of
its own beside every peer, and are called by one gateway. They take turns, each the first one in every other turn, so
that whoever else works on the machine disturbs both; what is shown are medians.
"""

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench import endorsements
from bench.fabric.network import BARE, Bench, running
from bench.fabric.rounds import Round, Summary, run
from bench.fabric.tables import by_clients, by_function
from bench.figures import Figure, median, note, show
from countermark.network.client import GatewayClient
from countermark.protocol import canonical
from tests.support.fabric.purchases import (
    PREPARING,
    Call,
    at_once,
    causes,
    list_many,
    open_buyers,
    settle,
    sign_purchases,
    ticking,
)
from tests.support.gateway_backend import OverGateways
from tests.support.market import PLATFORM, Actor, Market

STEPS = ("trade.charge", "trade.send", "trade.relay", "trade.ack", "trade.check", "trade.confirm")
ENDORSEMENTS = 2
"""Of each transaction: the policy wants the supervisor's and another's, and the gateway asks no more."""
_MANY = 64
"""Clients of the purchases that are counted, and of the bound on throughput."""
_ROUNDS, _MOST = 10, 640
"""Payments of each client, and of all at most: so many that neither the common start nor the lonely end count."""
_STEPPING = 32
"""Clients that take a trade's further steps."""
_VALUE = "v" * 64


class Measuring:
    """A network with both contracts on it, and what has been measured."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        clients = bench.clients()
        for client in clients.values():
            stack.callback(client.close)
        self.market = Market(OverGateways(clients, live=True))
        self.trader = stack.enter_context(closing(bench.client("trader")))
        self._platform = stack.enter_context(closing(bench.client("platform")))
        self._bare = stack.enter_context(closing(bench.client("trader", BARE)))
        self._listed = 0
        self.rounds: dict[tuple[str, int], list[Round]] = defaultdict(list)

    def purchases(self, count: int, buyers: Sequence[Actor] = ()) -> list[Call]:
        """Return so many payments by `buyers` in turn, each of a contract of its own, ready to be sent."""
        listings = list_many(self.market, count, first=self._listed)
        self._listed += count
        return sign_purchases(self.market, buyers or [self.market.buyer], listings)

    def compare(
        self, function: str, calls: Sequence[Call], clients: int, *, first: bool, by: Actor | None = None
    ) -> None:
        """Have `calls` of `function` made, and as many bare puts just before; after, if it is to be `first`."""
        client = self._platform if by is not None and by.msp == PLATFORM else self.trader
        turns = [(function, client, calls), (BARE, self._bare, puts(len(calls)))]
        for name, own, some in turns if first else reversed(turns):
            done = run(own, some, clients, self._bench.processor_s)
            self.rounds[name if name != BARE else f"{BARE} beside {function}", clients].append(done)

    def summary(self, name: str, clients: int) -> Summary:
        return Summary(self.rounds[name, clients])

    def steps(self, trades: Sequence[str], *, first: bool) -> None:
        """Take all further steps of `trades`, which have been paid for, to their ends."""
        for function in STEPS:
            signed = at_once(lambda trade, name=function: self.market.sign_act(name, trade), trades, PREPARING)
            calls = [Call(function, (token, canonical.dumps(attached).decode())) for _, token, attached in signed]
            self.compare(function, calls, _STEPPING, first=first, by=signed[0][0])

    def paid(self) -> list[str]:
        """Return the trades that have been paid for and nothing else."""
        return [address for address, trade in self.market.records("trade/").items() if trade["state"] == "PAID"]


def puts(count: int) -> list[Call]:
    """Return so many calls of the bare contract, each for a key of its own."""
    return [Call("put", (secrets.token_hex(16), _VALUE)) for _ in range(count)]


def measure(bench: Bench, stack: ExitStack, levels: Sequence[int], repeat: int) -> Measuring:
    """Measure payments by concurrency, and a trade's further steps."""
    measuring = Measuring(bench, stack)
    measuring.compare("warming up", measuring.purchases(256), _STEPPING, first=True)
    for turn in range(repeat):
        for clients in levels:
            calls = measuring.purchases(min(max(24, _ROUNDS * clients), _MOST))
            measuring.compare("trade.pay", calls, clients, first=turn % 2 == 0)
        measuring.steps(measuring.paid()[: 4 * _STEPPING], first=turn % 2 == 0)
        note(f"turn {turn + 1} of {repeat} done; load {os.getloadavg()[0]:.1f}")
    return measuring


def many_purchases(measuring: Measuring, client: GatewayClient, count: int) -> tuple[Mapping[str, int], int]:
    """Have `count` contracts bought by many clients while the epoch ticks; return conflicts by cause, and ticks."""
    calls = measuring.purchases(count, open_buyers(measuring.market, _MANY))
    before = causes(client.blocks(0, stop=client.newest_block().number))
    with ticking(client) as ticks:
        ends = settle(client, calls, _MANY)
    assert len(set(ends.transactions)) == count
    after = causes(client.blocks(0, stop=client.newest_block().number))
    note(f"{count} purchases by {_MANY} clients: all settled; in vain before: {dict(ends.in_vain) or 'nothing'}")
    return {what: after[what] - before.get(what, 0) for what in after}, len(ticks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="turns of everything")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 64, 128])
    parser.add_argument("--purchases", type=int, default=1_000, help="purchases whose conflicts are counted")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="countermark-bench-") as folder,
        running(Path(folder) / "network") as (bench, taken),
        ExitStack() as stack,
    ):
        bench.deploy_bare()
        measuring = measure(bench, stack, options.clients, options.repeat)
        sys.stdout.write(by_clients(measuring.summary, options.clients))
        sys.stdout.write(by_function(measuring.summary, ("trade.pay", *STEPS), _STEPPING))
        conflicts, ticks = many_purchases(measuring, measuring.trader, options.purchases)
    own = sum(count for what, count in conflicts.items() if what != "epoch")
    note(f"{ticks} ticks of the epoch, {conflicts.get('epoch', 0)} conflicts with one, {own} others")
    world, calls = endorsements.prepare(300)
    alone = asyncio.run(endorsements.endorse(world, calls))
    note(f"`trade.pay` in the contracts alone takes {alone:.2f} ms of processor time here and now")
    most = min(options.clients, key=lambda clients: abs(clients - _MANY))
    pay, bare = measuring.summary("trade.pay", most), measuring.summary(f"{BARE} beside trade.pay", most)
    show(
        Figure("`countermark network up`, median of 3", median(taken), "s", 20),
        Figure(f"`trade.pay` against a bare put, {most} clients", pay.rate / bare.rate, "times", 0.7, at_least=True),
        Figure(
            f"processor time of a chaincode server per endorsement of `trade.pay`, {most} clients",
            pay.processor_ms("chaincode") / ENDORSEMENTS,
            "ms",
            1.5,
        ),
        Figure(f"conflicts of {options.purchases} purchases but with the epoch's tick", own, "", 0),
    )


if __name__ == "__main__":
    main()
