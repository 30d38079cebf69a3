"""The rules on every function of the market: what the contracts do passes, and nothing beside it does.

A story with the real contracts gives one act of each function. Then endorsers collude: of each act every write is
left out, every member of every record is changed, other writes are added, another account signs. An auditor must
refuse all of it but what stands in FREE.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from countermark.audit.acts import Act
from countermark.audit.conduct import judge
from countermark.audit.effects import EFFECTS
from countermark.audit.errors import AuditError
from countermark.audit.records import State
from countermark.chaincode.calling import EvaluateOnly
from countermark.chaincode.registry import FUNCTIONS
from countermark.protocol import canonical, merkle, times
from countermark.protocol.claims import ClaimState
from countermark.protocol.encoding import as_digest, digest
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import Decision, ListingState, TradeState
from tests.support.backends import InMemory
from tests.support.market import EPOCH_S, GUARD_S, PATHS, PLATFORM, SUPERVISOR, TRADER, Market, actor, tree

DELAY_S = 60


@dataclass(frozen=True)
class Case:
    """An act that the contracts made, the state before it, and what tells it from others of its function."""

    act: Act
    state: State
    name: str


class Remembering(InMemory):
    """A ledger in memory that keeps each act and the state before it."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[tuple[Act, State]] = []

    def audited(self, act: Act, state: State) -> None:
        self.acts.append((act, state))


@cache
def cases() -> tuple[Case, ...]:
    """One act of each function and, where a trade moves, of each way to call it."""
    found: dict[str, Case] = {}
    for tell in (_money, _accounts, _listings, _trades, _claims, _market):
        backend = Remembering()
        tell(Market(backend, fees={"management": "90", "transaction_bps": 250, "arbiter": "400"}))
        for act, state in backend.acts:
            made = sorted({_state(key, record) for key, record in act.records.items() if "state" in record})
            name = " ".join([act.function, *made])
            found.setdefault(name, Case(act, state, name))
    return tuple(found.values())


def _state(key: str, record: Mapping[str, Any]) -> str:
    why = record.get("outcome", "") or record.get("frozen_by", "")
    return f"{key.partition('/')[0]}={record['state']}{why and '-' + why}"


def _money(market: Market) -> None:
    coin = market.mint(market.buyer, 1000)
    params = {"to": market.seller.address, "amount": "300"}
    market.ask(market.buyer, "coin.transfer", params, {"coins": [coin]})
    for end in ("burn", "enforce"):
        params = {"issuer": PLATFORM, "amount": "30"}
        redemption = market.ask(market.buyer, "coin.redeem", params, market.fund(market.buyer, 50))["id"]
        if end == "burn":
            market.ask(market.issuer, "coin.burn", {"redemption": redemption})
        else:
            market.expire()
            market.backend.submit(TRADER, "coin.enforce", redemption)


def _accounts(market: Market) -> None:
    saver, other = actor("saver"), actor("other saver")
    for who in (saver, other):
        market.open_account(who, recovery=market.stranger.address, sponsor=TRADER)
    key = {"version": 2, "key": actor("later").encryption.public}
    market.ask(saver, "account.rotate_encryption_key", {"encryption_key": key})
    market.ask(market.stranger, "account.recover", {"account": other.address})
    market.ask(other, "account.veto", {"account": other.address})
    coins, listing = [market.mint(saver, 3), market.mint(saver, 4)], _list(market, saver)
    market.ask(saver, "account.freeze", {"account": saver.address})
    for function in ("account.freeze", "account.release"):
        for who in (market.buyer, saver):
            market.ask(market.supervisor, function, {"account": who.address})
    market.ask(market.stranger, "account.recover", {"account": saver.address})
    market.backend.wait(DELAY_S + GUARD_S)
    moved = {"coins": coins, "listings": [listing]}
    market.ask(market.stranger, "account.recover", {"account": saver.address}, moved)
    market.ask(market.seller, "intent.cancel", {"nonce": "A" * 22})


