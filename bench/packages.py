"""Measure sealing and opening of one large package against a bare loop, in the same run.

python -m bench.packages [--mib 1024] [--repeat 3]

The loop reads 1 MiB, encrypts it with AES-256-GCM, takes the SHA-256 of the ciphertext and writes it; its way back
reads, hashes, decrypts and writes. Each measurement runs in a process of its own, which tells how much more memory it
held at most than before it began. They take turns, a few times; before each, what was written is brought to the disk,
so that none pays for what another has left in memory.
"""

import argparse
import multiprocessing
import os
import resource
import secrets
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.figures import Figure, median, note, show
from countermark.protocol.accounts import AccountKey
from countermark.protocol.packages import PackageHeader, PackageSalts, open_package, seal_package
from countermark.protocol.sealed import EncryptionKey

MIB = 1 << 20
_TAG = 16
_KEY = bytes(range(32))
_RECIPIENT = EncryptionKey.from_bytes(bytes(96))


def _header() -> PackageHeader:
    scalars = (AccountKey.from_bytes(bytes(31) + bytes([number])) for number in (1, 2))
    buyer, seller = (key.address for key in scalars)
    return PackageHeader(trade="tr1" + "a" * 52, buyer=buyer, seller=seller, listing="dc1" + "a" * 52)


def _loop(folder: Path) -> None:
    aead = AESGCM(_KEY)
    with (folder / "data").open("rb") as source, (folder / "loop").open("wb") as out:
        number = 0
        while piece := source.read(MIB):
            sealed = aead.encrypt(number.to_bytes(12, "big"), piece, None)
            sha256(sealed).digest()
            out.write(sealed)
            number += 1


def _loop_back(folder: Path) -> None:
    aead = AESGCM(_KEY)
    with (folder / "loop").open("rb") as source, (folder / "loop.back").open("wb") as out:
        number = 0
        while piece := source.read(MIB + _TAG):
            sha256(piece).digest()
            out.write(aead.decrypt(number.to_bytes(12, "big"), piece, None))
            number += 1


def _seal(folder: Path) -> None:
    data = folder / "data"
    with data.open("rb") as source, (folder / "package").open("wb") as out:
        summary = seal_package(
            source,
            out,
            header=_header(),
            recipient=_RECIPIENT.public,
            salts=PackageSalts(salt_f=bytes(32), salt_exact=bytes(32)),
            size=data.stat().st_size,
        )
    (folder / "root").write_text(summary.root)


def _open(folder: Path) -> None:
    with (folder / "package").open("rb") as source, (folder / "opened").open("wb") as out:
        open_package(source, out, header=_header(), root=(folder / "root").read_text(), key=_RECIPIENT)


def _measured(
    work: Callable[[Path], None], folder: Path, results: "multiprocessing.Queue[tuple[float, int]]"
) -> None:
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = time.perf_counter()
    work(folder)
    taken = time.perf_counter() - before
    results.put((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle))


def measure(work: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    """Return the seconds that `work` takes and the MiB by which its process grew at most."""
    os.sync()
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[float, int]] = context.Queue()
    process = context.Process(target=_measured, args=(work, folder, results))
    process.start()
    taken, grown = results.get()
    process.join()
    return taken, grown / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the data")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    size: int = options.mib
    with tempfile.TemporaryDirectory(prefix="countermark-bench-", dir=os.environ.get("TMPDIR")) as temporary:
        folder = Path(temporary)
        with (folder / "data").open("wb") as out:
            for _ in range(size):
                out.write(secrets.token_bytes(MIB))
        rounds = [
            [measure(work, folder) for work in (_loop, _seal, _loop_back, _open)] for _ in range(options.repeat)
        ]
    loop, sealing, back, opening = (
        (median([taken for taken, _ in of_one]), max(grown for _, grown in of_one))
        for of_one in zip(*rounds, strict=True)
    )
    note(f"loop {size / loop[0]:.0f} MiB/s, sealing {size / sealing[0]:.0f} MiB/s")
    note(f"loop back {size / back[0]:.0f} MiB/s, opening {size / opening[0]:.0f} MiB/s")
    show(
        Figure(f"sealing {size} MiB against a bare loop", loop[0] / sealing[0], "times", 0.7, at_least=True),
        Figure(f"opening {size} MiB against a bare loop", back[0] / opening[0], "times", 0.7, at_least=True),
        Figure(f"memory of sealing {size} MiB above idle", sealing[1], "MiB", 64),
        Figure(f"memory of opening {size} MiB above idle", opening[1], "MiB", 64),
    )


if __name__ == "__main__":
    main()
