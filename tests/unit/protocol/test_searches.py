import pytest

from countermark.protocol import jws, searches
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError

MARKET = "market/countermark"
KEY = AccountKey.generate()
NOW = 1_800_000_000_000
SAMPLE = b"canary of a fingerprint"
TOKEN = searches.sign_search(KEY, market=MARKET, fingerprint=SAMPLE, issued_at_ms=NOW)


def changed(**changes: object) -> str:
    return jws.sign(KEY, searches.TYP, jws.verify(TOKEN, searches.TYP).payload | changes)


@pytest.mark.requirement("R31")
def test_a_search_carries_the_fingerprint_of_a_sample() -> None:
    search = searches.parse_search(TOKEN, market=MARKET)
    assert (search.signer, search.fingerprints, search.issued_at_ms) == (KEY.address, (SAMPLE,), NOW)
    assert "canary" not in repr(search)


def test_a_large_fingerprint_fits_and_a_larger_one_is_refused() -> None:
    largest = bytes(searches.MAX_FINGERPRINT)
    token = searches.sign_search(KEY, market=MARKET, fingerprint=largest, issued_at_ms=NOW)
    assert searches.parse_search(token, market=MARKET).fingerprints == (largest,)
    token = searches.sign_search(KEY, market=MARKET, fingerprint=largest + b"\0", issued_at_ms=NOW)
    with pytest.raises(MarketError) as refusal:
        searches.parse_search(token, market=MARKET)
    assert refusal.value.code is ErrorCode.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(changed(market="market/other"), ErrorCode.WRONG_MARKET, id="for another market"),
        pytest.param(changed(fingerprint=""), ErrorCode.MALFORMED_REQUEST, id="empty fingerprint"),
        pytest.param(changed(fingerprint=b64u(SAMPLE) + "="), ErrorCode.MALFORMED_REQUEST, id="padded fingerprint"),
        pytest.param(changed(nonce=None), ErrorCode.MALFORMED_REQUEST, id="no nonce"),
        pytest.param(changed(limit=1000), ErrorCode.MALFORMED_REQUEST, id="unknown member"),
        pytest.param(jws.sign(KEY, "countermark-notice+jws", {}), ErrorCode.MALFORMED_REQUEST, id="of another type"),
    ],
)
def test_refuses(token: str, code: ErrorCode) -> None:
    with pytest.raises(MarketError) as refusal:
        searches.parse_search(token, market=MARKET)
    assert refusal.value.code is code


@pytest.mark.parametrize(
    ("now_ms", "code"),
    [
        (NOW, None),
        (NOW - 60_000, None),
        (NOW - 60_001, ErrorCode.INTENT_NOT_YET_VALID),
        (NOW + 300_000, None),
        (NOW + 300_001, ErrorCode.INTENT_EXPIRED),
    ],
)
def test_a_search_is_answered_only_in_its_time(now_ms: int, code: ErrorCode | None) -> None:
    search = searches.parse_search(TOKEN, market=MARKET)
    if code is None:
        searches.check_time(search, now_ms)
        return
    with pytest.raises(MarketError) as refusal:
        searches.check_time(search, now_ms)
    assert refusal.value.code is code
