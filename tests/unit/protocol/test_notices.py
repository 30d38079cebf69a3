import dataclasses
from typing import Any

import pytest

from countermark.protocol import canonical, ids, jws, notices
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Notice

MARKET = "market/countermark"
SELLER, BUYER, STRANGER = (AccountKey.generate() for _ in range(3))
PLATFORM = AccountKey.generate().address
LISTING = ids.listing_address(market=MARKET, c_f=digest(b"f"), seller=SELLER.address, nonce="n")
TRADE = ids.trade_id(market=MARKET, listing=LISTING, buyer=BUYER.address, nonce="n")


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "role": "seller",
        "trade": TRADE,
        "seller": SELLER.address,
        "buyer": BUYER.address,
        "listing": LISTING,
        "platform": PLATFORM,
        "fingerprint_root": digest(b"root"),
        "claimed_at_ms": 1_800_000_000_123,
    }
    return Notice(**fields | changes)


def payload(**changes: object) -> dict[str, object]:
    token, _ = notices.sign_notice(SELLER, notice(), market=MARKET)
    return jws.verify(token, notices.TYP).payload | changes


def refused(token: str) -> ErrorCode:
    with pytest.raises(MarketError) as refusal:
        notices.parse_notice(token, market=MARKET, platform=PLATFORM)
    return refusal.value.code


@pytest.mark.requirement("R40")
@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("key", "made"),
    [
        (SELLER, notice()),
        (BUYER, notice(role="buyer", verdict="match")),
        (BUYER, notice(role="buyer", verdict="bad")),
    ],
)
def test_a_notice_says_who_sent_what_to_whom_and_when(key: AccountKey, made: Notice) -> None:
    token, payload_digest = notices.sign_notice(key, made, market=MARKET)
    parsed = notices.parse_notice(token, market=MARKET, platform=PLATFORM)
    assert parsed.notice == made
    assert parsed.signer == key.address == made.author
    assert parsed.digest == payload_digest == digest(unb64u(token.split(".")[1]))


@pytest.mark.requirement("R34")
def test_the_digest_on_the_ledger_tells_nothing_about_the_fingerprint() -> None:
    # Two equal statements have unrelated digests: 32 random bytes stand in each.
    digests = {notices.sign_notice(SELLER, notice(), market=MARKET)[1] for _ in range(3)}
    assert len(digests) == 3
    assert len(unb64u(payload()["blind"])) == 32
    assert digest(b"root") not in repr(notice())


@pytest.mark.requirement("A-12")
@pytest.mark.requirement("R67")
@pytest.mark.requirement("R40")
def test_nobody_signs_in_anothers_name() -> None:
    for key, made in [(STRANGER, notice()), (BUYER, notice()), (SELLER, notice(role="buyer", verdict="match"))]:
        with pytest.raises(MarketError) as refusal:
            notices.sign_notice(key, made, market=MARKET)
        assert refusal.value.code is ErrorCode.WRONG_ACTOR


@pytest.mark.parametrize("changes", [{"role": "seller", "verdict": "match"}, {"role": "buyer", "verdict": None}])
def test_the_buyer_judges_the_seller_does_not(changes: dict[str, Any]) -> None:
    with pytest.raises(MarketError) as refusal:
        notice(**changes)
    assert refusal.value.code is ErrorCode.NOTICE_MALFORMED


@pytest.mark.requirement("R40")
@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(jws.sign(STRANGER, notices.TYP, payload()), ErrorCode.WRONG_ACTOR, id="signed by a stranger"),
        pytest.param(jws.sign(BUYER, notices.TYP, payload()), ErrorCode.WRONG_ACTOR, id="signed by the buyer"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(market="m/other")), ErrorCode.WRONG_MARKET,
                     id="for another market"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(aud=STRANGER.address)), ErrorCode.WRONG_MARKET,
                     id="for another platform"),
        pytest.param(jws.sign(SELLER, "countermark-intent+jws", payload()), ErrorCode.NOTICE_MALFORMED,
                     id="of another type"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(trade="tr1")), ErrorCode.NOTICE_MALFORMED,
                     id="no trade"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(buyer="did:key:z")), ErrorCode.NOTICE_MALFORMED,
                     id="no buyer"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(blind=b64u(bytes(31)))), ErrorCode.NOTICE_MALFORMED,
                     id="too little blinding"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(fingerprint_root=None)), ErrorCode.NOTICE_MALFORMED,
                     id="no fingerprint root"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(claimed_at="now")), ErrorCode.NOTICE_MALFORMED,
                     id="no time"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(verdict="match")), ErrorCode.NOTICE_MALFORMED,
                     id="a seller who judges"),
        pytest.param(jws.sign(BUYER, notices.TYP, payload(role="buyer", verdict="good")),
                     ErrorCode.NOTICE_MALFORMED, id="an unknown verdict"),
        pytest.param(jws.sign(SELLER, notices.TYP, payload(extra=1)), ErrorCode.NOTICE_MALFORMED,
                     id="unknown member"),
    ],
)  # fmt: skip
def test_refuses(token: str, code: ErrorCode) -> None:
    assert refused(token) is code


@pytest.mark.requirement("A-12")
@pytest.mark.requirement("R67")
def test_a_notice_cannot_be_altered_after_signing() -> None:
    token, _ = notices.sign_notice(SELLER, notice(), market=MARKET)
    head, _, signature = token.split(".")
    other = canonical.dumps(payload(trade="tr1" + "a" * 52))
    assert refused(f"{head}.{b64u(other)}.{signature}") is ErrorCode.BAD_SIGNATURE


def test_a_notice_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        notice().trade = "tr1"  # type: ignore[misc]
