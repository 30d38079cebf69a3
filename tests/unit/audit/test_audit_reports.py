"""What a replay tells of money, trades, listings and accounts."""

import pytest

from countermark.audit import accounts
from countermark.audit.errors import AuditError
from countermark.audit.money import count_money
from countermark.audit.policy import LIFECYCLE, market_policy
from countermark.audit.replay import Replay
from countermark.network.blocks import PrivateHashes, PrivateWrite, RangeQuery, Read, ReadWriteSet, satisfied
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.identities import Member, Role
from tests.support.market import actor
from tests.unit.audit.chains import Act, Chain, by
from tests.unit.audit.test_audit_attacks import replay
from tests.unit.network.consortium import CHAINCODE

TRADE, LISTING = "tr1" + "a" * 52, "dc1" + "a" * 52
SELLER, BUYER = actor("seller").address, actor("buyer").address


def listing(owner: str, state: str) -> dict[str, object]:
    names = ("c_f", "c_d", "c_exact", "items", "generator", "trade")
    return {**dict.fromkeys(names, "x"), "address": LISTING, "owner": owner, "seller": SELLER, "state": state}


def trade(state: str, outcome: str = "") -> dict[str, object]:
    names = ("right", "price", "fee", "verdict", "package")
    return {
        **dict.fromkeys(names, "x"),
        "id": TRADE,
        "listing": LISTING,
        "seller": SELLER,
        "buyer": BUYER,
        "state": state,
        "outcome": outcome,
        "notices": {"seller": "", "buyer": ""},
    }


@pytest.fixture
def sold(chain: Chain) -> Chain:
    """The chain with a sale: cancelled by the seller in the fixture's short version of a trade, then confirmed."""
    withdraw = by(
        "seller",
        "listing.withdraw",
        {"listing": LISTING},
        writes=((f"listing/{LISTING}", listing(SELLER, "LISTED")),),
    )
    accept = by("buyer", "trade.accept", {"trade": TRADE}, writes=((f"trade/{TRADE}", trade("SENT")),))
    confirm = by(
        "buyer",
        "trade.confirm",
        {"trade": TRADE},
        writes=(
            (f"trade/{TRADE}", trade("SETTLED", "confirmed")),
            (f"listing/{LISTING}", listing(BUYER, "SOLD")),
        ),
    )
    return chain.add(withdraw).add(accept).add(confirm)


@pytest.mark.requirement("R11", "R17")
def test_a_trade_is_told_step_by_step_with_signer_submitter_and_endorsers(sold: Chain) -> None:
    told = accounts.trade(replay(sold.blocks), TRADE)
    assert (told["seller"], told["buyer"], told["state"], told["outcome"]) == (SELLER, BUYER, "SETTLED", "confirmed")
    assert [(step["block"], step["function"], step["state"]) for step in told["steps"]] == [
        (6, "trade.accept", "SENT"),
        (7, "trade.confirm", "SETTLED"),
    ]
    for step in told["steps"]:
        assert step["signer"] == BUYER
        assert step["submitted_by"] == "PlatformMSP"
        assert step["endorsed_by"] == ["PlatformMSP", "SupervisorMSP"]
        assert step["tx"] == sold.blocks[step["block"]].transactions[0].tx_id


def test_a_listing_is_told_with_all_its_owners(sold: Chain) -> None:
    told = accounts.listing(replay(sold.blocks), LISTING)
    assert told["owners"] == [SELLER, BUYER]
    assert [step["function"] for step in told["steps"]] == ["listing.withdraw", "trade.confirm"]


def test_an_account_is_told_with_its_money_and_trades(sold: Chain) -> None:
    told = accounts.account(replay(sold.blocks), BUYER)
    assert told["balance"] == "700"
    assert told["trades"] == [{"id": TRADE, "role": "buyer", "state": "SETTLED"}]


@pytest.mark.parametrize(
    ("tell", "code"),
    [
        (accounts.trade, "unknown_trade"),
        (accounts.listing, "unknown_listing"),
        (accounts.account, "unknown_account"),
    ],
)
def test_what_the_ledger_does_not_know_is_an_error(chain: Chain, tell: object, code: str) -> None:
    assert callable(tell)
    with pytest.raises(AuditError) as caught:
        tell(replay(chain.blocks), "nobody")
    assert (caught.value.code, caught.value.block) == (code, -1)


