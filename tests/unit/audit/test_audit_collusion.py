"""What the organisations that endorse may not do, even all of them together: an auditor finds it and says where."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from countermark.network.blocks import Block
from countermark.protocol import intents
from tests.support.market import actor
from tests.unit.audit.chains import MARKET, Act, Chain, by, intent, moving, pay
from tests.unit.network.consortium import now_ms

Attack = Callable[[Chain], list[Block]]

PLATFORM, BUYER, SELLER = (actor(name).address for name in ("platform", "buyer", "seller"))
STEAL = moving("b.1", z_0=(PLATFORM, 700))
"""All that the buyer has left goes to the platform."""


def _with(act: Act, *more: tuple[str, Any]) -> Act:
    return replace(act, writes=(*act.writes, *more))


# Money


def make_an_extra_coin(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 1)))).blocks


def lose_the_change(chain: Chain) -> list[Block]:
    act = pay()
    return chain.add(replace(act, writes=act.writes[:-1])).blocks


def keep_the_change(chain: Chain) -> list[Block]:
    act = pay()
    return chain.add(_with(replace(act, writes=act.writes[:-1]), *moving(c_1=(PLATFORM, 600)))).blocks


def pay_another_than_the_buyer_has_signed_for(chain: Chain) -> list[Block]:
    return chain.add(_with(_by_token(pay().args[0]), *STEAL)).blocks


def _by_token(token: bytes) -> Act:
    signed = intents.parse(token.decode(), market=MARKET)
    outcome = {"cancelled": False, "digest": signed.digest, "response": {}, "tx": "{tx}"}
    return Act(signed.action, (token, b"{}"), writes=((f"intent/{signed.signer}/{signed.nonce}", outcome),))


def offset_a_coin_by_a_negative_one(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 5000), c_3=("x", -5000)))).blocks


def offset_a_coin_by_a_deposit(chain: Chain) -> list[Block]:
    deposit = ("deposit/PlatformMSP/zz", {"amount": "5000", "to": PLATFORM, "tx": "{tx}"})
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 5000)), deposit)).blocks


def offset_a_coin_by_a_negative_burn(chain: Chain) -> list[Block]:
    burnt = ("redemption/zz", {"amount": "-5000", "state": "BURNT"})
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 5000)), burnt)).blocks


def write_a_coin_without_an_amount(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), ("coin/c.2", {"owner": PLATFORM}))).blocks


def write_a_coin_that_is_no_json(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), ("coin/c.2", "money"))).blocks


def write_a_coin_with_its_amount_twice(chain: Chain) -> list[Block]:
    twice = f'{{"amount":"1","amount":"5000","owner":"{PLATFORM}"}}'
    return chain.add(_with(pay(), ("coin/c.2", twice))).blocks


def write_a_coin_of_a_fraction(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), ("coin/c.2", {"owner": PLATFORM, "amount": "1.5"}))).blocks


def write_a_coin_of_nothing(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 0)))).blocks


def write_a_coin_beyond_all_amounts(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), *moving(c_2=(PLATFORM, 2**63)))).blocks


def write_a_coin_twice(chain: Chain) -> list[Block]:
    return chain.add(_with(pay(), *moving(c_0=(PLATFORM, 100)))).blocks


def make_a_coin_that_there_is_already(chain: Chain) -> list[Block]:
    act = pay()
    return chain.add(_with(replace(act, writes=act.writes[:-2]), *moving(b_0=(SELLER, 100), c_1=(BUYER, 600)))).blocks


def revive_a_spent_coin(chain: Chain) -> list[Block]:
    act = pay()
    return chain.add(_with(replace(act, writes=act.writes[:-1]), *moving(a_0=(BUYER, 600)))).blocks


def spend_without_a_mark(chain: Chain) -> list[Block]:
    act = pay()
    unmarked = tuple(write for write in act.writes if not write[0].startswith("spent/"))
    return chain.add(replace(act, writes=unmarked)).blocks


def mint_by_a_transfer(chain: Chain) -> list[Block]:
    params = {"to": PLATFORM, "amount": "9"}
    return chain.add(by("stranger", "coin.transfer", params, writes=moving(z_0=(PLATFORM, 9)))).blocks


def _mint(who: str, to: str, amount: int, reference: str = "two") -> Act:
    deposit = (f"deposit/PlatformMSP/{reference}", {"amount": str(amount), "to": to, "tx": "{tx}"})
    return by(
        who,
        "coin.mint",
        {"to": to, "amount": str(amount), "reference": reference},
        writes=(*moving(z_0=(to, amount)), deposit),
    )


def mint_by_whoever_is_no_issuer(chain: Chain) -> list[Block]:
    return chain.add(_mint("stranger", PLATFORM, 9)).blocks


def mint_above_the_cap(chain: Chain) -> list[Block]:
    return chain.add(_mint("issuer", PLATFORM, 100_000_001)).blocks


def mint_twice_against_one_deposit(chain: Chain) -> list[Block]:
    (key,) = (key for key in chain.replay().state if key.startswith("deposit/"))
    return chain.add(_mint("issuer", PLATFORM, 9, key.rpartition("/")[2])).blocks


# Whose money


def steal_by_a_function_that_anybody_may_call(chain: Chain) -> list[Block]:
    tick = Act("clock.tick", writes=(("epoch", {"n": 2, "ts": "{time}"}), *STEAL))
    return chain.add(tick).blocks


def steal_by_a_strangers_intent(chain: Chain) -> list[Block]:
    params = {"to": PLATFORM, "amount": "700"}
    return chain.add(by("stranger", "coin.transfer", params, writes=STEAL)).blocks


def steal_by_an_intent_that_moves_no_money(chain: Chain) -> list[Block]:
    key = {"version": 2, "key": actor("buyer").encryption.public}
    return chain.add(by("buyer", "account.rotate_encryption_key", {"encryption_key": key}, writes=STEAL)).blocks


def raise_a_coin_in_place(chain: Chain) -> list[Block]:
    more = moving(b_0=(SELLER, 301))
    return chain.add(Act("clock.tick", writes=(("epoch", {"n": 2, "ts": "{time}"}), *more))).blocks


def raise_a_deposit_later(chain: Chain) -> list[Block]:
    return chain.add(Act("clock.tick", writes=(("deposit/PlatformMSP/one", {"amount": "2000"}),))).blocks


def change_anothers_account(chain: Chain) -> list[Block]:
    key = {"version": 2, "key": actor("stranger").encryption.public}
    mine = (f"account/{BUYER}", {"recovery": actor("stranger").address})
    return chain.add(by("stranger", "account.rotate_encryption_key", {"encryption_key": key}, writes=(mine,))).blocks


def found_the_market_again(chain: Chain) -> list[Block]:
    (founding,) = chain.blocks[1].transactions
    writes = (
        ("epoch", {"n": 1, "ts": "{time}"}),
        *((write.key, write.value.decode()) for write in founding.writes if write.key != "epoch"),
    )
    return chain.add(Act("market.init", founding.args, writes=writes)).blocks


# Intents


def act_without_an_intent(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), args=())).blocks


def act_by_an_intent_for_something_else(chain: Chain) -> list[Block]:
    token = intent("buyer", "listing.withdraw", {"listing": "dc1" + "a" * 52})
    return chain.add(replace(pay(), args=(token, b"{}"))).blocks


def act_by_an_intent_for_another_market(chain: Chain) -> list[Block]:
    token = intent("buyer", "coin.transfer", {"to": SELLER, "amount": "100"}, market="m/other")
    return chain.add(replace(pay(), args=(token, b"{}"))).blocks


def act_by_a_forged_intent(chain: Chain) -> list[Block]:
    act = pay()
    header, payload, signature = act.args[0].split(b".")
    other = pay().args[0].rsplit(b".", 1)[1]
    assert other != signature
    return chain.add(replace(act, args=(b".".join([header, payload, other]), b"{}"))).blocks


def act_by_an_expired_intent(chain: Chain) -> list[Block]:
    token = intent("buyer", "coin.transfer", {"to": SELLER, "amount": "100"}, issued_at_ms=now_ms() - 3_600_000)
    return chain.add(replace(pay(), args=(token, b"{}"))).blocks


def act_by_a_money_intent_that_lives_for_an_hour(chain: Chain) -> list[Block]:
    token = intent("buyer", "coin.transfer", {"to": SELLER, "amount": "100"}, lifetime_s=3600)
    return chain.add(_with(_by_token(token), *pay().writes[1:])).blocks


def act_twice_by_one_intent(chain: Chain) -> list[Block]:
    first = pay()
    again = moving("c.1", d_0=(SELLER, 100), d_1=(BUYER, 500))
    second = replace(first, reads=(("coin/c.1", (5, 0)),), writes=again)
    return chain.add(first).add(second).blocks


def act_by_a_cancelled_intent(chain: Chain) -> list[Block]:
    act = pay()
    nonce = intents.parse(act.args[0].decode(), market=MARKET).nonce
    burnt = (f"intent/{BUYER}/{nonce}", {"cancelled": True, "digest": "", "response": None, "tx": "{tx}"})
    cancel = by("buyer", "intent.cancel", {"nonce": nonce}, writes=(burnt,))
    return chain.add(cancel).add(act).blocks


def act_without_keeping_the_outcome(chain: Chain) -> list[Block]:
    act = pay()
    return chain.add(replace(act, writes=act.writes[1:])).blocks


def act_by_a_function_that_the_market_does_not_have(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), function="coin.take")).blocks


def act_by_a_function_that_only_reads(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), function="market.show")).blocks


def act_for_an_account_that_is_not_open(chain: Chain) -> list[Block]:
    params = {"to": PLATFORM, "amount": "700"}
    return chain.add(by("nobody", "coin.transfer", params, writes=STEAL)).blocks


def write_a_private_key_in_passing(chain: Chain) -> list[Block]:
    hashes = chain.blocks[1].transactions[0].private_hashes
    return chain.add(replace(pay(), private=hashes)).blocks


def write_nothing_but_a_private_key(chain: Chain) -> list[Block]:
    hashes = chain.blocks[1].transactions[0].private_hashes
    return chain.add(Act("clock.show", private=hashes)).blocks


ATTACKS: dict[Attack, str] = {
    make_an_extra_coin: "money_not_conserved",
    lose_the_change: "money_not_conserved",
    keep_the_change: "wrong_payee",
    pay_another_than_the_buyer_has_signed_for: "wrong_payee",
    offset_a_coin_by_a_negative_one: "malformed_record",
    offset_a_coin_by_a_deposit: "foreign_write",
    offset_a_coin_by_a_negative_burn: "foreign_write",
    write_a_coin_without_an_amount: "malformed_record",
    write_a_coin_that_is_no_json: "malformed_record",
    write_a_coin_with_its_amount_twice: "malformed_record",
    write_a_coin_of_a_fraction: "malformed_record",
    write_a_coin_of_nothing: "malformed_record",
    write_a_coin_beyond_all_amounts: "malformed_record",
    write_a_coin_twice: "foreign_write",
    make_a_coin_that_there_is_already: "coin_changed",
    revive_a_spent_coin: "coin_changed",
    spend_without_a_mark: "coin_unmarked",
    mint_by_a_transfer: "money_not_conserved",
    mint_by_whoever_is_no_issuer: "wrong_actor",
    mint_above_the_cap: "wrong_actor",
    mint_twice_against_one_deposit: "deposit_used",
    steal_by_a_function_that_anybody_may_call: "foreign_write",
    steal_by_a_strangers_intent: "coin_of_another",
    steal_by_an_intent_that_moves_no_money: "foreign_write",
    raise_a_coin_in_place: "foreign_write",
    raise_a_deposit_later: "foreign_write",
    change_anothers_account: "foreign_write",
    found_the_market_again: "wrong_state",
    act_without_an_intent: "intent",
    act_by_an_intent_for_something_else: "intent",
    act_by_an_intent_for_another_market: "intent",
    act_by_a_forged_intent: "intent",
    act_by_an_expired_intent: "intent",
    act_by_a_money_intent_that_lives_for_an_hour: "intent",
    act_twice_by_one_intent: "intent_reused",
    act_by_a_cancelled_intent: "intent_reused",
    act_without_keeping_the_outcome: "missing_write",
    act_by_a_function_that_the_market_does_not_have: "intent",
    act_by_a_function_that_only_reads: "intent",
    act_for_an_account_that_is_not_open: "wrong_actor",
    write_a_private_key_in_passing: "foreign_write",
    write_nothing_but_a_private_key: "intent",
}
"""Attack and what the replay calls it; each is in the last transaction of its ledger."""


@pytest.mark.requirement("R11", "R17")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_is_found_and_located(attack: Attack, chain: Chain, located: list[str]) -> None:
    blocks = attack(chain)
    assert chain.found(blocks) == (ATTACKS[attack], len(blocks) - 1, 0)
    located.append(attack.__name__)
