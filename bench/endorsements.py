"""Measure the processor time that one endorsement of a payment takes in the contracts, without the peer's stream.

python -m bench.endorsements [--count 500]

Each intent has its own signature, nonce and one-time key, as in life; the account's key and the market's
configuration are remembered, as in a chaincode server that has run for a while. The figure to stay below is 1.5 ms.
"""

import argparse
import asyncio
import time

from bench.figures import Figure, show
from countermark.chaincode.registry import handler
from countermark.chaincode.shim.call import Call
from countermark.chaincode.simulation import Simulation, Versioned, World
from countermark.chaincode.testing import COLLECTIONS
from countermark.protocol import canonical
from countermark.protocol.sealed import EncryptionKey
from tests.support.backends import InMemory
from tests.support.market import BOND, PRICE, SUPERVISOR, TRADER, Market


def prepare(count: int) -> tuple[World, list[Call]]:
    """Return a market's state and `count` good payments for one listing on it."""
    backend = InMemory()
    market = Market(backend)
    params = market.pay_params(market.list_data()["id"])
    coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND + 1))
    tokens = [
        market.sign(market.buyer, "trade.pay", params | {"pk_t": EncryptionKey.generate().public})
        for _ in range(count)
    ]
    calls = [
        Call(
            tx_id=f"{number:064x}",
            channel_id="market",
            chaincode="countermark",
            creator_mspid=TRADER,
            creator_certificate=b"",
            timestamp_ms=backend.now_ms,
            function="trade.pay",
            args=(token.encode(), coins),
            transient={},
        )
        for number, token in enumerate(tokens)
    ]
    state = {key: Versioned(value, (1, 0)) for key, value in backend.ledger.state.items()}
    return World(COLLECTIONS, state), calls


async def endorse(world: World, calls: list[Call]) -> float:
    """Return the processor time per call, in milliseconds."""
    before = time.process_time()
    for call in calls:
        response = await handler(Simulation(world, call, SUPERVISOR))
        if response.status != 200:
            raise RuntimeError(response.message)
    return (time.process_time() - before) / len(calls) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    world, calls = prepare(parser.parse_args().count)
    taken = asyncio.run(endorse(world, calls))
    show(Figure("processor time of a `trade.pay` in the contracts", taken, "ms", 1.5))


if __name__ == "__main__":
    main()
