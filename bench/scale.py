"""Measure what a trade costs with few and with many contracts on the ledger, and a page of `/v1/listings`.

python -m bench.scale [--few 1000] [--many 100000] [--trades 20]

The cost of a trade is the processor time of all processes of the platform, PostgreSQL among them, from the payment to
the confirmation, steps (11) to (24). Both sizes are measured on the same platform, which is stopped, filled and
started again in between.
"""

import argparse
import json
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, median, note, show, spread
from bench.processes import processor_s
from bench.seeding import postmaster, seed
from bench.trades import PRICE, whole_trade
from countermark.cli.up.data import DataFolder
from countermark.network.client import ConnectionProfile, GatewayClient
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader
from tests.support.whole_platform import Platform

WARM_UP = 3


@dataclass
class Measured:
    trade_cpu_s: float
    trade_s: list[float]
    page_s: list[float]


def measure(platform: Platform, folder: Path, first: int, count: int) -> Measured:
    """Trade `count` photographs, one after the other, and fetch as many pages of listings."""
    seller = RemoteTrader(platform, folder / f"seller{first}", 100_000)
    buyer = RemoteTrader(platform, folder / f"buyer{first}", (count + WARM_UP) * 2 * PRICE)
    photos = [photograph(folder / f"photo{first + number}.jpg", first + number) for number in range(count + WARM_UP)]
    offered = [seller.put_on_market(photo, PRICE) for photo in photos]
    received = folder / f"received{first}"
    received.mkdir()

    def trade(number: int) -> float:
        return whole_trade(seller, buyer, offered[number], received / f"{number}.jpg")

    for number in range(WARM_UP):
        trade(number)
    before = _cpu(platform)
    taken = [trade(number) for number in range(WARM_UP, WARM_UP + count)]
    cost = (_cpu(platform) - before) / count
    return Measured(cost, taken, [_page(buyer) for _ in range(count)])


def _page(reader: RemoteTrader) -> float:
    before = time.perf_counter()
    page = reader.http.get("/v1/listings", {"limit": 100})
    assert len(page["items"]) == 100
    return time.perf_counter() - before


def _cpu(platform: Platform) -> float:
    assert platform.process is not None
    database = postmaster(platform.data / "postgres")
    return processor_s(platform.process.pid) + processor_s(database)


def _model(platform: Platform, trader: RemoteTrader, folder: Path) -> dict[str, object]:
    """Return the ledger's record of a contract on the market, for others to be like."""
    address = trader.put_on_market(photograph(folder / "model.jpg", 1), PRICE)
    client = GatewayClient(ConnectionProfile.load(platform.data / "connection" / "supervisor.json"))
    with closing(client):
        record: dict[str, object] = json.loads(client.evaluate("audit.listing", [address]))["listing"]
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=1_000, help="contracts at first")
    parser.add_argument("--many", type=int, default=100_000, help="contracts in the end")
    parser.add_argument("--trades", type=int, default=20)
    options = parser.parse_args()
    sizes = (options.few, options.many)
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)  # PostgreSQL's account, where root runs this
        platform = Platform(folder / "market")
        platform.start()
        try:
            model = _model(platform, RemoteTrader(platform, folder / "model", 10_000), folder)
            held = 0
            for size in sizes:
                platform.stop()
                seed(DataFolder(platform.data), model, held, size - held)
                held = size
                platform.start()
                measured.append(measure(platform, folder, 10_000_000 + size, options.trades))
                note(f"{size} contracts: {measured[-1].trade_cpu_s * 1000:.0f} ms of processor time per trade,")
                note(f"  trades {spread(measured[-1].trade_s)}; pages of 100 {spread(measured[-1].page_s)}")
        finally:
            platform.stop()
            platform.discard()
    few, many = measured
    show(
        Figure(
            f"processor time of a trade, {sizes[1]} contracts against {sizes[0]}",
            many.trade_cpu_s / few.trade_cpu_s,
            "times",
            1.2,
        ),
        Figure(
            f"duration of a trade, {sizes[1]} contracts against {sizes[0]}, median",
            median(many.trade_s) / median(few.trade_s),
            "times",
            1.2,
        ),
        Figure(f"`/v1/listings`, a page of 100 of {sizes[1]}, median", median(many.page_s) * 1000, "ms", 20),
    )


if __name__ == "__main__":
    main()
