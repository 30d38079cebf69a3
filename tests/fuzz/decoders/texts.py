"""Texts, as a seller's client reads them: any bytes whatever."""

import io
from random import Random

from countermark.fingerprint import FingerprintError, compare, compute
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder

_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252")
_PIECES = (
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xff\xfe\0\0",
        b"\0",
        b"-\n",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ),
    *(b"<p a='", b"&#1114112;", b"&#xD800;", b"&eacute;", "\u0e20日\U000e0100🙂".encode(), b"\xc3", b"\x81" * 9),
)


def decoder() -> Decoder:
    """Return the decoder of texts."""
    page = f"<html><p class='a'>{prose(Subject(2), 2, 120)}</p> caf&eacute; 日本語のテキスト ภาษาไทย"
    corpus = [prose(Subject(1), 1, 150).encode(encoding) for encoding in _ENCODINGS] + [page.encode()]
    corpus += _PIECES

    def make(random: Random) -> bytes:
        return bytewise.change(random, random.choice(corpus), corpus)

    def read(data: bytes) -> None:
        found = compute(io.BytesIO(data), "text/v1")
        assert 0 <= compare(found, found).score <= 1

    return Decoder(make, read, (FingerprintError,))
