"""Measure `countermark audit verify` on bundles of whole trades: transactions a second, and memory by their number.

python -m bench.audit_verify [--trades 1000] [--in-one 10] [--repeat 3]

The trades are made by the real contracts; intents, endorsements, envelopes and blocks are signed by a consortium made
for this. Each trade is ten transactions; `--in-one` of them are in each block. Each verification runs in a process of
its own, on one core; its time is processor time. What a signature check alone costs on this machine at this moment is
told beside it: a transaction has four or five of them.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.figures import Figure, median, note, show
from countermark.audit.bundles import Manifest, Subject, export, verify
from countermark.audit.roots import Roots, read_roots, write_roots
from countermark.network.blocks import parse_block
from tests.support.market import PLATFORM, SUPERVISOR, Market
from tests.support.signed_ledger import SignedLedger, sell
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network


def make(folder: Path, trades: int, in_one: int) -> Path:
    """Write a bundle of `trades` trades into `folder`, with the roots to judge it by, and return it."""
    blocks: list[bytes] = []
    ledger = SignedLedger(Network.create(folder / "network"), blocks.append)
    sell(Market(ledger), trades, in_one=in_one)
    write_roots(parse_block(blocks[0]), folder / "roots")
    span = Subject("blocks", first=0, last=len(blocks) - 1)
    manifest = Manifest(CHANNEL, CHAINCODE, PLATFORM, SUPERVISOR, span)
    path = folder / "bundle"
    with path.open("wb") as out:
        export(map(parse_block, blocks), out, manifest, genesis=ledger.genesis)
    return path


def _measured(path: Path, roots: Roots, results: "multiprocessing.Queue[tuple[int, float, float, float]]") -> None:
    signature = _signature_us()
    # The most that it ever held, counted anew from here: what it has inherited says nothing.
    Path("/proc/self/clear_refs").write_text("5")
    idle = _held_mib()
    before = time.process_time()
    with path.open("rb") as source:
        verdict, _ = verify(source, roots=roots)
    taken = time.process_time() - before
    results.put((verdict.transactions, taken, _held_mib() - idle, signature))


def _held_mib() -> float:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _signature_us(count: int = 500) -> float:
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    signature, public = key.sign(b"data", algorithm), key.public_key()
    before = time.process_time()
    for _ in range(count):
        public.verify(signature, b"data", algorithm)
    return (time.process_time() - before) / count * 1e6


def measure(path: Path) -> tuple[int, float, float, float]:
    """Return the transactions in a bundle, seconds to judge it, MiB that took, and microseconds of a signature."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[int, float, float, float]] = context.Queue()
    process = context.Process(target=_measured, args=(path, read_roots(path.parent / "roots"), results))
    process.start()
    result = results.get()
    process.join()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trades", type=int, default=1000)
    parser.add_argument("--in-one", type=int, default=10, help="transactions in a block")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        few, many = Path(temporary, "few"), Path(temporary, "many")
        small = make(few, max(1, options.trades // 10), options.in_one)
        large = make(many, options.trades, options.in_one)
        note(f"bundle: {large.stat().st_size / (1 << 20):.1f} MiB")
        (transactions, _, little, _) = measure(small)
        note(f"{transactions} transactions: {little:.1f} MiB above idle")
        runs = [measure(large) for _ in range(options.repeat)]
    for transactions, taken, grown, signature in runs:
        note(
            f"{transactions} transactions: {transactions / taken:.0f} a second, {taken / transactions * 1e6:.0f} µs "
            f"each, {grown:.1f} MiB above idle; a signature {signature:.0f} µs"
        )
    show(
        Figure(
            "`audit verify`, one core",
            median([transactions / taken for transactions, taken, *_ in runs]),
            "transactions a second",
            800,
            at_least=True,
        ),
        Figure(
            "its memory with ten times the transactions, beyond what a tenth takes",
            max(grown for _, _, grown, _ in runs) - little,
            "MiB",
            32,
        ),
    )


if __name__ == "__main__":
    main()