def _list(market: Market, who: Any = None, data: bytes = b"photo", *, charged: bool = True) -> str:
    who = who or market.seller
    address: str = market.list_data(who, data)["id"]
    if charged:
        market.ask(who, "listing.charge", {"listing": address, "amount": "90"}, market.fund(who, 100))
    return address


def _listings(market: Market) -> None:
    address = _list(market)
    offer = {"right": "ownership", "price": "777", "deadlines": market.listing(address)["offer"]["deadlines"]}
    market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer})
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    market.ask(market.seller, "listing.relist", {"listing": address, "offer": offer})
    for function in ("listing.hold", "listing.release"):
        market.ask(market.supervisor, function, {"listing": address})
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    market.ask(market.seller, "listing.erase", {"listing": address}, msp=PLATFORM)
    _list(market)
    unpaid = _list(market, data=b"other", charged=False)
    market.expire()
    market.backend.submit(TRADER, "listing.enforce", unpaid)


def _trades(market: Market) -> None:
    ends: list[tuple[str, str, dict[str, Any]]] = [
        ("PAID", "trade.cancel", {}),
        ("FUNDED", "trade.cancel", {}),
        ("SENT", "trade.ack", {"verdict": "bad"}),
        ("SENT", "trade.confirm", {}),
        ("RECEIVED", "trade.check", {"result": "mismatch"}),
        ("MATCHED", "trade.confirm", {}),
        ("MISMATCHED", "trade.accept", {}),
        ("MISMATCHED", "trade.dispute", {}),
        ("EVIDENCED", "trade.accept", {}),
        *(("EVIDENCED", "trade.decide", {"decision": decision}) for decision in Decision),
        *((state, "trade.enforce", {}) for state in PATHS),
    ]
    for number, (state, function, changes) in enumerate(ends):
        trade = market.bring_to(state, _list(market, data=str(number).encode()), before=function)
        if function != "trade.enforce":
            market.act(function, trade, **changes)
            continue
        market.expire()
        market.enforce(trade)
        if state == "EVIDENCED":
            market.expire()
            market.enforce(trade)


def _claims(market: Market) -> None:
    """Claims of what is for sale, in trade before and after it was sent, and once it is sold: each with each end."""
    for number, state in enumerate(("LISTED", "PAID", "FUNDED", "SENT", "MATCHED", "SETTLED")):
        for end in ("claimant", "owner", "lapsed", "silent"):
            address = _list(market, data=f"{number} {end}".encode())
            bought = "" if state == "LISTED" else market.bring_to("MATCHED" if state == "SETTLED" else state, address)
            claim = market.claim(address)
            if end != "silent":
                market.answer(claim)
            if state == "SETTLED":
                market.act("trade.confirm", bought)
            if end in ("claimant", "owner"):
                market.find_for(claim, end)
            else:
                market.expire()
                market.backend.submit(TRADER, "claim.enforce", claim)


def _market(market: Market) -> None:
    market.backend.wait(EPOCH_S)
    market.backend.submit(TRADER, "clock.tick")
    for before, size in ((0, 3), (3, 5)):
        proof = [as_digest(node) for node in merkle.consistency_proof(tree(size), before)] if before else []
        params = {"size": size, "root": as_digest(merkle.root(tree(size))), "proof": proof}
        market.ask(market.platform, "board.anchor", params)
    config = {**market.config, "version": 2, "bond": "600"}
    market.ask(market.platform, "market.propose", {"config": config})
    named = digest(canonical.dumps(config))
    vote = {"version": 2, "digest": named}
    market.ask(market.stranger, "market.approve", vote, unit="admin")
    market.ask(market.supervisor, "market.approve", vote)
    market.backend.wait(DELAY_S + GUARD_S)
    market.backend.submit(TRADER, "market.enforce", "2", named)


def _refused(act: Act, state: State) -> bool:
    try:
        judge(act, state)
    except AuditError:
        return True
    return False


def _with(act: Act, **writes: bytes | None) -> Act:
    return replace(act, writes={**act.writes, **writes})


# Other values for a member, as near to the true one as a thief would choose.

