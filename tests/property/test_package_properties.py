import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countermark.protocol import ids
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSalts, layout, measure, open_package, seal_package
from countermark.protocol.packages.layout import Body, padme
from countermark.protocol.sealed import EncryptionKey

SELLER, BUYER = AccountKey.generate().address, AccountKey.generate().address
LISTING = ids.listing_address(market="m", c_f=digest(b"f"), seller=SELLER, nonce="n")
HEADER = PackageHeader(ids.trade_id(market="m", listing=LISTING, buyer=BUYER, nonce="n"), BUYER, SELLER, LISTING)
KEY = EncryptionKey.generate()
SALTS = PackageSalts(b"f" * 32, b"e" * 32)
SIZES = st.integers(0, layout.MAX_DATA)


def seal(data: bytes) -> bytes:
    out = io.BytesIO()
    seal_package(io.BytesIO(data), out, header=HEADER, recipient=KEY.public, salts=SALTS, size=len(data))
    return out.getvalue()


@given(SIZES)
def test_padding_adds_at_most_12_percent_and_adds_it_once(size: int) -> None:
    padded = padme(size)
    assert size <= padded <= size * 1.12
    assert padme(padded) == padded


@given(SIZES, SIZES)
def test_padding_keeps_the_order_of_sizes(one: int, other: int) -> None:
    assert (padme(one) <= padme(other)) or one > other


@given(SIZES)
def test_the_geometry_of_a_body_is_found_from_its_length(size: int) -> None:
    body = Body(layout.padded_size(size))
    assert Body.of_length(body.length) == body
    assert body.chunks >= 1
    last = body.plaintext_length(body.chunks - 1)
    assert 0 < last <= layout.CHUNK
    assert (body.chunks - 1) * layout.CHUNK + last == body.plaintext


@example(layout.SEALED_CHUNK + layout.TAG)  # a full chunk, then a chunk of nothing
@given(st.integers(0, 2**64 - 1) | st.integers(0, 3 * layout.CHUNK))
def test_a_length_is_a_body_or_refused(length: int) -> None:
    if _is_body(length):
        assert Body.of_length(length).length == length
        return
    with pytest.raises(MarketError) as refusal:
        Body.of_length(length)
    assert refusal.value.code is ErrorCode.PACKAGE_MALFORMED


def _is_body(length: int) -> bool:
    """Whether a length has n tags, between 1 and 2^20 bytes of text for the last, and a Padmé length of text."""
    chunks = (length + layout.SEALED_CHUNK - 1) // layout.SEALED_CHUNK
    text = length - layout.TAG * chunks
    return (
        layout.SIZE_BYTES <= text <= padme(layout.SIZE_BYTES + layout.MAX_DATA)
        and padme(text) == text
        and text > (chunks - 1) * layout.CHUNK
    )


@given(st.binary(max_size=2000))
def test_any_data_arrives_as_it_left(data: bytes) -> None:
    package, out = seal(data), io.BytesIO()
    root = measure(io.BytesIO(package)).root
    assert open_package(io.BytesIO(package), out, header=HEADER, root=root, key=KEY) == SALTS
    assert out.getvalue() == data


PACKAGE = seal(b"data" * 100)
ROOT = measure(io.BytesIO(PACKAGE)).root


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, len(PACKAGE)), st.integers(0, 40), st.binary(max_size=40)), min_size=1, max_size=4
    )
)
def test_edited_bytes_are_refused_with_a_declared_code(edits: list[tuple[int, int, bytes]]) -> None:
    changed = PACKAGE
    for at, removed, inserted in edits:
        changed = changed[:at] + inserted + changed[at + removed :]
    if changed == PACKAGE:
        return
    out = io.BytesIO()
    with pytest.raises(MarketError) as refusal:
        open_package(io.BytesIO(changed), out, header=HEADER, root=ROOT, key=KEY)
    assert refusal.value.code.startswith("package_")
    assert out.getvalue() == b""


@given(st.binary(max_size=300))
def test_any_bytes_are_a_package_or_refused(data: bytes) -> None:
    for source in (data, layout.MAGIC + data):
        with pytest.raises(MarketError) as refusal:
            measure(io.BytesIO(source))
        assert refusal.value.code is ErrorCode.PACKAGE_MALFORMED
