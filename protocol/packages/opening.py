"""Opening a package with the trade's one-time key: the buyer's part of step (18), and an arbiter's."""

from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.protocol import sealed
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import layout
from countermark.protocol.packages.header import SALT_BYTES, PackageHeader, PackageSalts
from countermark.protocol.packages.measuring import PackageReader
from countermark.protocol.packages.sealing import Progress, wrap_info
from countermark.protocol.sealed import EncryptionKey


def open_package(
    source: BinaryIO,
    out: BinaryIO,
    *,
    header: PackageHeader,
    root: str,
    key: EncryptionKey,
    on_progress: Progress | None = None,
) -> PackageSalts:
    """Write the data of the package in ``source`` to ``out`` and return the salts that came with it.

    Data is written chunk by chunk, each after it was authenticated, and the last of it only after the whole package
    was found to be the committed one. ``out`` should be a temporary file that the caller renames when this returns
    and drops when it raises.

    Args:
        source: the package, from here to its end.
        out: where the data goes.
        header: the trade for which it must be.
        root: ``sha256:…`` that the seller committed to in ``trade.send``.
        key: the private half of the trade's ``pk_t``.
        on_progress: told after each chunk.

    Raises:
        MarketError: PACKAGE_MALFORMED, PACKAGE_WRONG_TRADE, PACKAGE_ROOT_MISMATCH, PACKAGE_UNDECRYPTABLE,
            PACKAGE_TAMPERED; which one, see `countermark.protocol.packages`.
    """
    reader = PackageReader(source)
    reader.header.check(header)
    try:
        content_key, salts = _unwrap(reader, key)
        held = memoryview(b"")
        total, done = 0, 0
        for number, plaintext in enumerate(_decrypt(reader, content_key)):
            if number == 0:
                total = _true_size(plaintext, reader.body.plaintext)
                plaintext = plaintext[layout.SIZE_BYTES :]
            data = plaintext[: total - done]
            padding = bytes(plaintext[len(data) :])
            if padding.count(0) != len(padding):
                raise MarketError(ErrorCode.PACKAGE_TAMPERED, "the padding is not zeros")
            done += len(data)
            if data:
                # One chunk behind, so that the last data waits for the verdict on all that follows it.
                out.write(held)
                held = data
            elif not isinstance(held.obj, bytes):
                # What follows is padding, which is decrypted over the last data but one chunk later.
                held = memoryview(bytes(held))
            if on_progress is not None:
                on_progress(done, total)
    except MarketError as error:
        if error.code is not ErrorCode.PACKAGE_MALFORMED:
            # Only whoever reads to the end knows whether these are the seller's bytes or somebody else's.
            _check_root(reader, root)
        raise
    _check_root(reader, root)
    out.write(held)
    return salts


def _unwrap(reader: PackageReader, key: EncryptionKey) -> tuple[bytes, PackageSalts]:
    try:
        secret = sealed.unwrap(key, reader.wrapped, info=wrap_info(reader.header.to_bytes()))
    except MarketError:
        raise MarketError(
            ErrorCode.PACKAGE_UNDECRYPTABLE, "the package's key is not wrapped to this trade's key"
        ) from None
    at = layout.KEY_BYTES
    return secret[:at], PackageSalts(secret[at : at + SALT_BYTES], secret[at + SALT_BYTES :])


def _decrypt(reader: PackageReader, content_key: bytes) -> Iterator[memoryview]:
    """Yield the plaintext of each chunk, which stays as it is until the next but one."""
    aead, last = AESGCM(content_key), reader.body.chunks - 1
    # Two buffers in turn: memory that is asked for anew costs as much as the decryption. None needs more room.
    buffers = [memoryview(bytearray(reader.body.plaintext_length(0))) for _ in range(2)]
    for number, chunk in enumerate(reader.chunks):
        plaintext = buffers[number % 2][: reader.body.plaintext_length(number)]
        try:
            aead.decrypt_into(layout.nonce(number, last=number == last), chunk, reader.associated, plaintext)
        except InvalidTag:
            raise MarketError(ErrorCode.PACKAGE_TAMPERED, f"chunk {number} does not authenticate") from None
        yield plaintext


def _true_size(first: memoryview, padded: int) -> int:
    size = int.from_bytes(first[: layout.SIZE_BYTES], "big")
    if size > layout.MAX_DATA or layout.padded_size(size) != padded:
        raise MarketError(ErrorCode.PACKAGE_TAMPERED, "the data's size does not fit the package's")
    return size


def _check_root(reader: PackageReader, root: str) -> None:
    if reader.finish().root != root:
        raise MarketError(ErrorCode.PACKAGE_ROOT_MISMATCH, "the package is not the one that the seller committed to")
