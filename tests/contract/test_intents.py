"""Intents: each way in which one can be bad has its own code, and an intent has one outcome for ever."""

import json
from collections.abc import Callable

import pytest

from countermark.protocol import jws
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode
from tests.support import es256
from tests.support.market import BOND, PLATFORM, PRICE, SUPERVISOR, TRADER, Actor, Market, actor, refused


def _unsigned(token: str) -> str:
    header, payload, _ = token.split(".")
    return f"{header}.{payload}.{b64u(bytes(64))}"


def _other_payload(token: str) -> str:
    header, payload, signature = token.split(".")
    document = json.loads(unb64u(payload))
    document["params"]["amount"] = "999"
    changed = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return f"{header}.{b64u(changed)}.{signature}"


def _spaced(token: str) -> str:
    payload = json.loads(unb64u(token.split(".")[1]))
    key = actor("buyer").key
    return _compact(key, {"alg": "ES256", "kid": key.address, "typ": "countermark-intent+jws"}, json.dumps(payload))


def _no_algorithm(token: str) -> str:
    payload = unb64u(token.split(".")[1]).decode()
    key = actor("buyer").key
    return _compact(key, {"alg": "none", "kid": key.address, "typ": "countermark-intent+jws"}, payload)


def _with_key_in_header(token: str) -> str:
    payload = unb64u(token.split(".")[1]).decode()
    key = actor("buyer").key
    header = {"alg": "ES256", "jwk": {}, "kid": key.address, "typ": "countermark-intent+jws"}
    return _compact(key, header, payload)


def _compact(key: AccountKey, header: dict[str, object], payload: str) -> str:
    head = b64u(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    body = b64u(payload.encode())
    return f"{head}.{body}.{b64u(es256.sign(key, f'{head}.{body}'.encode()))}"


FORGED: dict[str, tuple[Callable[[str], str], ErrorCode]] = {
    "no signature": (_unsigned, ErrorCode.BAD_SIGNATURE),
    "payload changed after signing": (_other_payload, ErrorCode.BAD_SIGNATURE),
    "not canonical": (_spaced, ErrorCode.MALFORMED_INTENT),
    "algorithm none": (_no_algorithm, ErrorCode.MALFORMED_INTENT),
    "key in the header": (_with_key_in_header, ErrorCode.MALFORMED_INTENT),
    "two segments": (lambda token: token.rpartition(".")[0], ErrorCode.MALFORMED_INTENT),
    "nothing": (lambda _token: "", ErrorCode.MALFORMED_INTENT),
}


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("attack", FORGED)
def test_forged_or_malformed_intent_is_refused(market: Market, attack: str) -> None:
    coin = market.mint(market.buyer, 10)
    token = market.sign(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"})
    forge, code = FORGED[attack]
    with refused(code):
        market.send_token(forge(token), "coin.transfer", {"coins": [coin]})
    assert market.balance(market.buyer) == 10


def test_intent_of_another_market_is_refused(market: Market) -> None:
    params = {"to": market.seller.address, "amount": "1"}
    token = market.sign(market.buyer, "coin.transfer", params, market="market/other")
    with refused(ErrorCode.WRONG_MARKET):
        market.send_token(token, "coin.transfer")


def test_intent_for_another_action_is_refused(market: Market) -> None:
    trade_id = market.bring_to("SENT")
    token = market.sign(market.buyer, "trade.confirm", {"trade": trade_id})
    with refused(ErrorCode.WRONG_ACTION):
        market.send_token(token, "trade.accept")


def test_message_of_another_type_is_no_intent(market: Market) -> None:
    token = jws.sign(market.buyer.key, "countermark-notice+jws", {"action": "coin.transfer"})
    with refused(ErrorCode.MALFORMED_INTENT):
        market.send_token(token, "coin.transfer")


def test_expired_intent_is_refused_and_its_last_moment_counts(market: Market) -> None:
    coin = market.mint(market.buyer, 2)
    params = {"to": market.seller.address, "amount": "2"}
    token = market.sign(market.buyer, "coin.transfer", params, lifetime_s=300)
    late = market.sign(market.buyer, "coin.transfer", params, lifetime_s=299)
    market.backend.wait(300)
    with refused(ErrorCode.INTENT_EXPIRED):
        market.send_token(late, "coin.transfer", {"coins": [coin]})
    market.send_token(token, "coin.transfer", {"coins": [coin]})


def test_intent_from_the_future_is_refused(market: Market) -> None:
    ahead = market.backend.now_ms + 61_000
    token = market.sign(market.buyer, "intent.cancel", {"nonce": b64u(bytes(16))}, issued_at_ms=ahead)
    with refused(ErrorCode.INTENT_NOT_YET_VALID):
        market.send_token(token, "intent.cancel")


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("coin.transfer", {"to": actor("seller").address, "amount": "2"}),
        ("account.recover", {"account": actor("seller").address}),
        *((action, {"trade": "tr1" + "a" * 52}) for action in ("trade.cancel", "trade.confirm", "trade.accept")),
    ],
)
def test_money_intent_lives_ten_minutes_at_most(market: Market, action: str, params: dict[str, str]) -> None:
    token = market.sign(market.buyer, action, params, lifetime_s=601)
    with refused(ErrorCode.INTENT_TOO_LONG):
        market.send_token(token, action)