STATES = {
    "trade": [*TradeState],
    "listing": [*ListingState],
    "claim": [*ClaimState],
    "account": ["OPEN", "FROZEN", "RECOVERING", "RECOVERED"],
    "redemption": ["LOCKED", "BURNT", "RETURNED"],
}
THIEF = actor("thief").address


def _others(family: str, name: str, value: Any) -> Iterator[Any]:
    if name == "state" and family in STATES:
        yield from (state for state in STATES[family] if state != value)
    elif name == "role":
        yield from (part for part in Part if part != value)
    elif isinstance(value, dict):
        for inner, member in value.items():
            yield from ({**value, inner: other} for other in _others(family, inner, member))
    elif isinstance(value, list):
        yield [*value, *value[-1:]] if value else [{"coin": "x.0", "amount": "1", "role": "price", "to": THIEF}]
        for index, member in enumerate(value):
            yield value[:index] + value[index + 1 :]
            yield from ([*value[:index], other, *value[index + 1 :]] for other in _others(family, "", member))
    elif isinstance(value, bool) or value is None:
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif value.startswith("did:key:"):
        yield THIEF
    elif value.isdigit():
        yield str(int(value) + 1)
    elif value.endswith("Z") and value.startswith("20"):
        yield times.to_text(times.from_text(value) + 1)
        yield ""
    elif value == "" and name == "deadline":
        yield times.to_text(4_000_000_000_000)
    elif value == "" and name == "recovery":
        yield THIEF
    else:
        yield value + "x"


FREE = {("intent", "response")}
"""What a client is told again when it repeats its intent, and what the platform's gate has found."""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_what_the_contracts_do_passes(case: Case) -> None:
    judge(case.act, case.state)


def test_every_function_that_writes_is_among_them() -> None:
    writing = {name for name, function in FUNCTIONS.items() if not isinstance(function, EvaluateOnly)}
    assert {case.act.function for case in cases()} == writing == set(EFFECTS)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_no_write_can_be_left_out(case: Case) -> None:
    for key in case.act.writes:
        if case.act.function == "account.recover" and key.startswith("listing/"):
            continue  # whoever recovers an account names what he moves, and may call again
        rest = {name: value for name, value in case.act.writes.items() if name != key}
        assert _refused(replace(case.act, writes=rest), case.state), key


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_no_member_can_be_changed(case: Case) -> None:
    passed = set()
    for key, record in case.act.records.items():
        family = key.partition("/")[0]
        for name, value in record.items():
            for other in _others(family, name, value):
                changed = canonical.dumps({**record, name: other})
                if not _refused(_with(case.act, **{key: changed}), case.state):
                    passed.add((family, name))
    assert passed <= FREE


def _coin(case: Case) -> dict[str, bytes | None]:
    return {f"coin/{case.act.tx_id}.77": canonical.dumps({"owner": THIEF, "amount": "1"})}


def _anothers_coin(case: Case) -> dict[str, bytes | None]:
    taken = next((key for key in case.state if key.startswith("coin/") and key not in case.act.writes), None)
    if taken is None:
        return _coin(case)
    amount = json.loads(case.state[taken])["amount"]
    return {
        taken: None,
        f"spent/{taken.removeprefix('coin/')}": canonical.dumps({"tx": case.act.tx_id}),
        f"coin/{case.act.tx_id}.77": canonical.dumps({"owner": THIEF, "amount": amount}),
    }


def _anothers_record(family: str) -> Callable[[Case], dict[str, bytes | None]]:
    def change(case: Case) -> dict[str, bytes | None]:
        names = (key for key in case.state if key.startswith(family) and key not in case.act.writes)
        return {next(names, f"{family}/other"): canonical.dumps({"owner": THIEF, "recovery": THIEF})}

    return change


def _deletion(case: Case) -> dict[str, bytes | None]:
    return {next(key for key in case.state or case.act.writes if not key.startswith("coin/")): None}


