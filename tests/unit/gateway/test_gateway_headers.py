"""Prefer, Range, Content-Range: what is understood, ignored and refused."""

import pytest

from countermark.gateway import prefer, ranges
from countermark.protocol.errors import ErrorCode
from tests.support.market import refused


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=10", 10),
        ("Wait = 10", 10),
        ('wait="7"', 7),
        ("respond-async, wait=5", 5),
        ("wait=5; foo=bar", 5),
        ("wait=3, wait=9", 3),
        ("wait=31", 30),
        ("wait=999999", 30),
        ("wait=9999999", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait", 0),
        ("return=minimal", 0),
        ("wait=٣", 0),
    ],
)
def test_prefer(field: str | None, seconds: int) -> None:
    assert prefer.wait_s(field) == seconds


@pytest.mark.parametrize(("field", "part"), [("bytes 0-0/1", (0, 1, 1)), ("bytes 10-19/100", (10, 20, 100))])
def test_content_range(field: str, part: tuple[int, int, int]) -> None:
    parsed = ranges.parse_content_range(field)
    assert (parsed.start, parsed.stop, parsed.total) == part


@pytest.mark.parametrize(
    "field",
    [
        *("", "bytes", "bytes 0-1", "bytes 0-1/*", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "bytes=0-1/10"),
        *("bytes 0-1/10 ", "items 0-1/10", "bytes -1-1/10", "bytes 0-1/" + "9" * 16),
    ],
)
def test_malformed_content_range_is_refused(field: str) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        ranges.parse_content_range(field)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=5-5", (5, 6)),
        ("bytes=99-", (99, 100)),
        ("bytes=90-100", (90, 100)),
        ("bytes=0-999999999999999", (0, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-100", (0, 100)),
        ("bytes=-101", (0, 100)),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=200-100", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=٣-", None),
    ],
)
def test_range(field: str, wanted: tuple[int, int] | None) -> None:
    assert ranges.parse_range(field, 100) == wanted


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_range_of_no_byte_is_refused(field: str) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        ranges.parse_range(field, 100)
