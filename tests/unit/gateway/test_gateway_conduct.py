"""/v1/accounts/{address}/conduct: how anybody's trades have ended, told to whoever trades."""

import pytest

from countermark.client import account, purchases
from countermark.protocol.conduct import Mark
from countermark.protocol.errors import ErrorCode
from tests.support.market import actor
from tests.unit.gateway.conftest import Sale, refused

NOTHING = dict.fromkeys(Mark, 0)


@pytest.mark.requirement("R75")
def test_a_buyer_reads_how_his_seller_has_traded(sale: Sale) -> None:
    seller, buyer = sale.seller.address, sale.buyer.market
    assert account.conduct(buyer, seller) == {"address": seller, **NOTHING}
    trade = sale.pay()
    sale.send(trade)
    assert account.conduct(buyer, seller) == {"address": seller, **NOTHING}, "it runs"
    purchases.dispute(buyer, trade, "unavailable")
    market = sale.front.world.market
    market.act("trade.open", trade)
    market.act("trade.decide", trade, decision="faulty")
    told = account.conduct(buyer, seller)
    assert told == {"address": seller, **NOTHING, Mark.AT_FAULT: 1, Mark.DISPUTE_LOST: 1}
    assert account.conduct(buyer) == {"address": sale.buyer.address, **NOTHING, Mark.DISPUTE_WON: 1}


def test_outsiders_are_told_nothing_and_nobody_of_an_account_that_is_none(sale: Sale) -> None:
    outsider = sale.front.trader("outsider")
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        account.conduct(outsider.market, sale.seller.address)
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        account.conduct(sale.buyer.market, actor("outsider").address)
    with refused(ErrorCode.MALFORMED_ADDRESS):
        account.conduct(sale.buyer.market, "did:key:zDnae")
    assert sale.front.raw().get(f"/v1/accounts/{sale.seller.address}/conduct").status_code == 401
