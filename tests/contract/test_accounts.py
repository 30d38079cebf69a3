"""Accounts: the key is the address; opened once, rotated forwards, frozen, recovered under a time lock."""

import pytest

from countermark.protocol.errors import ErrorCode
from tests.support.market import GUARD_S, PLATFORM, SUPERVISOR, TRADER, Actor, Market, actor, refused

DELAY_S = 60  # change_delay of the tests' market


@pytest.mark.requirement("R8")
def test_opened_account_is_its_public_key(market: Market) -> None:
    newcomer = actor("newcomer")
    opened = market.open_account(newcomer)
    assert opened["id"] == newcomer.key.address
    record = market.backend.evaluate(SUPERVISOR, "audit.account", newcomer.address)["account"]
    assert record["encryption_key"] == {"key": newcomer.encryption.public, "version": 1}
    assert (record["state"], record["sponsor"], record["recovery"]) == ("OPEN", "", "")


@pytest.mark.requirement("R79")
def test_account_record_names_nobody(market: Market) -> None:
    record = market.backend.evaluate(SUPERVISOR, "audit.account", market.seller.address)["account"]
    assert set(record) == {
        *("address", "deadline", "encryption_key", "frozen_by", "opened_at"),
        *("recovery", "sponsor", "state", "updated_at"),
    }


def test_account_is_opened_once(market: Market) -> None:
    with refused(ErrorCode.ACCOUNT_EXISTS):
        market.open_account(market.seller)


def test_sponsor_vouches_by_submitting_itself(market: Market) -> None:
    with refused(ErrorCode.NOT_PERMITTED):
        market.open_account(actor("newcomer"), sponsor=SUPERVISOR)
    market.open_account(actor("newcomer"), sponsor=TRADER)


def test_account_is_not_its_own_recovery_address(market: Market) -> None:
    newcomer = actor("newcomer")
    with refused(ErrorCode.MALFORMED_INTENT):
        market.open_account(newcomer, recovery=newcomer.address)


def rotate(market: Market, version: int) -> None:
    key = {"key": actor("next key").encryption.public, "version": version}
    market.ask(market.seller, "account.rotate_encryption_key", {"encryption_key": key})


def test_encryption_key_gets_the_next_version(market: Market) -> None:
    rotate(market, 2)
    record = market.backend.evaluate(SUPERVISOR, "audit.account", market.seller.address)
    assert record["account"]["encryption_key"]["version"] == 2
    assert [step["encryption_key"]["version"] for step in record["history"]] == [2, 1]
    for version in (1, 2, 4):
        with refused(ErrorCode.WRONG_STATE):
            rotate(market, version)


def test_account_whose_key_could_never_be_replaced_is_not_opened(market: Market) -> None:
    newcomer = actor("newcomer")
    with refused(ErrorCode.MALFORMED_INTENT):
        market.open_account(newcomer, encryption_key={"key": newcomer.encryption.public, "version": 1_000_000})
    market.open_account(newcomer, encryption_key={"key": newcomer.encryption.public, "version": 1_000})
    key = {"key": actor("next key").encryption.public, "version": 1_001}
    market.ask(newcomer, "account.rotate_encryption_key", {"encryption_key": key})


@pytest.mark.requirement("R18")
def test_frozen_account_does_nothing_but_burn_nonces(market: Market) -> None:
    coin = market.mint(market.seller, 10)
    frozen = market.ask(market.supervisor, "account.freeze", {"account": market.seller.address})
    assert frozen["state"] == "FROZEN"
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.ask(market.seller, "coin.transfer", {"to": market.buyer.address, "amount": "10"}, {"coins": [coin]})
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.list_data()
    market.ask(market.seller, "intent.cancel", {"nonce": "A" * 22})


def test_only_owner_or_supervisor_freezes(market: Market) -> None:
    params = {"account": market.seller.address}
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.stranger, "account.freeze", params)
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.stranger, "account.freeze", params, msp=SUPERVISOR)
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.supervisor, "account.freeze", params, msp=TRADER)
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        market.ask(market.supervisor, "account.freeze", {"account": actor("nobody").address})


def test_owner_freezes_only_what_can_be_recovered(market: Market, saver: Actor) -> None:
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.seller, "account.freeze", {"account": market.seller.address})
    assert market.ask(saver, "account.freeze", {"account": saver.address})["state"] == "FROZEN"


def test_supervisor_releases_what_he_has_frozen(market: Market) -> None:
    params = {"account": market.seller.address}
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.supervisor, "account.release", params)
    market.ask(market.supervisor, "account.freeze", params)
    assert market.ask(market.supervisor, "account.release", params)["state"] == "OPEN"
    assert market.list_data()
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.supervisor, "account.release", params)


def test_only_the_supervisor_releases(market: Market, saver: Actor) -> None:
    market.ask(market.supervisor, "account.freeze", {"account": saver.address})
    for who, msp, code in (
        (saver, TRADER, ErrorCode.ACCOUNT_FROZEN),
        (market.stranger, TRADER, ErrorCode.NOT_PERMITTED),
        (market.platform, PLATFORM, ErrorCode.NOT_PERMITTED),
        (market.stranger, SUPERVISOR, ErrorCode.WRONG_ACTOR),
        (market.supervisor, TRADER, ErrorCode.NOT_PERMITTED),
    ):
        with refused(code):
            market.ask(who, "account.release", {"account": saver.address}, msp=msp)
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        market.ask(market.supervisor, "account.release", {"account": actor("nobody").address})