@pytest.mark.every_ledger
def test_same_intent_again_has_the_first_outcome_and_moves_nothing(market: Market) -> None:
    address = market.list_data()["id"]
    coins = market.fund(market.buyer, PRICE + BOND)
    token = market.sign(market.buyer, "trade.pay", market.pay_params(address))
    first = market.send_token(token, "trade.pay", coins)
    held = market.records("coin/")
    # Through another gateway, with other coins, and long after it has expired.
    market.backend.wait(3600)
    again = market.send_token(token, "trade.pay", {"coins": []}, msp=SUPERVISOR)
    assert again.answer == {**first.answer, "replayed": True}
    assert market.records("coin/") == held


def test_resigned_intent_is_the_same_intent(market: Market) -> None:
    coins = market.fund(market.buyer, 20)
    params = {"to": market.seller.address, "amount": "10"}
    nonce, at = b64u(b"n" * 16), market.backend.now_ms
    tokens = [market.sign(market.buyer, "coin.transfer", params, nonce=nonce, issued_at_ms=at) for _ in range(2)]
    assert tokens[0] != tokens[1]
    market.send_token(tokens[0], "coin.transfer", coins)
    assert market.send_token(tokens[1], "coin.transfer")["replayed"] is True
    assert market.balance(market.seller) == 10


def test_another_payload_under_a_used_nonce_is_refused(market: Market) -> None:
    coins = market.fund(market.buyer, 10)
    nonce = b64u(b"x" * 16)
    market.ask(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, coins, nonce=nonce)
    with refused(ErrorCode.INTENT_REPLAYED):
        market.ask(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "9"}, nonce=nonce)


def test_refused_intent_leaves_its_nonce_free(market: Market) -> None:
    nonce = b64u(b"y" * 16)
    params = {"to": market.seller.address, "amount": "10"}
    token = market.sign(market.buyer, "coin.transfer", params, nonce=nonce)
    with refused(ErrorCode.INSUFFICIENT_FUNDS):
        market.send_token(token, "coin.transfer")
    market.send_token(token, "coin.transfer", market.fund(market.buyer, 10))
    assert market.balance(market.seller) == 10


def test_cancelled_nonce_never_acts(market: Market) -> None:
    coins = market.fund(market.buyer, 10)
    nonce = b64u(b"z" * 16)
    token = market.sign(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, nonce=nonce)
    market.ask(market.buyer, "intent.cancel", {"nonce": nonce})
    with refused(ErrorCode.INTENT_CANCELLED):
        market.send_token(token, "coin.transfer", coins)
    with refused(ErrorCode.INTENT_CANCELLED):
        market.ask(market.buyer, "intent.cancel", {"nonce": nonce})


