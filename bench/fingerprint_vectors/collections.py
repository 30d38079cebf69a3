"""Collections of the conformance vectors, each a zip archive."""

import gzip
import io
import zipfile

from bench.fingerprint_vectors.binaries import noise
from bench.fingerprint_vectors.pictures import pictures
from bench.fingerprint_vectors.texts import texts


def collections() -> dict[str, bytes]:
    """Return an archive for every kind of file, and for what archives may have besides."""
    pictured, written = pictures(), texts()
    photo, text = pictured["JPEG, with corners"], written["text, UTF-8"]
    rows = "\n".join(f"{n},{n * n % 977},{n**3 % 7919 / 7}" for n in range(90)).encode()
    many = {f"{number:02d}": noise(600 + 32 * number)[number:] for number in range(40)}
    return {
        "collection, a file of each kind": _archive(
            {"a.jpg": photo, "b.txt": text, "c.csv": rows, "d.bin": noise(900)}
        ),
        "collection, folders and an empty file": _archive({"x/": b"", "x/y/z.txt": text, "x/empty": b""}),
        "collection, one picture": _archive({"photo": pictured["PNG"]}),
        "collection, the same file twice": _archive({"one.txt": text, "two.txt": text}),
        "collection, names in several scripts": _archive({"Ünï.txt": text, "日本.bin": noise(700)}),
        "collection, what is compressed within": _archive({"some.gz": gzip.compress(text, mtime=0)}),
        "collection, an office document": _archive(
            {"a.docx": _archive({"[Content_Types].xml": text}), "b": noise(500)}
        ),
        "collection, many files": _archive(many),
        "collection, compressed": _archive(many, zipfile.ZIP_DEFLATED),
        "collection, featureless files": _archive({"a.txt": b"few words", "b": b"\0" * 99}),
    }


def _archive(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()
