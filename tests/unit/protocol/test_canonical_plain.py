"""What is read quickly, because it is plain, is what the rules allow, and what they refuse is refused."""

import json
import random
from typing import Any

import pytest

from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.sizes import size

CASES = [
    b'{"a":1,"b":[true,false,null,"x"]}',
    b'{"b":1,"a":1}',
    b'{"a":1,"a":1}',
    b'{"a":1,"a":2}',
    b'{"a": 1}',
    b'{"a":1}\n',
    b'{"a":1.0}',
    b'{"a":1e3}',
    b'{"a":-0}',
    b'{"a":01}',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":9007199254740991}',
    b'{"a":-9007199254740991}',
    b'{"a":9007199254740992}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":"\\u00e9"}',
    b'{"a":"\\u0041"}',
    b'{"a":"\\ud800"}',
    b'{"a":"\\u001f"}',
    b'{"a":"\\u001F"}',
    b'{"a":"\\n\\t\\b\\f\\r"}',
    b'{"a":"\\/"}',
    b'{"a":"\x7f"}',
    b'{"a":"\x1f"}',
    '{"ä":"é"}'.encode(),
    '{"\U00010400":1,"\uffff":2}'.encode(),
    b'{"a":"\xff"}',
    b"",
    b"{",
    b"7",
    b'"x"',
    b"[" * 32 + b"]" * 32,
    b"[" * 33 + b"]" * 33,
    b"[" * 90_000,
    b'{"a":{},"b":' + b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["' + b"}",
]


def outcome(data: bytes) -> Any:
    try:
        return canonical.loads(data)
    except MarketError as error:
        return error.code, error.detail


def by_rule(data: bytes) -> Any:
    """The outcome of what never reads quickly, and compares with the canonical bytes afterwards."""
    try:
        value = canonical.loads(data, canonical=False)
    except MarketError as error:
        return error.code, error.detail
    if canonical.dumps(value) == data:
        return value
    return ErrorCode.MALFORMED_REQUEST, "not in canonical form (RFC 8785)"


@pytest.mark.parametrize("data", CASES, ids=lambda data: data[:24].decode(errors="replace"))
def test_a_case_is_read_or_refused_alike(data: bytes) -> None:
    assert outcome(data) == by_rule(data)


def test_anything_is_read_or_refused_alike() -> None:
    chance = random.Random(3)

    def value(depth: int) -> Any:
        kind = chance.randrange(8 if depth else 5)
        if kind == 0:
            return chance.choice([True, False, None, "", 0, -1, 2**53 - 1, 2**53])
        if kind < 5:
            return "".join(chance.choice('aZ09"\\/\n\x1f\x7fé\ud7ff\U0001f600') for _ in range(chance.randrange(5)))
        if kind == 5:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice("abcdé\uffff\U00010400"): value(depth - 1) for _ in range(chance.randrange(4))}

    read = 0
    for _ in range(size(3_000, 100_000)):
        data = bytearray(json.dumps(value(4), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        if chance.random() < 0.3:
            data[chance.randrange(len(data))] = chance.randrange(256)
        one = outcome(bytes(data))
        assert one == by_rule(bytes(data))
        read += not isinstance(one, tuple)
    assert read > 1_000
