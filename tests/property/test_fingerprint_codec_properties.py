from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from countermark.fingerprint import Fingerprint, FingerprintError, Segment

fingerprints = st.one_of(
    st.builds(
        lambda h, d, t: Fingerprint(
            "image/paper-v0", (Segment("histogram", h), Segment("dct64", d), Segment("thumbnail", t))
        ),
        *(st.binary(min_size=n, max_size=n) for n in (128, 8, 1024)),
    ),
    st.builds(
        lambda a, h, d, t, levels, framed, corners: Fingerprint(
            "image/v1",
            (
                Segment("aspect", a.to_bytes(4)),
                Segment("histogram", h),
                Segment("dct64", d),
                Segment("thumbnail", t),
                Segment("levels", levels),
                Segment("content", a.to_bytes(4) + h + d + t if framed else b""),
                Segment("local", b"".join(place + bytes(kind) + bits for place, kind, bits in corners)),
            ),
        ),
        st.integers(16, 65536),
        *(st.binary(min_size=n, max_size=n) for n in (128, 280, 3136, 6)),
        st.booleans(),
        st.lists(
            st.tuples(
                st.binary(min_size=4, max_size=4),
                st.tuples(st.integers(0, 5), st.integers(0, 63)),
                st.binary(min_size=32, max_size=32),
            ),
            max_size=100,
        ),
    ),
)


@given(fingerprints)
def test_round_trip(fingerprint):
    assert Fingerprint.from_bytes(fingerprint.to_bytes()) == fingerprint


@given(fingerprints, st.data())
def test_a_changed_byte_is_refused_or_another_fingerprint_with_one_encoding(fingerprint, data):
    changed = bytearray(fingerprint.to_bytes())
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        parsed = Fingerprint.from_bytes(bytes(changed))
    except FingerprintError:
        return
    assert parsed != fingerprint
    assert parsed.to_bytes() == bytes(changed)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_the_one_error(data):
    for candidate in (data, b"CMFP\x01" + data, b"CMFP\x01\x08image/v1" + data):
        with suppress(FingerprintError):
            assert Fingerprint.from_bytes(candidate).to_bytes() == candidate
