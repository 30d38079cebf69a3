"""The search itself: it would be no proof that nothing was found if it could not find."""

import base64
import os
from collections.abc import Callable

import pytest

from tests.secrets.needles import PIECE, Needles, pieces

SECRET = os.urandom(100)


@pytest.mark.parametrize("before", [0, 1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    "spell",
    [
        lambda data: data,
        lambda data: data.hex().encode(),
        lambda data: data.hex().upper().encode(),
        base64.b64encode,
        base64.urlsafe_b64encode,
        base64.encodebytes,
        lambda data: repr(data.hex()).encode(),
        lambda data: base64.urlsafe_b64encode(b'{"a":"' + base64.urlsafe_b64encode(data) + b'"}'),
        lambda data: base64.urlsafe_b64encode(b'{"a":"sha256:' + data.hex().encode() + b'"}'),
    ],
    ids=[
        "raw",
        "hex",
        "upper-case hex",
        "base64",
        "base64url",
        "base64 in lines",
        "quoted",
        "token",
        "hex in a token",
    ],
)
@pytest.mark.parametrize("part", [slice(None), slice(None, 60), slice(40, None)], ids=["whole", "head", "tail"])
def test_a_secret_is_found_in_every_form_and_in_part(
    spell: Callable[[bytes], bytes], before: int, part: slice
) -> None:
    haystack = os.urandom(50) + spell(os.urandom(before) + SECRET[part] + os.urandom(9)) + os.urandom(50)
    assert Needles({"secret": [SECRET]}).find(haystack) == {"secret"}


def test_what_is_not_there_is_not_found() -> None:
    needles = Needles({"secret": [SECRET], "other": [b"a canary of text"]})
    assert needles.find(os.urandom(1 << 20)) == set()
    assert needles.find(SECRET[: PIECE - 1] + b"x") == set()
    assert needles.find(b"") == set()


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"\\n"], ids=["lines", "lines of the network", "lines in JSON"])
def test_a_short_secret_is_found_where_a_line_cuts_it(line: bytes) -> None:
    key = os.urandom(32)
    text = base64.b64encode(os.urandom(36) + key + os.urandom(50))
    lines = line.join(text[start : start + 64] for start in range(0, len(text), 64))
    assert Needles({"key": [key]}).find(lines) == {"key"}


def test_bytes_that_stand_everywhere_are_no_needle() -> None:
    needles = Needles({"secret": [bytes(500) + SECRET]})
    assert needles.find(bytes(1_000)) == set()
    assert needles.find(SECRET) == {"secret"}


def test_pieces_leave_nothing_out() -> None:
    for length in (8, PIECE, PIECE + 1, 2 * PIECE, 100):
        assert {byte for piece in pieces(bytes(range(length))) for byte in piece} == set(range(length))