def test_thief_of_the_key_gets_no_release_of_what_its_owner_has_frozen(market: Market, saver: Actor) -> None:
    params = {"account": saver.address}
    market.ask(saver, "account.freeze", params)
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.ask(saver, "account.release", params)
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.supervisor, "account.release", params)
    # Nor by way of an order that is taken back.
    market.ask(market.supervisor, "account.freeze", params)
    with refused(ErrorCode.ACCOUNT_FROZEN):
        recover(market, saver)
    assert market.ask(market.supervisor, "account.release", params)["state"] == "FROZEN"
    assert recover(market, saver) == "RECOVERING"
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.ask(saver, "account.veto", params)
    market.expire(DELAY_S)
    assert recover(market, saver) == "RECOVERED"


@pytest.fixture
def saver(market: Market) -> Actor:
    """An account with money, a listing, and the stranger as its recovery address."""
    saver = actor("saver")
    market.open_account(saver, recovery=market.stranger.address)
    return saver


def recover(market: Market, saver: Actor, **attachments: list[str]) -> str:
    state: str = market.ask(market.stranger, "account.recover", {"account": saver.address}, attachments)["state"]
    return state


@pytest.mark.native_ledger
def test_recovery_moves_coins_and_listings_after_the_time_lock(market: Market, saver: Actor) -> None:
    coins = [market.mint(saver, 3), market.mint(saver, 4)]
    address = market.list_data(saver)["id"]
    assert recover(market, saver) == "RECOVERING"
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.ask(saver, "listing.withdraw", {"listing": address})
    market.backend.wait(DELAY_S)
    with refused(ErrorCode.NOT_DUE):
        recover(market, saver, coins=coins)
    market.backend.wait(GUARD_S)
    assert recover(market, saver, coins=coins, listings=[address]) == "RECOVERED"
    assert market.balance(market.stranger) == 7
    assert market.balance(saver) == 0
    assert market.listing(address)["owner"] == market.stranger.address
    # What comes in later is moved in the same way.
    late = market.mint(saver, 5)
    recover(market, saver, coins=[late])
    assert market.total() == market.minted == market.balance(market.stranger)
    with refused(ErrorCode.WRONG_STATE):
        recover(market, saver)


def test_nothing_moves_when_recovery_begins(market: Market, saver: Actor) -> None:
    with refused(ErrorCode.NOT_DUE):
        recover(market, saver, coins=[market.mint(saver, 3)])


def test_recovery_moves_nobody_elses_things(market: Market, saver: Actor) -> None:
    recover(market, saver)
    market.expire(DELAY_S)
    with refused(ErrorCode.COIN_NOT_YOURS):
        recover(market, saver, coins=[market.mint(market.buyer, 3)])
    with refused(ErrorCode.WRONG_ACTOR):
        recover(market, saver, listings=[market.list_data()["id"]])
    coin = market.mint(saver, 3)
    with refused(ErrorCode.COIN_SUPERFLUOUS):
        recover(market, saver, coins=[coin, coin])


@pytest.mark.native_ledger
def test_old_key_vetoes_recovery(market: Market, saver: Actor) -> None:
    recover(market, saver)
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.stranger, "account.veto", {"account": saver.address})
    assert market.ask(saver, "account.veto", {"account": saver.address})["state"] == "OPEN"
    market.expire(DELAY_S)
    with refused(ErrorCode.WRONG_ACTOR):
        recover(market, saver)


@pytest.mark.native_ledger
def test_thief_of_the_recovery_key_cannot_stop_an_account_for_ever_and_cash_its_bond(
    market: Market, saver: Actor
) -> None:
    """He buys from the account and keeps its owner from sending by one recovery after the other."""
    trade_id = market.pay(market.list_data(saver)["id"], market.stranger)
    market.act("trade.charge", trade_id, saver)
    recover(market, saver)
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.act("trade.send", trade_id, saver)
    market.ask(saver, "account.veto", {"account": saver.address})
    with refused(ErrorCode.WRONG_ACTOR):
        recover(market, saver)
    assert market.act("trade.send", trade_id, saver)["state"] == "UPLOADED"


def test_veto_without_recovery_is_refused(market: Market, saver: Actor) -> None:
    with refused(ErrorCode.WRONG_STATE):
        market.ask(saver, "account.veto", {"account": saver.address})


def test_only_the_recovery_address_recovers(market: Market, saver: Actor) -> None:
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.buyer, "account.recover", {"account": saver.address})
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.buyer, "account.recover", {"account": market.seller.address})


def test_recovery_does_not_escape_the_supervisors_order(market: Market, saver: Actor) -> None:
    recover(market, saver)
    market.ask(market.supervisor, "account.freeze", {"account": saver.address})
    market.expire(DELAY_S)
    with refused(ErrorCode.ACCOUNT_FROZEN):
        recover(market, saver)
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.supervisor, "account.freeze", {"account": saver.address})


def test_order_to_freeze_ends_a_recovery_that_may_begin_again_after_the_release(market: Market, saver: Actor) -> None:
    recover(market, saver)
    market.ask(market.supervisor, "account.freeze", {"account": saver.address})
    assert market.ask(market.supervisor, "account.release", {"account": saver.address})["state"] == "OPEN"
    market.expire(DELAY_S)
    assert recover(market, saver) == "RECOVERING", "the lock begins anew"
