"""Encrypted packages, as the relay measures them and the buyer opens them: broken ones, and a seller's evil ones."""

import io
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.protocol import sealed
from countermark.protocol.errors import MarketError
from countermark.protocol.packages import PackageHeader, PackageSalts, layout, measure, open_package, seal_package
from countermark.protocol.packages.sealing import wrap_info
from tests.fuzz import bytewise, jsonwise
from tests.fuzz.decoder import Decoder
from tests.fuzz.parties import BUYER, LISTING, ONE_TIME, SELLER, TRADE

HEADER = PackageHeader(TRADE, BUYER.address, SELLER.address, LISTING)
SIZES = (1, 500, 5_000, 70_000)
_LONG = layout.CHUNK + 100
"""Data of two chunks: rare, since copying it is slow."""


def _seal(size: int) -> bytes:
    out = io.BytesIO()
    salts = PackageSalts(b"f" * 32, b"e" * 32)
    data = io.BytesIO(bytes(size))
    seal_package(data, out, header=HEADER, recipient=ONE_TIME.public, salts=salts, size=size)
    return out.getvalue()


def _make(random: Random, corpus: Sequence[bytes], long: Sequence[bytes]) -> bytes:
    what = random.random()
    if what < 0.45:
        return bytewise.change(random, random.choice(corpus), corpus)
    if what < 0.5:
        return bytewise.change(random, random.choice(long), long)
    return _evil(random)


def _evil(random: Random) -> bytes:
    """Return a package that its seller made by the rules but for one: header, wrapped key, size, padding or chunk."""
    wrong = random.choice(("header", "wrap", "size", "padding", "nonce", "length"))
    header = HEADER.to_bytes()
    if wrong == "header":
        header = jsonwise.change(random, header, [header])
    key = random.randbytes(layout.KEY_BYTES)
    secret = key + bytes(layout.SECRET_BYTES - layout.KEY_BYTES)
    info = b"another purpose" if wrong == "wrap" else wrap_info(header)
    wrapped = sealed.wrap(ONE_TIME.public, secret, info=info)
    size = random.choice((1, 8, 100, 1_000))
    stated = random.choice((*bytewise.EDGES, size + 1)) if wrong == "size" else size
    padding = layout.padded_size(size) - layout.SIZE_BYTES - size
    filler = random.randbytes(padding) if wrong == "padding" else bytes(padding)
    text = stated.to_bytes(layout.SIZE_BYTES, "big") + random.randbytes(size) + filler
    body = layout.Body(len(text))
    second = layout.wrap_frame(wrapped, body)
    if wrong == "length":
        second = second[: -layout.SIZE_BYTES] + random.choice(bytewise.EDGES).to_bytes(layout.SIZE_BYTES, "big")
    first = layout.header_frame(header)
    nonce = layout.nonce(random.randrange(3), last=False) if wrong == "nonce" else layout.nonce(0, last=True)
    return first + second + AESGCM(key).encrypt(nonce, text, sha256(first + second).digest())


def _read(package: bytes) -> None:
    summary = measure(io.BytesIO(package))
    out = io.BytesIO()
    try:
        # For its own header and root, so that nothing but what is within can be wrong.
        open_package(io.BytesIO(package), out, header=summary.header, root=summary.root, key=ONE_TIME)
    except MarketError:
        assert len(out.getvalue()) < summary.size, "never all the data of a package that was refused"
        raise


def decoder() -> Decoder:
    """Return the decoder of packages."""
    make = partial(_make, corpus=[_seal(size) for size in SIZES], long=[_seal(_LONG)])
    return Decoder(make, _read, (MarketError,))
