"""Errors on the wire: what is not one of ours is none, whatever it is."""

import pytest

from countermark.protocol.errors import ErrorCode, MarketError


def test_error_comes_back_from_what_chaincode_answers() -> None:
    error = MarketError.from_json(MarketError(ErrorCode.NOT_DUE, "too early").to_json())
    assert error is not None
    assert (error.code, error.detail) == (ErrorCode.NOT_DUE, "too early")


@pytest.mark.parametrize(
    "text",
    [
        *("", "nonsense", "{}", "[]", "null", b"\xff", '{"code":"no_such_code","detail":""}', '{"code":"not_due"}'),
        pytest.param("[" * 100_000, id="nested too deeply to read"),
        pytest.param('{"code":' * 100_000, id="objects nested too deeply to read"),
    ],
)
def test_anything_else_is_no_error_of_ours(text: str | bytes) -> None:
    assert MarketError.from_json(text) is None
