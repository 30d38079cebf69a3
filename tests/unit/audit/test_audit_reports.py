"""What a replay tells of money, trades, listings and accounts."""

import json

import pytest

from countermark.audit import accounts
from countermark.audit.errors import AuditError
from countermark.audit.money import count_money
from countermark.audit.policy import market_policy
from countermark.audit.replay import Replay
from countermark.network.blocks import (
    LIFECYCLE,
    PrivateHashes,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    satisfied,
)
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.identities import Member, Role
from tests.fixtures.fabric_blocks import recorded
from tests.support.market import BOND, DEADLINE_S, GUARD_S, actor
from tests.unit.audit.chains import Act, Chain, by, moving
from tests.unit.network.consortium import CHAINCODE

SELLER, BUYER = actor("seller").address, actor("buyer").address


@pytest.fixture(scope="module")
def sold() -> Replay:
    """The sale that was recorded on native Fabric."""
    blocks = recorded()
    audit = Replay(
        genesis=blocks[0].header_hash, chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP"
    )
    audit.apply_all(blocks)
    return audit


def _only(replay: Replay, family: str) -> str:
    (name,) = (key.removeprefix(f"{family}/") for key in replay.state if key.startswith(f"{family}/"))
    return name


@pytest.mark.requirement("R11", "R17")
def test_a_trade_is_told_step_by_step_with_signer_submitter_and_endorsers(sold: Replay) -> None:
    told = accounts.trade(sold, _only(sold, "trade"))
    assert (told["seller"], told["buyer"], told["state"], told["outcome"]) == (SELLER, BUYER, "SETTLED", "confirmed")
    assert [(step["function"], step["state"]) for step in told["steps"]] == [
        ("trade.pay", "PAID"),
        ("trade.charge", "FUNDED"),
        ("trade.send", "UPLOADED"),
        ("trade.relay", "SENT"),
        ("trade.confirm", "SETTLED"),
    ]
    signers = [SELLER, BUYER, actor("platform").address]
    assert [signers.index(step["signer"]) for step in told["steps"]] == [1, 0, 0, 2, 1]
    assert [step["submitted_by"] for step in told["steps"]] == [
        *("TraderMSP", "TraderMSP", "TraderMSP", "PlatformMSP", "TraderMSP"),
    ]
    for step in told["steps"]:
        assert "SupervisorMSP" in step["endorsed_by"]
        assert len(step["endorsed_by"]) == 2
        assert step["tx"] in {one.tx_id for one in recorded()[step["block"]].transactions}


def test_a_listing_is_told_with_all_its_owners(sold: Replay) -> None:
    told = accounts.listing(sold, _only(sold, "listing"))
    assert told["owners"] == [SELLER, BUYER]
    assert [step["function"] for step in told["steps"]] == ["listing.create", "trade.pay", "trade.confirm"]


def test_an_account_is_told_with_its_money_and_trades(sold: Replay) -> None:
    told = accounts.account(sold, BUYER)
    assert told["balance"] == str(BOND)
    assert told["trades"] == [{"id": _only(sold, "trade"), "role": "buyer", "state": "SETTLED"}]


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
        tell(chain.replay(), "nobody")
    assert (caught.value.code, caught.value.block) == (code, -1)


def _redeem(chain: Chain) -> str:
    """Have the seller lock his coin to the issuer, and return the redemption's id."""
    record = {
        "amount": "300",
        "coin": "r.0",
        "deadline": "{later}",
        "guard": GUARD_S,
        "id": "{tx}",
        "issuer": "PlatformMSP",
        "owner": SELLER,
        "state": "LOCKED",
    }
    chain.add(
        by(
            "seller",
            "coin.redeem",
            {"issuer": "PlatformMSP", "amount": "300"},
            writes=(*moving("b.0", r_0=("redemption/{tx}", 300)), ("redemption/{tx}", record)),
            later_s=DEADLINE_S,
        )
    )
    return chain.blocks[-1].transactions[0].tx_id


def test_money_is_counted_in_accounts_and_escrows(chain: Chain) -> None:
    redemption = _redeem(chain)
    counted = count_money(chain.replay())
    assert (counted.minted, counted.burnt, counted.in_accounts, counted.in_escrow) == (1000, 0, 700, 300)
    assert counted.by_owner == {BUYER: 700}
    record = json.loads(chain.replay().state[f"redemption/{redemption}"])
    burnt = (f"redemption/{redemption}", {**record, "state": "BURNT", "deadline": ""})
    chain.add(by("issuer", "coin.burn", {"redemption": redemption}, writes=(*moving("r.0"), burnt)))
    counted = count_money(chain.replay())
    assert (counted.minted, counted.burnt, counted.in_accounts, counted.in_escrow) == (1000, 300, 700, 0)
    assert counted.balanced


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
    config = chain.network.config
    policy = market_policy(config, config.organisations.msp_ids, platform="PlatformMSP", supervisor="SupervisorMSP")
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
        def results(self, tx_id: str, time_ms: int) -> bytes:
            return results

    chain.add(_Ranged("market.show"), codes=[0 if valid else 12])
    assert chain.replay().invalid == (0 if valid else 1)


def test_a_replay_can_be_stopped_and_go_on(chain: Chain) -> None:
    audit = Replay(genesis=chain.genesis, chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP")
    audit.apply_all(chain.blocks[:3])
    assert audit.height == 3
    audit.apply_all(chain.blocks[3:])
    assert audit.state == chain.replay().state
