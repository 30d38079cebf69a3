import pytest

from countermark.protocol import ids, jws, receipts
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.receipts import Receipt

MARKET = "market/countermark"
PLATFORM, SELLER = AccountKey.generate(), AccountKey.generate()
TRADE = ids.trade_id(market=MARKET, listing="dc1", buyer=SELLER.address, nonce="n")
RECEIPT = Receipt("seller_notice", TRADE, digest(b"leaf"), 1_800_000_000_000, 1_800_000_600_000)
TOKEN = receipts.sign_receipt(PLATFORM, RECEIPT, market=MARKET)


def changed(key: AccountKey = PLATFORM, **changes: object) -> str:
    return jws.sign(key, receipts.TYP, jws.verify(TOKEN, receipts.TYP).payload | changes)


@pytest.mark.requirement("R41")
def test_a_receipt_is_the_platforms_promise_of_an_anchor() -> None:
    parsed = receipts.parse_receipt(TOKEN, market=MARKET, platform=PLATFORM.address)
    assert parsed.receipt == RECEIPT
    assert parsed.token == TOKEN


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(changed(SELLER), ErrorCode.WRONG_ACTOR, id="made by the party himself"),
        pytest.param(changed(market="market/other"), ErrorCode.WRONG_MARKET, id="of another market"),
        pytest.param(changed(leaf="sha256:"), ErrorCode.RECEIPT_MALFORMED, id="without a leaf"),
        pytest.param(changed(subject="dc1"), ErrorCode.RECEIPT_MALFORMED, id="without a trade"),
        pytest.param(changed(anchored_by="2026-01-01T00:00:00.000Z"), ErrorCode.RECEIPT_MALFORMED,
                     id="anchored before it was received"),
        pytest.param(changed(extra=1), ErrorCode.RECEIPT_MALFORMED, id="unknown member"),
        pytest.param("", ErrorCode.RECEIPT_MALFORMED, id="empty"),
    ],
)  # fmt: skip
def test_refuses(token: str, code: ErrorCode) -> None:
    with pytest.raises(MarketError) as refusal:
        receipts.parse_receipt(token, market=MARKET, platform=PLATFORM.address)
    assert refusal.value.code is code
