import pytest

from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'.encode()),
        # RFC 8785 section 3.2.3: members sort as UTF-16, so U+1F600 (a surrogate pair) stands before U+FB33.
        ({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3}, '{"\u20ac":3,"\U0001f600":2,"\ufb33":1}'.encode()),
        ('\x00\x0f\n"\\/\x7f', b'"\\u0000\\u000f\\n\\"\\\\/\x7f"'),
        (2**53 - 1, b"9007199254740991"),
        ((), b"[]"),
        ({}, b"{}"),
    ],
)
def test_writes_the_bytes_of_rfc_8785(value: object, expected: bytes) -> None:
    assert canonical.dumps(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {"a": [0.5]},
        float("nan"),
        2**53,
        -(2**53),
        b"bytes",
        {1: 2},
        "\ud800",
        {"\ud800": 1},
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_a_value_without_a_canonical_form_is_a_defect_of_the_caller(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the message is for the developer
        canonical.dumps(value)


def test_reads_back_what_it_wrote() -> None:
    value = {"list": [1, -5, "x", {"deep": None}], "zero": 0}
    assert canonical.loads(canonical.dumps(value)) == value
    assert canonical.loads(canonical.dumps(value).decode()) == value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"1 2", id="two values"),
        pytest.param(b'{"a":1,"a":1}', id="duplicate member"),
        pytest.param(b'{"a":{"b":1,"b":2}}', id="duplicate member inside"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="duplicate member, escaped"),
        pytest.param(b"1.0", id="float"),
        pytest.param(b"1e2", id="exponent"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"-Infinity", id="infinity"),
        pytest.param(b"9007199254740992", id="integer past 2^53-1"),
        pytest.param(b"-9007199254740992", id="integer before -(2^53-1)"),
        pytest.param(b"9" * 5000, id="integer of 5000 digits"),
        pytest.param(b'"\\ud800"', id="lone surrogate"),
        pytest.param(b'"\xff"', id="not UTF-8"),
        pytest.param('"\ud800"', id="text that has no UTF-8"),
        pytest.param(b'\xef\xbb\xbf"a"', id="byte order mark"),
        pytest.param('"a"'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'"\n"', id="raw control character"),
        pytest.param(b"[" * 33 + b"1" + b"]" * 33, id="33 levels"),
        pytest.param(b"[" * 100_000, id="100,000 levels"),
    ],
)
@pytest.mark.parametrize("must_be_canonical", [True, False])
def test_refuses_what_two_readers_could_read_differently(data: bytes | str, must_be_canonical: bool) -> None:
    with pytest.raises(MarketError) as refusal:
        canonical.loads(data, code=ErrorCode.MALFORMED_INTENT, canonical=must_be_canonical)
    assert refusal.value.code is ErrorCode.MALFORMED_INTENT


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b'{"a": 1}', b'"\\u0061"', b"1\n", b"-0", b'"\\/"'])
def test_refuses_another_spelling_only_where_canonical_bytes_are_due(data: bytes) -> None:
    canonical.loads(data, canonical=False)
    with pytest.raises(MarketError, match="canonical form"):
        canonical.loads(data)


def test_32_levels_are_accepted() -> None:
    canonical.loads(b"[" * 32 + b"1" + b"]" * 32)


def test_a_refusal_never_repeats_the_data() -> None:
    for data in (b'{"canary":1,"canary":2}', b"canary", b'["canary", 1.5]', b'{"z":"canary","a":1}'):
        with pytest.raises(MarketError) as refusal:
            canonical.loads(data)
        assert "canary" not in str(refusal.value)
        assert refusal.value.__cause__ is None