ADDED: dict[str, Callable[[Case], dict[str, bytes | None]]] = {
    "a coin out of nothing": _coin,
    "another's coin": _anothers_coin,
    "a deletion": _deletion,
    "a new family": lambda _: {"purse/thief": b"{}"},
    **{
        f"another {family}": _anothers_record(family)
        for family in (
            "account",
            "claim",
            "listing",
            "trade",
            "redemption",
            "deposit",
            "intent",
            "market",
            "exact",
            "epoch",
        )
    },
}


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_nothing_can_be_added(case: Case, added: str) -> None:
    more = ADDED[added](case)
    if set(more) <= set(case.act.writes):
        return  # the act writes that one itself
    assert _refused(_with(case.act, **more), case.state)


SIGNED = [case for case in cases() if case.act.intent and not case.act.admin]
"""An organisation without a named account votes by its administrator, through whichever account."""


@pytest.mark.parametrize("case", SIGNED, ids=lambda case: case.name)
@pytest.mark.parametrize("who", ["buyer", "seller", "stranger", "issuer", "platform", "supervisor"])
def test_nobody_else_can_ask_for_it(case: Case, who: str) -> None:
    act, signer = case.act, actor(who).address
    assert act.intent is not None
    if signer == act.signer:
        return
    own = f"intent/{act.signer}/{act.intent.nonce}"
    writes = {key.replace(own, f"intent/{signer}/{act.intent.nonce}"): value for key, value in act.writes.items()}
    assert _refused(replace(act, intent=replace(act.intent, signer=signer), writes=writes), case.state)


BY_ORGANISATION = {
    *("coin.mint", "coin.burn", "listing.create", "market.propose", "market.approve", "board.anchor"),
    *("trade.relay", "trade.check", "trade.decide", "claim.decide"),
    *("listing.hold", "listing.release"),
}


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.act.function in BY_ORGANISATION], ids=lambda case: case.name
)
def test_no_other_organisation_can_submit_what_is_for_one(case: Case) -> None:
    others = {PLATFORM, SUPERVISOR, TRADER} - {case.act.msp_id}
    assert all(_refused(replace(case.act, msp_id=msp, admin=False), case.state) for msp in others)


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.act.function.endswith(".enforce")], ids=lambda case: case.name
)
def test_nothing_is_enforced_before_its_deadline(case: Case) -> None:
    early = replace(case.act, time_ms=case.act.time_ms - (DELAY_S + 100) * 1000)
    with pytest.raises(AuditError, match="too_early"):
        judge(early, case.state)


def test_a_private_key_goes_with_its_own_function_only() -> None:
    secret = next(case.act.private for case in cases() if case.act.function == "listing.create")
    assert secret
    for case in cases():
        if case.act.private != secret:
            assert _refused(replace(case.act, private=case.act.private | secret), case.state), case.name


PAID = next(case for case in cases() if case.act.function == "trade.pay")


def test_only_those_decide_who_stand_apart_from_both_parties_the_first_of_them_first() -> None:
    key = next(key for key in PAID.act.records if key.startswith("trade/"))
    record = PAID.act.records[key]
    turned = {**record, "arbiter": record["substitute"], "substitute": record["arbiter"]}
    assert _refused(_with(PAID.act, **{key: canonical.dumps(turned)}), PAID.state)
    sponsored = f"account/{record['buyer']}"
    # Once the buyer has named the arbiters' organisation as his sponsor, neither of them stands apart.
    theirs = {**json.loads(PAID.state[sponsored]), "sponsor": record["arbiter"]["msp_id"]}
    assert _refused(PAID.act, {**PAID.state, sponsored: canonical.dumps(theirs)})


@pytest.mark.parametrize("change", [{"claimed": True}, {"owner": actor("platform", "PlatformMSP").address}])
def test_what_is_claimed_or_the_platforms_cannot_be_paid_for(change: dict[str, Any]) -> None:
    listing = f"listing/{PAID.act.params['listing']}"
    changed = {**json.loads(PAID.state[listing]), **change}
    assert _refused(PAID.act, {**PAID.state, listing: canonical.dumps(changed)})
