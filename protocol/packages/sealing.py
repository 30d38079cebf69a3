"""Sealing data into a package for one buyer: the seller's part of step (13)."""

import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.protocol import sealed
from countermark.protocol.encoding import as_digest
from countermark.protocol.merkle import Frontier, leaf_hash
from countermark.protocol.packages import layout
from countermark.protocol.packages.header import PackageHeader, PackageSalts, PackageSummary
from countermark.protocol.packages.layout import Body, malformed, read_exactly

Progress = Callable[[int, int], None]
"""Called with the bytes of data done so far, and all of them."""


def wrap_info(header: bytes) -> bytes:
    """Return the HPKE ``info`` that binds a wrapped key to the trade, parties and listing of ``header``.

    It cannot equal that of a sealed message, which is JSON.
    """
    return b"countermark package key\n" + header


def seal_package(
    source: BinaryIO,
    out: BinaryIO,
    *,
    header: PackageHeader,
    recipient: str,
    salts: PackageSalts,
    size: int,
    on_progress: Progress | None = None,
) -> PackageSummary:
    """Write the package of ``source`` to ``out`` and return its summary, for ``trade.send``.

    Each call draws a new key, so a package that was committed to must be kept: sealing again gives another root.

    Args:
        source: the data, from here to its end.
        out: where the package goes, in order and without seeking.
        header: the trade for which it is.
        recipient: the one-time public key ``pk_t`` of the trade.
        salts: what lets the buyer recompute the listing's commitments.
        size: bytes of the data, at most `layout.MAX_DATA`.
        on_progress: told after each chunk.

    Raises:
        MarketError: MALFORMED_KEY; PACKAGE_MALFORMED when ``source`` does not hold exactly ``size`` bytes.
    """
    if not 0 <= size <= layout.MAX_DATA:
        raise malformed(f"a package holds at most {layout.MAX_DATA} bytes")
    header_bytes = header.to_bytes()
    body = Body(layout.padded_size(size))
    key = secrets.token_bytes(layout.KEY_BYTES)
    wrapped = sealed.wrap(recipient, key + salts.salt_f + salts.salt_exact, info=wrap_info(header_bytes))
    first, second = layout.header_frame(header_bytes), layout.wrap_frame(wrapped, body)

    tree = Frontier([leaf_hash(first), leaf_hash(second)])
    out.write(first)
    out.write(second)
    aead, associated = AESGCM(key), sha256(first + second).digest()
    # One buffer for all chunks: memory that is asked for anew costs as much as the encryption. None is larger.
    buffer = memoryview(bytearray(body.plaintext_length(0) + layout.TAG))
    done = 0
    for number in range(body.chunks):
        last = number == body.chunks - 1
        start = size.to_bytes(layout.SIZE_BYTES, "big") if number == 0 else b""
        room = body.plaintext_length(number) - len(start)
        data = read_exactly(source, min(room, size - done))
        done += len(data)
        if last and source.read(1):
            raise malformed("the data is longer than announced")
        plaintext = start + data + bytes(room - len(data))
        chunk = buffer[: len(plaintext) + layout.TAG]
        aead.encrypt_into(layout.nonce(number, last=last), plaintext, associated, chunk)
        tree.append(leaf_hash(chunk))
        out.write(chunk)
        if on_progress is not None:
            on_progress(done, size)
    return PackageSummary(header, as_digest(tree.root()), len(first) + len(second) + body.length, body.chunks)