def test_money_is_counted_in_accounts_and_escrows(chain: Chain) -> None:
    chain.add(
        by(
            "seller",
            "coin.redeem",
            {"issuer": "PlatformMSP", "amount": "300"},
            writes=(
                ("coin/b.0", None),
                ("coin/r.0", {"owner": "redemption/r", "amount": "300"}),
                ("redemption/r", {"state": "LOCKED", "amount": "300"}),
            ),
        )
    )
    counted = count_money(replay(chain.blocks))
    assert (counted.minted, counted.burnt, counted.in_accounts, counted.in_escrow) == (1000, 0, 700, 300)
    assert counted.by_owner == {BUYER: 700}
    chain.add(
        by(
            "issuer",
            "coin.burn",
            {"redemption": "r"},
            writes=(("coin/r.0", None), ("redemption/r", {"state": "BURNT", "amount": "300"})),
        )
    )
    counted = count_money(replay(chain.blocks))
    assert (counted.minted, counted.burnt, counted.in_accounts, counted.in_escrow) == (1000, 300, 700, 0)
    assert counted.balanced


def test_a_burn_that_leaves_the_coin_is_found(chain: Chain) -> None:
    chain.add(
        by("issuer", "coin.burn", {"redemption": "r"}, writes=(("redemption/r", {"state": "BURNT", "amount": "1"}),))
    )
    with pytest.raises(AuditError) as caught:
        replay(chain.blocks)
    assert (caught.value.code, caught.value.block) == ("money_not_conserved", 5)


def test_an_error_says_where() -> None:
    assert str(AuditError("code", "why")) == "code: why"
    assert str(AuditError("code", "why", block=3)) == "code: why (block 3)"
    assert str(AuditError("code", "why", block=3, transaction=0)) == "code: why (block 3, transaction 0)"


# Policies


def _peers(*names: str) -> list[Member]:
    return [Member(f"{name}MSP", Role.PEER, "peer0", name.encode()) for name in names]


def _hashes(collection: str) -> PrivateHashes:
    return PrivateHashes(CHAINCODE, collection, (), (PrivateWrite(b"k", b"v", False, False),), b"s")


@pytest.mark.parametrize(
    ("act", "endorsers", "enough"),
    [
        (Act("a", writes=(("k", 1),)), ("Supervisor", "Trader"), True),
        (Act("a", writes=(("k", 1),)), ("Platform", "Trader"), False),
        (Act("a"), ("Supervisor",), False),
        (Act("a", private=(_hashes("fingerprints"),)), ("Platform", "Supervisor"), True),
        (Act("a", private=(_hashes("fingerprints"),)), ("Supervisor", "Trader"), False),
        (Act("a", writes=(("k", 1),), private=(_hashes("fingerprints"),)), ("Supervisor", "Trader"), False),
        (Act("a", chaincode=LIFECYCLE, private=(_hashes("_implicit_org_TraderMSP"),)), ("Trader",), True),
        (Act("a", chaincode=LIFECYCLE, private=(_hashes("_implicit_org_TraderMSP"),)), ("Platform",), False),
        (Act("a", chaincode=LIFECYCLE, writes=(("k", 1),)), ("Platform", "Trader"), True),
        (Act("a", chaincode=LIFECYCLE, writes=(("k", 1),)), ("Platform",), False),
    ],
)
def test_who_must_endorse_what(chain: Chain, act: Act, endorsers: tuple[str, ...], enough: bool) -> None:
    policy = market_policy(
        CHAINCODE,
        ["PlatformMSP", "SupervisorMSP", "TraderMSP"],
        platform="PlatformMSP",
        supervisor="SupervisorMSP",
    )
    (transaction,) = chain.add(act).blocks[-1].transactions
    needed = policy.needed(transaction)
    assert all(satisfied(one, _peers(*endorsers)) for one in needed) is enough


# Versions


@pytest.mark.parametrize(
    ("start", "end", "exhausted", "found", "valid"),
    [
        ("coin/", "coin0", True, ["coin/b.0", "coin/b.1"], True),
        ("coin/", "coin0", True, ["coin/b.0"], False),
        ("coin/", "coin0", True, [], False),
        ("coin/c", "coin0", True, [], True),
        ("coin/", "coin/b.0", False, ["coin/b.0"], True),
        ("coin/", "", True, ["coin/b.0", "coin/b.1"], False),
    ],
)
def test_a_range_must_be_as_it_was_read(
    chain: Chain, start: str, end: str, exhausted: bool, found: list[str], valid: bool
) -> None:
    reads = tuple(Read(CHAINCODE, key, (4, 0)) for key in found)
    results = encode_public(CHAINCODE, ReadWriteSet(ranges=(RangeQuery(CHAINCODE, start, end, exhausted, reads),)))

    class _Ranged(Act):
        def results(self) -> bytes:
            return results

    chain.add(_Ranged("market.show"), codes=[0 if valid else 12])
    assert replay(chain.blocks).invalid == (0 if valid else 1)


def test_a_replay_can_be_stopped_and_go_on(chain: Chain) -> None:
    audit = Replay(chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP")
    audit.apply_all(chain.blocks[:3])
    assert audit.height == 3
    audit.apply_all(chain.blocks[3:])
    assert audit.state == replay(chain.blocks).state
