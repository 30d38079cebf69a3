"""Tables, as a seller's client reads them: any bytes whatever."""

import io
from random import Random

from bench.fingerprint_vectors.tables import tables
from countermark.fingerprint import FingerprintError, compare, compute
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder

_PIECES = (b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b'"', b"PAR1", b"PARE", b'{"a": ', b"\r", b"1e99", b"9" * 50, b"\x81")


def decoder() -> Decoder:
    """Return the decoder of tables."""
    corpus = [data[:6_000] if not data.startswith(b"PAR1") else data for data in tables().values()]

    def make(random: Random) -> bytes:
        return bytewise.change(random, random.choice(corpus), [*corpus, *_PIECES])

    def read(data: bytes) -> None:
        found = compute(io.BytesIO(data), "table/v1")
        assert 0 <= compare(found, found).score <= 1

    return Decoder(make, read, (FingerprintError,))
