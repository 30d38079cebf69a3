"""Measure how long whoever decides a dispute waits for what a package shows, from the opened key on.

python -m bench.disputes [--mib 100]

The package is examined as `trade decide` does: measured, decrypted and fingerprinted in a confined process, once it
is here. Data of each kind that a market takes, made up and as registered: all of it has to be looked at.
"""

import argparse
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bench.figures import Figure, note, show
from countermark.client.data import only
from countermark.client.disputes.examination import Question
from countermark.client.disputes.isolation import ask
from countermark.client.examining import examine
from countermark.protocol.accounts import AccountKey
from countermark.protocol.commitments import commit
from countermark.protocol.decisions import Finding
from countermark.protocol.packages import PackageHeader, PackageSalts, seal_package
from countermark.protocol.sealed import EncryptionKey

MIB = 1 << 20
_ROWS = 10_000
_GENERATORS = ("bytes/v1", "collection/v1", "image/v1", "table/v1", "text/v1")
_SALTS = PackageSalts(salt_f=bytes(32), salt_exact=bytes(range(32)))


def _bytes(path: Path, size: int) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(size))


def _table(path: Path, size: int) -> None:
    draw = np.random.default_rng(2)
    with path.open("w") as out:
        out.write("id,when,price,name\n")
        number = 0
        while out.tell() < size:
            columns = draw.integers(10**9, size=_ROWS), draw.random(_ROWS), draw.integers(10**6, size=_ROWS)
            for when, price, name in zip(*columns, strict=True):
                out.write(f"{number},{when},{price:.6f},n{name}\n")
                number += 1


def _text(path: Path, size: int) -> None:
    draw = np.random.default_rng(3)
    words = ["".join(draw.choice(list("abcdefghiklmnoprstuw"), draw.integers(3, 9))) for _ in range(20_000)]
    with path.open("w") as out:
        while out.tell() < size:
            out.write(" ".join(draw.choice(words, 5_000)) + "\n")


def _pictures(path: Path, size: int) -> None:
    draw = np.random.default_rng(4)
    with zipfile.ZipFile(path, "w") as archive:
        number = total = 0
        while total < size:
            coarse = draw.integers(0, 255, (60, 80, 3), dtype=np.uint8)
            fine = Image.fromarray(coarse).resize((1600, 1200), Image.Resampling.BICUBIC)
            noisy = np.asarray(fine, np.int16) + draw.integers(-12, 12, (1200, 1600, 3))
            with archive.open(f"{number:05}.jpg", "w") as out:
                Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
            total += archive.infolist()[-1].file_size
            number += 1


_KINDS: Mapping[str, Callable[[Path, int], None]] = {
    "bytes": _bytes,
    "a table": _table,
    "a text": _text,
    "pictures": _pictures,
}


def measure(folder: Path, make: Callable[[Path, int], None], size: int) -> tuple[int, float]:
    """Return the data's bytes, and the seconds that their package's examination took."""
    data, package = folder / "data", folder / "package"
    make(data, size)
    key, header = EncryptionKey.generate(), _header()
    with data.open("rb") as source, package.open("wb") as out:
        length = data.stat().st_size
        summary = seal_package(source, out, header=header, recipient=key.public, salts=_SALTS, size=length)
    known = examine(data, only(_GENERATORS))
    question = Question(
        package=package,
        header=header,
        root=summary.root,
        c_f=commit("f", _SALTS.salt_f, known.root),
        c_exact=commit("exact", _SALTS.salt_exact, known.exact),
        generators=_GENERATORS,
        key=key,
    )
    began = time.perf_counter()
    found = ask(question, folder)
    took = time.perf_counter() - began
    assert found is Finding.AS_REGISTERED, found
    return length, took


def _header() -> PackageHeader:
    scalars = (AccountKey.from_bytes(bytes(31) + bytes([number])) for number in (1, 2))
    buyer, seller = (key.address for key in scalars)
    return PackageHeader(trade="tr1" + "a" * 52, buyer=buyer, seller=seller, listing="dc1" + "a" * 52)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=100)
    size = parser.parse_args().mib * MIB
    figures = []
    for name, make in _KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            length, took = measure(Path(folder), make, size)
        figures.append(Figure(f"{length / MIB:.0f} MiB of {name} examined", took, "s", bound=30.0))
    show(*figures)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    note(f"memory of the largest process: {peak} MiB")


if __name__ == "__main__":
    main()
