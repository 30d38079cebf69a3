"""What relay, seller or a third party can do to a package; each ends in the code that says whose doing it is.

``relay`` attacks change bytes after the seller committed to a root. ``seller`` attacks are committed to: the root is
made anew over the forged bytes, so that only the keys tell.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.protocol import ids, sealed
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSalts, layout, measure, open_package, seal_package
from countermark.protocol.packages.layout import Body
from countermark.protocol.packages.sealing import wrap_info
from countermark.protocol.sealed import EncryptionKey

MALFORMED, WRONG_TRADE, ROOT, UNDECRYPTABLE, TAMPERED = (
    ErrorCode.PACKAGE_MALFORMED,
    ErrorCode.PACKAGE_WRONG_TRADE,
    ErrorCode.PACKAGE_ROOT_MISMATCH,
    ErrorCode.PACKAGE_UNDECRYPTABLE,
    ErrorCode.PACKAGE_TAMPERED,
)
SELLER, BUYER, MALLORY = (AccountKey.generate().address for _ in range(3))
LISTING = ids.listing_address(market="m", c_f=digest(b"f"), seller=SELLER, nonce="n")
HEADER = PackageHeader(ids.trade_id(market="m", listing=LISTING, buyer=BUYER, nonce="1"), BUYER, SELLER, LISTING)
OTHER_HEADER = replace(HEADER, trade=ids.trade_id(market="m", listing=LISTING, buyer=BUYER, nonce="2"))
KEY, OTHER_KEY = EncryptionKey.generate(), EncryptionKey.generate()
SALTS = PackageSalts(b"f" * 32, b"e" * 32)
CHUNK = layout.CHUNK
# Three chunks whose contents differ, so that a swap shows.
DATA = b"".join(bytes([n]) * CHUNK for n in range(1, 4))[: 3 * CHUNK - 100]


def seal(header: PackageHeader = HEADER, data: bytes = DATA, key: EncryptionKey = KEY) -> bytes:
    out = io.BytesIO()
    seal_package(io.BytesIO(data), out, header=header, recipient=key.public, salts=SALTS, size=len(data))
    return out.getvalue()


@dataclass(frozen=True)
class Parts:
    """A package cut at its frames."""

    first: bytes
    second: bytes
    chunks: tuple[bytes, ...]

    @classmethod
    def of(cls, package: bytes) -> "Parts":
        at = len(layout.MAGIC)
        end = at + 4 + int.from_bytes(package[at : at + 4], "big")
        body = end + 4 + layout.WRAP_BYTES + 8
        chunks = [package[n : n + layout.SEALED_CHUNK] for n in range(body, len(package), layout.SEALED_CHUNK)]
        return cls(package[:end], package[end:body], tuple(chunks))

    def join(self) -> bytes:
        return self.first + self.second + b"".join(self.chunks)


PACKAGE, AGAIN, OF_OTHER_TRADE = seal(), seal(), seal(OTHER_HEADER)
PARTS, PARTS_AGAIN, PARTS_OTHER = Parts.of(PACKAGE), Parts.of(AGAIN), Parts.of(OF_OTHER_TRADE)
ROOT_OF_PACKAGE = measure(io.BytesIO(PACKAGE)).root


def flip(at: int, package: bytes = PACKAGE) -> bytes:
    changed = bytearray(package)
    changed[at] ^= 0x01
    return bytes(changed)


def with_length(second: bytes, plaintext: int) -> bytes:
    return second[:-8] + Body(plaintext).length.to_bytes(8, "big")


def swapped(*order: int) -> bytes:
    return replace(PARTS, chunks=tuple(PARTS.chunks[n] for n in order)).join()


def without_last_chunk() -> bytes:
    # Two full chunks are a Padmé length, so the framing finds nothing.
    return replace(PARTS, second=with_length(PARTS.second, 2 * CHUNK), chunks=PARTS.chunks[:2]).join()


def forge(
    plaintext: bytes,
    *,
    header: PackageHeader = HEADER,
    info: bytes | None = None,
    key: EncryptionKey = KEY,
    nonce: Callable[[int, bool], bytes] = lambda number, last: layout.nonce(number, last=last),
    associated: bytes | None = None,
) -> bytes:
    """Return a package made by somebody who keeps to the format where he likes."""
    content_key, body = b"k" * 32, Body(len(plaintext))
    secret = content_key + SALTS.salt_f + SALTS.salt_exact
    wrapped = sealed.wrap(key.public, secret, info=wrap_info(header.to_bytes()) if info is None else info)
    first, second = layout.header_frame(header.to_bytes()), layout.wrap_frame(wrapped, body)
    bound = sha256(first + second).digest() if associated is None else associated
    chunks = [
        AESGCM(content_key).encrypt(
            nonce(number, number == body.chunks - 1), plaintext[number * CHUNK : (number + 1) * CHUNK], bound
        )
        for number in range(body.chunks)
    ]
    return first + second + b"".join(chunks)


def true_size(size: int) -> bytes:
    return size.to_bytes(8, "big")


HONEST = true_size(50) + b"d" * 50
PADDED = HONEST + bytes(layout.padme(len(HONEST)) - len(HONEST))


def attempt(package: bytes, root: str, key: EncryptionKey = KEY) -> tuple[ErrorCode, bytes]:
    out = io.BytesIO()
    with pytest.raises(MarketError) as refusal:
        open_package(io.BytesIO(package), out, header=HEADER, root=root, key=key)
    return refusal.value.code, out.getvalue()


def test_the_forger_of_these_tests_can_make_an_honest_package() -> None:
    package, out = forge(PADDED), io.BytesIO()
    open_package(io.BytesIO(package), out, header=HEADER, root=measure(io.BytesIO(package)).root, key=KEY)
    assert out.getvalue() == b"d" * 50


START = len(PARTS.first) + len(PARTS.second)
END_OF_FIRST = START + layout.SEALED_CHUNK

RELAY = [
    pytest.param(b"", MALFORMED, id="nothing"),
    pytest.param(flip(0), MALFORMED, id="flip in the magic"),
    pytest.param(flip(11), MALFORMED, id="flip in the header's length"),
    pytest.param(flip(12), MALFORMED, id="flip in the header's first byte"),
    pytest.param(PACKAGE.replace(b'"buyer"', b'"bvyer"', 1), MALFORMED, id="flip in a member's name"),
    pytest.param(PACKAGE.replace(b"package/1", b"package/2", 1), MALFORMED, id="flip in the format"),
    pytest.param(flip(len(PARTS.first) + 3), MALFORMED, id="flip in the wrap's length"),
    pytest.param(flip(START - 1), MALFORMED, id="flip in the body's length"),
    pytest.param(replace(PARTS, second=with_length(PARTS.second, 1 << 60)).join(), MALFORMED, id="body of 1 EiB"),
    pytest.param(replace(PARTS, second=PARTS.second[:-8] + bytes(8)).join(), MALFORMED, id="body of 0 bytes"),
    pytest.param(replace(PARTS, second=PARTS.second[:-8] + b"\xff" * 8).join(), MALFORMED, id="body past 16 EiB"),
    pytest.param(PACKAGE[:5], MALFORMED, id="cut in the magic"),
    pytest.param(PACKAGE[:100], MALFORMED, id="cut in the header"),
    pytest.param(PACKAGE[: len(PARTS.first)], MALFORMED, id="cut after the header"),
    pytest.param(PACKAGE[: START - 9], MALFORMED, id="cut in the wrap"),
    pytest.param(PACKAGE[:START], MALFORMED, id="cut before the chunks"),
    pytest.param(PACKAGE[: END_OF_FIRST - 1], MALFORMED, id="cut in the first chunk"),
    pytest.param(PACKAGE[:END_OF_FIRST], MALFORMED, id="cut between chunks"),
    pytest.param(PACKAGE[:-1], MALFORMED, id="last byte cut"),
    pytest.param(PACKAGE + b"\0", MALFORMED, id="a byte appended"),
    pytest.param(PACKAGE + PARTS.chunks[-1], MALFORMED, id="a chunk appended"),
    pytest.param(PACKAGE + PACKAGE, MALFORMED, id="the package twice"),
    pytest.param(OF_OTHER_TRADE, WRONG_TRADE, id="the package of another trade"),
    pytest.param(replace(PARTS, first=PARTS_OTHER.first).join(), WRONG_TRADE, id="the header of another trade"),
    pytest.param(seal(replace(HEADER, buyer=MALLORY)), WRONG_TRADE, id="a package for another buyer"),
    pytest.param(seal(replace(HEADER, seller=MALLORY)), WRONG_TRADE, id="a package of another seller"),
    pytest.param(AGAIN, ROOT, id="another package of the same trade"),
    pytest.param(flip(len(PARTS.first) + 4), ROOT, id="flip in the wrapped key's ML-KEM part"),
    pytest.param(flip(START - 9), ROOT, id="flip in the wrapped key's tag"),
    pytest.param(flip(START), ROOT, id="flip in the first chunk"),
    pytest.param(flip(END_OF_FIRST - 1), ROOT, id="flip in the first chunk's tag"),
    pytest.param(flip(END_OF_FIRST + 9), ROOT, id="flip in the second chunk"),
    pytest.param(flip(len(PACKAGE) - 17), ROOT, id="flip in the last chunk"),
    pytest.param(flip(len(PACKAGE) - 1), ROOT, id="flip in the last tag"),
    pytest.param(swapped(1, 0, 2), ROOT, id="two chunks swapped"),
    pytest.param(swapped(0, 0, 2), ROOT, id="a chunk in place of another"),
    pytest.param(without_last_chunk(), ROOT, id="the last chunk dropped, lengths made good"),
    pytest.param(replace(PARTS, second=PARTS_AGAIN.second).join(), ROOT, id="the wrapped key of another package"),
    pytest.param(replace(PARTS, chunks=(PARTS_AGAIN.chunks[0], *PARTS.chunks[1:])).join(), ROOT,
                 id="a chunk of another package"),
]  # fmt: skip

SELLER_FORGERIES = [
    pytest.param(flip(START), TAMPERED, id="flip in the first chunk"),
    pytest.param(flip(len(PACKAGE) - 1), TAMPERED, id="flip in the last tag"),
    pytest.param(swapped(1, 0, 2), TAMPERED, id="two chunks swapped"),
    pytest.param(without_last_chunk(), TAMPERED, id="the last chunk dropped, lengths made good"),
    pytest.param(replace(PARTS, chunks=(PARTS_AGAIN.chunks[0], *PARTS.chunks[1:])).join(), TAMPERED,
                 id="a chunk of another package"),
    pytest.param(forge(PADDED, nonce=lambda number, last: layout.nonce(number, last=False)), TAMPERED,
                 id="no chunk is the last"),
    pytest.param(forge(PADDED, nonce=lambda number, last: layout.nonce(number + 1, last=last)), TAMPERED,
                 id="chunks counted from 1"),
    pytest.param(forge(PADDED, associated=b""), TAMPERED, id="chunks not bound to the header"),
    pytest.param(forge(HONEST + b"\1" * (len(PADDED) - len(HONEST))), TAMPERED, id="padding that is not zeros"),
    pytest.param(forge(true_size(2**64 - 1) + PADDED[8:]), TAMPERED, id="a true size of 2^64-1"),
    pytest.param(forge(true_size(5) + PADDED[8:]), TAMPERED, id="a true size too small for the package"),
    pytest.param(forge(true_size(500) + PADDED[8:]), TAMPERED, id="a true size too large for the package"),
    pytest.param(seal(key=OTHER_KEY), UNDECRYPTABLE, id="the key wrapped to somebody else"),
    pytest.param(replace(PARTS, second=PARTS.second[:4] + bytes(layout.WRAP_BYTES) + PARTS.second[-8:]).join(),
                 UNDECRYPTABLE, id="zeros instead of the key"),
    pytest.param(replace(PARTS, second=PARTS_OTHER.second).join(), UNDECRYPTABLE,
                 id="the wrapped key of another trade of this buyer's key"),
    pytest.param(forge(PADDED, info=b""), UNDECRYPTABLE, id="the key wrapped for no trade"),
    pytest.param(forge(PADDED, header=OTHER_HEADER), WRONG_TRADE, id="committed to the package of another trade"),
]  # fmt: skip


@pytest.mark.requirement("R69")
@pytest.mark.parametrize(("package", "code"), RELAY)
def test_relay(package: bytes, code: ErrorCode) -> None:
    found, released = attempt(package, ROOT_OF_PACKAGE)
    assert found is code
    assert DATA.startswith(released)
    assert len(released) < len(DATA)


@pytest.mark.requirement("R69")
@pytest.mark.parametrize(("package", "code"), SELLER_FORGERIES)
def test_seller(package: bytes, code: ErrorCode) -> None:
    # The relay finds nothing wrong: what is forged shows to the buyer's key alone.
    root = measure(io.BytesIO(package)).root
    found, released = attempt(package, root)
    assert found is code
    assert len(released) < len(DATA)


@pytest.mark.parametrize(("package", "code"), RELAY)
def test_a_relay_finds_without_keys_what_is_no_package_of_the_trade(package: bytes, code: ErrorCode) -> None:
    if code in (MALFORMED, WRONG_TRADE):
        with pytest.raises(MarketError) as refusal:
            measure(io.BytesIO(package), header=HEADER)
        assert refusal.value.code is code
    else:
        assert measure(io.BytesIO(package), header=HEADER).root != ROOT_OF_PACKAGE


def test_every_single_flipped_byte_of_a_small_package_is_found() -> None:
    package = seal(data=b"small")
    root = measure(io.BytesIO(package)).root
    codes = set()
    for at in range(len(package)):
        code, released = attempt(flip(at, package), root)
        assert released == b""
        codes.add(code)
    assert codes == {MALFORMED, WRONG_TRADE, ROOT}


def test_every_truncation_of_a_small_package_is_found() -> None:
    package = seal(data=b"small")
    root = measure(io.BytesIO(package)).root
    for end in range(len(package)):
        assert attempt(package[:end], root) == (MALFORMED, b"")


@pytest.mark.requirement("R38")
@pytest.mark.requirement("R84")
@pytest.mark.requirement("R86")
def test_the_relay_cannot_open_what_it_relays() -> None:
    platform_key = OTHER_KEY
    assert attempt(PACKAGE, ROOT_OF_PACKAGE, platform_key) == (UNDECRYPTABLE, b"")
    assert DATA[:64] not in PACKAGE


def test_another_root_is_refused_before_the_last_data_is_released() -> None:
    code, released = attempt(PACKAGE, digest(b"another"))
    assert code is ROOT
    assert len(released) < len(DATA)


def test_padding_of_several_chunks_does_not_release_the_last_data_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last data waits although whole chunks of padding follow it, the last of them forged."""
    monkeypatch.setattr(layout, "CHUNK", 1024)
    monkeypatch.setattr(layout, "SEALED_CHUNK", 1024 + layout.TAG)
    size = 128 * 1024 - 7
    package = seal(data=b"d" * size)
    assert len(Parts.of(package).chunks) == 132  # one byte of data in chunk 128, then padding alone
    code, released = attempt(flip(-1, package), measure(io.BytesIO(package)).root)
    assert code is ROOT
    assert released == b"d" * (128 * 1024 - 8)
