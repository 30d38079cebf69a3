"""Collections in zip archives, as a seller's client reads them: broken, or with other names, sizes and counts."""

import io
import tempfile
import zipfile
from pathlib import Path
from random import Random

from countermark.fingerprint import FingerprintError
from countermark.fingerprint.collection.entries import Reader, files_of
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder

_PIECES = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../", b"/", b"\0", b"\xff\xff\xff\xff")


def _archive(files: dict[str, bytes], method: int, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as written:
        written.comment = comment
        for name, data in files.items():
            with written.open(name, "w", force_zip64=bool(comment)) as file:
                file.write(data)
    return buffer.getvalue()


def _corpus() -> list[bytes]:
    files = {"a.txt": b"a" * 40, "b/c.txt": bytes(range(256)), "b/\u00e9": b"", "d/": b""}
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    whole = [_archive(files, method, comment) for method in methods for comment in (b"", b"a comment")]
    return [
        *whole,
        _archive(files, zipfile.ZIP_LZMA),
        _archive({f"{number}": b"" for number in range(200)}, zipfile.ZIP_STORED),
    ]


def decoder() -> Decoder:
    """Return the decoder of archives."""
    corpus = _corpus()
    folder = tempfile.TemporaryDirectory(prefix="countermark-archives-")
    path = Path(folder.name) / "some.zip"

    def make(random: Random) -> bytes:
        return bytewise.change(random, random.choice(corpus), [*corpus, *_PIECES])

    def read(data: bytes, _kept: object = folder) -> None:
        path.write_bytes(data)
        entries = files_of(path)
        # As the standard library reads it, by code of its own.
        with Reader(path) as reader, zipfile.ZipFile(path) as archive:
            for entry in entries:
                with reader.open(entry.name) as file:
                    assert file.read() == archive.read(entry.name)

    return Decoder(make, read, (FingerprintError,))
