from typing import Any

import pytest

from countermark.protocol import intents, jws, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode, MarketError

MARKET = "market/countermark"
KEY = AccountKey.generate()
PAYEE = AccountKey.generate().address
NOW = 1_800_000_000_000
PARAMS = {"to": PAYEE, "amount": "125"}


def sign(**changes: Any) -> str:
    options: dict[str, Any] = {"market": MARKET, "action": "coin.transfer", "params": PARAMS, "issued_at_ms": NOW}
    return intents.sign(KEY, **options | changes)


def payload(**changes: object) -> dict[str, object]:
    return {
        "action": "coin.transfer",
        "expires_at": times.to_text(NOW + 300_000),
        "issued_at": times.to_text(NOW),
        "market": MARKET,
        "nonce": intents.new_nonce(),
        "params": PARAMS,
    } | changes


def refused(token: object, **options: Any) -> ErrorCode:
    with pytest.raises(MarketError) as refusal:
        intents.parse(token, **{"market": MARKET} | options)
    return refusal.value.code


@pytest.mark.requirement("R11")
def test_an_intent_says_who_asks_for_what_and_until_when() -> None:
    intent = intents.parse(sign(), market=MARKET, action="coin.transfer")
    assert intent.signer == KEY.address
    assert (intent.market, intent.action, intent.params) == (MARKET, "coin.transfer", PARAMS)
    assert (intent.issued_at_ms, intent.expires_at_ms) == (NOW, NOW + 300_000)
    assert len(intent.nonce) == 22
    assert intent.digest.startswith("sha256:")


def test_each_intent_has_its_own_nonce_unless_its_signer_chose_one() -> None:
    assert intents.parse(sign(), market=MARKET).nonce != intents.parse(sign(), market=MARKET).nonce
    nonce = intents.new_nonce()
    first, again = (intents.parse(sign(nonce=nonce), market=MARKET) for _ in range(2))
    assert first.token != again.token  # ECDSA is randomised
    assert (first.signer, first.nonce, first.digest) == (again.signer, again.nonce, again.digest)


def test_another_payload_under_one_nonce_has_another_digest() -> None:
    nonce = intents.new_nonce()
    dearer = sign(nonce=nonce, params=PARAMS | {"amount": "126"})
    assert intents.parse(sign(nonce=nonce), market=MARKET).digest != intents.parse(dearer, market=MARKET).digest


@pytest.mark.parametrize(
    ("token", "options", "code"),
    [
        pytest.param(sign(market="market/other"), {}, ErrorCode.WRONG_MARKET, id="signed for another market"),
        pytest.param(sign(), {"action": "coin.mint"}, ErrorCode.WRONG_ACTION, id="submitted to another function"),
        pytest.param(jws.sign(KEY, "countermark-notice+jws", payload()), {}, ErrorCode.MALFORMED_INTENT,
                     id="a message of another type"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(action="coin.steal")), {}, ErrorCode.WRONG_ACTION,
                     id="unknown action"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(action=None)), {}, ErrorCode.MALFORMED_INTENT,
                     id="action null"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(extra=1)), {}, ErrorCode.MALFORMED_INTENT,
                     id="unknown member"),
        pytest.param(jws.sign(KEY, intents.TYP, {k: v for k, v in payload().items() if k != "nonce"}), {},
                     ErrorCode.MALFORMED_INTENT, id="no nonce"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(nonce="AAAA")), {}, ErrorCode.MALFORMED_INTENT,
                     id="short nonce"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(issued_at=NOW)), {}, ErrorCode.MALFORMED_INTENT,
                     id="time as a number"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(expires_at=times.to_text(NOW))), {},
                     ErrorCode.MALFORMED_INTENT, id="expires when issued"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(params=[])), {}, ErrorCode.MALFORMED_INTENT,
                     id="params an array"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(params=PARAMS | {"from": PAYEE})), {},
                     ErrorCode.MALFORMED_INTENT, id="unknown parameter"),
        pytest.param(jws.sign(KEY, intents.TYP, payload(params=PARAMS | {"amount": 125})), {},
                     ErrorCode.MALFORMED_AMOUNT, id="money as a number"),
    ],
)  # fmt: skip
def test_refuses(token: str, options: dict[str, Any], code: ErrorCode) -> None:
    assert refused(token, **options) is code


def test_refuses_an_intent_signed_in_another_name() -> None:
    mine, theirs = sign(), intents.sign(AccountKey.generate(), market=MARKET, action="coin.transfer",
                                        params=PARAMS, issued_at_ms=NOW)  # fmt: skip
    head, body, _ = mine.split(".")
    assert refused(f"{head}.{body}.{theirs.rpartition('.')[2]}") is ErrorCode.BAD_SIGNATURE


def test_a_client_does_not_sign_what_the_market_would_refuse() -> None:
    with pytest.raises(MarketError) as refusal:
        sign(params=PARAMS | {"amount": "0"})
    assert refusal.value.code is ErrorCode.MALFORMED_AMOUNT


@pytest.mark.parametrize(
    ("now_ms", "longest_s", "code"),
    [
        (NOW, 300, None),
        (NOW - 60_000, 300, None),
        (NOW - 60_001, 300, ErrorCode.INTENT_NOT_YET_VALID),
        (NOW + 300_000, 300, None),
        (NOW + 300_001, 300, ErrorCode.INTENT_EXPIRED),
        (NOW, 299, ErrorCode.INTENT_TOO_LONG),
    ],
)
def test_an_intent_acts_only_in_its_time(now_ms: int, longest_s: int, code: ErrorCode | None) -> None:
    intent = intents.parse(sign(), market=MARKET)
    if code is None:
        intents.check_time(intent, now_ms, longest_s=longest_s)
        return
    with pytest.raises(MarketError) as refusal:
        intents.check_time(intent, now_ms, longest_s=longest_s)
    assert refusal.value.code is code