def test_cancelling_comes_too_late_for_an_intent_that_has_acted(market: Market) -> None:
    coins = market.fund(market.buyer, 10)
    nonce = b64u(b"w" * 16)
    market.ask(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, coins, nonce=nonce)
    with refused(ErrorCode.INTENT_REPLAYED):
        market.ask(market.buyer, "intent.cancel", {"nonce": nonce})


def test_nobody_burns_somebody_elses_nonce(market: Market) -> None:
    nonce = b64u(b"v" * 16)
    market.ask(market.stranger, "intent.cancel", {"nonce": nonce})
    coins = market.fund(market.buyer, 10)
    market.ask(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, coins, nonce=nonce)
    assert market.balance(market.seller) == 10


def test_intent_cannot_cancel_itself(market: Market) -> None:
    nonce = b64u(b"u" * 16)
    with refused(ErrorCode.MALFORMED_INTENT):
        market.ask(market.buyer, "intent.cancel", {"nonce": nonce}, nonce=nonce)


def test_outcome_of_an_intent_can_be_looked_up(market: Market) -> None:
    nonce = b64u(b"t" * 16)
    coins = market.fund(market.buyer, 10)
    done = market.ask(
        market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, coins, nonce=nonce
    )
    found = market.backend.evaluate(TRADER, "intent.show", market.buyer.address, nonce)
    assert found["tx"] == done.tx_id
    assert found["response"] == done.answer
    with refused(ErrorCode.NOT_FOUND):
        market.backend.evaluate(TRADER, "intent.show", market.seller.address, nonce)


def test_unopened_account_cannot_act(market: Market) -> None:
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        market.ask(actor("nobody"), "coin.transfer", {"to": market.seller.address, "amount": "10"})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], ErrorCode.MALFORMED_REQUEST),
        (["x"], ErrorCode.MALFORMED_REQUEST),
        (["x", "{}", "{}"], ErrorCode.MALFORMED_REQUEST),
        (["x" * 200_000, "{}"], ErrorCode.TOO_LARGE),
        (["x", "{}"], ErrorCode.MALFORMED_INTENT),
    ],
)
def test_bad_arguments_are_refused(market: Market, arguments: list[str], code: ErrorCode) -> None:
    with refused(code):
        market.backend.submit(TRADER, "coin.transfer", *arguments)


@pytest.mark.parametrize("attached", ["", "[]", '{"coins":"x"}', '{"other":[]}', '{"coins":[1]}', '{"coins": []}'])
def test_bad_attachments_are_refused(market: Market, attached: str) -> None:
    token = market.sign(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "1"})
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.backend.submit(TRADER, "coin.transfer", token, attached)


def test_unknown_function_is_refused(market: Market) -> None:
    with refused(ErrorCode.UNKNOWN_FUNCTION):
        market.backend.submit(TRADER, "trade.nothing", "{}", "{}")


BY_PLATFORM = ["trade.relay", "trade.check"]


@pytest.mark.parametrize("function", BY_PLATFORM)
def test_platforms_key_alone_is_not_the_platform(market: Market, function: str) -> None:
    trade_id = market.bring_to("UPLOADED" if function == "trade.relay" else "RECEIVED")
    thief = Actor("thief", TRADER, market.platform.key, market.platform.encryption)
    with refused(ErrorCode.NOT_PERMITTED):
        market.act(function, trade_id, thief)


@pytest.mark.parametrize("function", BY_PLATFORM)
def test_platforms_organisation_alone_is_not_the_platform(market: Market, function: str) -> None:
    trade_id = market.bring_to("UPLOADED" if function == "trade.relay" else "RECEIVED")
    operator = Actor("operator", PLATFORM, market.stranger.key, market.stranger.encryption)
    with refused(ErrorCode.WRONG_ACTOR):
        market.act(function, trade_id, operator)
