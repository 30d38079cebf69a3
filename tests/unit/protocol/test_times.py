import pytest

from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000_001, "2027-01-15T08:00:00.001Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (-30_641_760_000_000, "0999-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_has_one_text(time_ms: int, text: str) -> None:
    assert times.to_text(time_ms) == text
    assert times.from_text(text) == time_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000+00:00",
        "1970-01-01 00:00:00.000Z",
        "1970-02-30T00:00:00.000Z",
        "1970-01-01T24:00:00.000Z",
        "1970-01-01T00:00:00.000z",
        "1970-01-01T00:00:00.000Z\n",
        "１970-01-01T00:00:00.000Z",
        0,
        None,
    ],
)
def test_refuses_another_spelling(text: object) -> None:
    with pytest.raises(MarketError) as refusal:
        times.from_text(text, code=ErrorCode.MALFORMED_INTENT)
    assert refusal.value.code is ErrorCode.MALFORMED_INTENT
