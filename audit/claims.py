"""Steps of a claim of ownership: that each is an arrow of its state machine, and what it makes of money and contract.

Worked out, as for trades, from the tables of `protocol`, the records before and what the signer has bound.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from countermark.audit import records, steps
from countermark.audit.acts import Act
from countermark.audit.effects import claim_of, opened_claim, trade_of
from countermark.audit.errors import AuditError
from countermark.audit.records import Record, State
from countermark.protocol import claims
from countermark.protocol.claims import CLAIM_DEFAULTS, ClaimActor, Claimed, ClaimReceiver, ClaimState
from countermark.protocol.errors import MarketError
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import ListingState, Outcome, TradeState


def check_claim(act: Act, state: State) -> None:
    """Check the record that a step of a claim leaves, and that of the trade that it ends.

    Raises:
        AuditError: ``record_differs``, ``wrong_step``, ``wrong_actor``, ``wrong_payee``, ``too_early``,
            ``too_late``, ``missing_write``, ``unknown_record``.
    """
    key = _key(act)
    after = act.records[key]
    expected = _opened(act, state, after) if act.function == "claim.open" else _changed(act, state, after)
    ends = ClaimState(expected["state"]).final
    if ends:
        expected["payouts"] = after["payouts"]
    records.check_same(key, act.function, after, expected)
    noted = [*after["payouts"]] if ends else []
    ended = _ended_trade(act, state)
    if ended is not None:
        noted += _check_refunded(act, ended)
    elif any(records.family(name) == "trade" for name in act.records):
        raise AuditError("foreign_write", f"{act.function} changes a trade that it does not end")
    steps.check_payouts(act, noted, besides=_paid_in_coins(act, key))


def check_held(act: Act, state: State) -> None:
    """Check that the end of a trade whose contract is claimed leaves the price in the claim, and nothing else does.

    Raises:
        AuditError: ``record_differs``, ``missing_write``, ``foreign_write``.
    """
    trade = act.records[f"trade/{trade_of(act)}"]
    key = steps.holder(state, trade, TradeState(trade["state"]))
    if not key:
        if any(records.family(name) == "claim" for name in act.records):
            raise AuditError("foreign_write", f"{act.function} changes a claim that holds nothing of its trade")
        return
    if key not in act.records:
        raise AuditError("missing_write", f"{act.function} does not tell {key} what it holds")
    before, after = records.read(state, key), act.records[key]
    price = [entry for entry in trade["payouts"] if entry["to"] == key]
    if len(price) != 1:
        raise AuditError("record_differs", f"{act.function} leaves the price in {key} in {len(price)} coins")
    held = [{"amount": entry["amount"], "coin": entry["coin"], "role": Part.PRICE} for entry in price]
    expected = {
        **before,
        "escrow": [*before["escrow"], *held],
        "sale": {"buyer": trade["buyer"], "seller": trade["seller"], "trade": trade["id"]},
        "updated_at": act.time,
    }
    records.check_same(key, act.function, after, expected)


def listing_change(act: Act, state: State, before: Record) -> Record:
    """Return what a step of a claim changes of its contract.

    Raises:
        AuditError: ``foreign_write`` where it may change nothing; what `check_claim` finds.
    """
    if act.function == "claim.open":
        freed = {"state": ListingState.LISTED, "trade": ""} if _ended_trade(act, state) else {}
        return {**freed, "claim": opened_claim(act), "claimed": True}
    if act.function == "claim.answer":
        raise AuditError("foreign_write", f"{act.function} changes a contract")
    claim = records.read(state, _key(act))
    _, outcome = _arrow(act, state, claim)
    sale = claim["sale"]
    after = claims.listing_after(ListingState(before["state"]), outcome, sold=sale is not None)
    change: Record = {"claim": "", "claimed": False, "state": after}
    if sale is not None:
        change |= {"trade": "", "owner": sale["buyer"]}
    if outcome is Claimed.CLAIMANT:
        change |= {"owner": claim["claimant"], "awarded": claim["id"]}
        if before["state"] == ListingState.PENDING_FEE:
            change["deadline"] = act.after(records.config(state).management_s)
    return change


def paid_in(act: Act, state: State) -> tuple[str, int]:
    """Return the claim's key and the deposit, in minor units, that `claim.open` or `claim.answer` pays into it."""
    opens = act.function == "claim.open"
    deposit = records.config(state).claims.deposit if opens else records.amount(_before(act, state), "deposit")
    if int(act.params["deposit"]) != deposit:
        raise AuditError("wrong_payee", f"the deposit is {deposit}")
    return _key(act), deposit


def paid_out(act: Act, state: State) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the escrows that a step empties, by key with what each holds, and what each address gets of it."""
    escrows: dict[str, int] = {}
    due: Counter[str] = Counter()
    if act.function in ("claim.decide", "claim.enforce"):
        claim = _before(act, state)
        _, outcome = _arrow(act, state, claim)
        held: Counter[Part] = Counter()
        for entry in claim["escrow"]:
            held[Part(entry["role"])] += records.amount(entry)
        escrows[_key(act)] = sum(held.values())
        sale = claim["sale"] or {}
        addresses = {
            ClaimReceiver.CLAIMANT: claim["claimant"],
            ClaimReceiver.OWNER: claim["owner"],
            ClaimReceiver.DECIDER: claim["decider"]["account"],
            ClaimReceiver.SELLER: sale.get("seller"),
            ClaimReceiver.BUYER: sale.get("buyer"),
        }
        decided, fee = act.function == "claim.decide", records.amount(claim, "arbiter_fee")
        for receiver, amount in claims.claim_payouts(held, outcome, decided=decided, arbiter_fee=fee).items():
            due[addresses[receiver]] += amount
    ended = _ended_trade(act, state)
    if ended is not None:
        refund = steps.payouts(ended, TradeState.REFUNDED, Outcome.CLAIMED)
        escrows[f"trade/{ended['id']}"] = sum(refund.values())
        due.update(refund)
    return escrows, due


def _key(act: Act) -> str:
    return f"claim/{opened_claim(act) if act.function == 'claim.open' else claim_of(act)}"


def _before(act: Act, state: State) -> Record:
    return records.read(state, _key(act))


def _contract(act: Act, state: State) -> Record:
    address = act.params["listing"] if act.function == "claim.open" else _before(act, state)["listing"]
    return records.read(state, f"listing/{address}")


def _trade(act: Act, state: State) -> Record | None:
    """Return the record of the trade that reserves the contract."""
    listing = _contract(act, state)
    return records.read(state, f"trade/{listing['trade']}") if listing["trade"] else None


def _ended_trade(act: Act, state: State) -> Record | None:
    """Return the record of the trade that `claim.open` must end, everything back: None where there is none."""
    if act.function != "claim.open":
        return None
    trade = _trade(act, state)
    if trade is None:
        return None
    return trade if TradeState(trade["state"]) in claims.REFUNDABLE else None


def _check_refunded(act: Act, before: Record) -> list[Record]:
    """Check the record of a trade that the step ends, and return its payouts."""
    key = f"trade/{before['id']}"
    if key not in act.records:
        raise AuditError("missing_write", f"{act.function} leaves {key} as it is")
    after = act.records[key]
    ended = {
        "state": TradeState.REFUNDED,
        "outcome": Outcome.CLAIMED,
        "updated_at": act.time,
        "deadline": "",
        "escrow": [],
        "payouts": after["payouts"],
    }
    records.check_same(key, act.function, after, {**before, **ended})
    told: Counter[str] = Counter()
    for entry in after["payouts"]:
        told[entry["to"]] += records.amount(entry)
    if told != steps.payouts(before, TradeState.REFUNDED, Outcome.CLAIMED):
        raise AuditError("record_differs", f"the payouts of {key} are not what everybody gets back")
    payouts: list[Record] = after["payouts"]
    return payouts


def _paid_in_coins(act: Act, key: str) -> frozenset[str]:
    """Return the keys of the coins that are no payout: a deposit, and the change of whoever has paid it."""
    if act.function not in ("claim.open", "claim.answer"):
        return frozenset()
    coins = {name: record for name, record in act.records.items() if records.family(name) == "coin"}
    deposits = {name for name, record in coins.items() if record["owner"] == key}
    noted = {
        entry["coin"]
        for name, record in act.records.items()
        if records.family(name) == "trade"
        for entry in record["payouts"]
    }
    change = {name for name, record in coins.items() if record["owner"] == act.signer} - {f"coin/{c}" for c in noted}
    return frozenset(deposits | change)


def _opened(act: Act, state: State, after: Record) -> Record:
    rules, key = records.config(state), _key(act)
    listing = _contract(act, state)
    if key in state or listing["claim"] or listing["state"] == ListingState.VOID or listing["owner"] == act.signer:
        raise AuditError("wrong_step", f"{listing['address']} may not be claimed so")
    if act.signer == rules.platform.account:
        raise AuditError("wrong_step", "the platform claims a contract")
    trade, supervisor = _trade(act, state), rules.supervisor
    buyers = [trade["buyer"]] if trade and TradeState(trade["state"]) not in claims.REFUNDABLE else []
    _check_apart(act, state, asdict(supervisor), listing["owner"], act.signer, *buyers)
    return {
        "id": key.removeprefix("claim/"),
        "listing": listing["address"],
        "claimant": act.signer,
        "owner": listing["owner"],
        "decider": asdict(supervisor),
        "deposit": str(rules.claims.deposit),
        "arbiter_fee": str(rules.arbiter_fee),
        "deadlines": rules.claims.deadlines,
        "deadline": act.after(rules.claims.answer_s),
        "guard": rules.guard_s,
        "market_version": rules.version,
        "opened_at": act.time,
        "updated_at": act.time,
        "state": ClaimState.OPEN,
        "outcome": Claimed.NOBODY,
        "evidence": {"claimant": act.params["evidence"], "owner": ""},
        "escrow": _deposited(act, after, [], Part.CLAIMANT_DEPOSIT),
        "payouts": [],
        "sale": None,
        "decision": None,
    }


def _check_apart(act: Act, state: State, decider: Record, *addresses: str) -> None:
    """Check that the one who decides is none of these accounts, nor of their organisations."""
    parties = [records.read(state, f"account/{address}") for address in addresses]
    sponsors = {party["address"]: party.get("sponsor", "") for party in parties}
    if not records.config(state).stands_apart(decider["account"], decider["msp_id"], sponsors):
        raise AuditError("wrong_step", f"{act.function}: the supervisor is a party, or of one's organisation")


def _changed(act: Act, state: State, after: Record) -> Record:
    before = _before(act, state)
    target, outcome = _arrow(act, state, before)
    expected = {**before, "state": target, "outcome": outcome, "updated_at": act.time}
    if act.function == "claim.answer":
        _check_apart(act, state, before["decider"], act.signer)
        return {
            **expected,
            "owner": act.signer,
            "evidence": {**before["evidence"], "owner": act.params["evidence"]},
            "deadline": act.after(before["deadlines"]["decide"]),
            "escrow": _deposited(act, after, before["escrow"], Part.OWNER_DEPOSIT),
        }
    if act.function == "claim.decide":
        owner = _contract(act, state)["owner"]
        if owner != before["owner"]:
            _check_apart(act, state, before["decider"], owner)
        bound = {name: act.params[name] for name in ("decision", "reasons")}
        expected["decision"] = {"at": act.time, "by": act.signer, **bound}
    return {**expected, "deadline": "", "escrow": []}


def _deposited(act: Act, after: Record, before: list[Record], part: Part) -> list[Record]:
    """Return the escrow with the coin of a deposit, as the act has made it."""
    amount = act.params["deposit"]
    made = [
        {"amount": record["amount"], "coin": name.removeprefix("coin/"), "role": part}
        for name, record in act.records.items()
        if records.family(name) == "coin" and record["owner"] == f"claim/{after['id']}"
    ]
    expected = [amount] if int(amount) else []
    if [entry["amount"] for entry in made] != expected:
        raise AuditError("record_differs", f"the deposit is not held as {act.function} must hold it")
    return [*before, *made]


def _arrow(act: Act, state: State, before: Record) -> tuple[ClaimState, Claimed]:
    source = ClaimState(before["state"])
    if act.function == "claim.enforce":
        default = CLAIM_DEFAULTS.get(source)
        if default is None:
            raise AuditError("wrong_step", f"the claim has ended: {source}")
        records.check_due(act.time_ms, before["deadline"], before["guard"])
        return default.target, default.outcome
    owner = records.read(state, f"listing/{before['listing']}")["owner"]
    holders = {ClaimActor.OWNER: owner, ClaimActor.SUPERVISOR: before["decider"]["account"]}
    roles = frozenset(role for role, holder in holders.items() if holder == act.signer)
    argument = act.params.get("decision", "")
    try:
        taken = claims.find_claim_act(source, act.function, roles, argument)
    except MarketError as error:
        raise AuditError("wrong_step", f"{act.function} by {act.signer}: {error.detail}") from error
    if taken.actor is ClaimActor.SUPERVISOR and act.msp_id != before["decider"]["msp_id"]:
        raise AuditError("wrong_actor", f"{act.msp_id} submits for the {taken.actor}")
    records.check_before(act.time_ms, before["deadline"])
    return taken.target, taken.outcome
