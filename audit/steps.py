"""Steps of a trade: that each is an arrow of the state machine, taken by who may take it, with the money as it rules.

The tables are those of `protocol.transitions` and `protocol.settlement`; what a step leaves in the trade's record is
worked out anew from the record before it and from what its signer bound.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from countermark.audit import records
from countermark.audit.acts import Act
from countermark.audit.effects import trade_of
from countermark.audit.errors import AuditError
from countermark.audit.records import Record, State
from countermark.protocol import ids, money, settlement, transitions
from countermark.protocol.errors import MarketError
from countermark.protocol.market import MarketConfig
from countermark.protocol.settlement import Part, Receiver
from countermark.protocol.transitions import Actor, Outcome, TradeState

RULES = 1
"""The version of a trade's rules that is judged here; trades under others are refused."""

_ARGUMENTS = {"trade.ack": "verdict", "trade.check": "result", "trade.dispute": "reason", "trade.decide": "decision"}
"""Functions of which the state machine has one arrow for each value of a parameter."""


def check_trade(act: Act, state: State) -> None:
    """Check the record that a step of a trade, or the payment that opens one, leaves.

    Raises:
        AuditError: ``record_differs``, ``wrong_step``, ``wrong_payee``, ``too_early``, ``too_late``,
            ``unknown_record``.
    """
    if act.function == "trade.pay":
        _check_payment(act, state)
        return
    key = f"trade/{trade_of(act)}"
    before, after = records.read(state, key), act.records[key]
    expected = _expected(act, before)
    if act.function == "trade.charge":
        expected["escrow"] = after["escrow"]
        _check_escrow(act, key, after["escrow"], before["escrow"], paid_in(act, state)[1])
    if TradeState(expected["state"]).final:
        expected["payouts"] = after["payouts"]
        check_payouts(act, after["payouts"])
    records.check_same(key, act.function, after, expected)


def paid_in(act: Act, state: State) -> tuple[str, Mapping[Part, int]]:
    """Return the trade's key and the parts, in minor units, that `trade.pay` or `trade.charge` puts in its escrow."""
    params = act.params
    if act.function == "trade.pay":
        return _paid(act), {Part.PRICE: int(params["price"]), Part.BUYER_BOND: int(params["bond"])}
    before = records.read(state, f"trade/{params['trade']}")
    if (params["fee"], params["bond"]) != (before["fee"], before["bond"]):
        raise AuditError("wrong_payee", f"the fee is {before['fee']}, the bond {before['bond']}")
    return f"trade/{params['trade']}", {Part.FEE: int(params["fee"]), Part.SELLER_BOND: int(params["bond"])}


def paid_out(act: Act, state: State) -> tuple[str, Mapping[str, int]]:
    """Return the trade's key and what each owner of coins gets, in minor units: nobody anything before its end."""
    key = f"trade/{trade_of(act)}"
    before = records.read(state, key)
    target, outcome, _ = _arrow(act, before)
    if not target.final:
        return key, {}
    void = bool(records.read(state, f"listing/{before['listing']}")["awarded"])
    return key, payouts(before, target, outcome, holder=holder(state, before, target), void=void)


def holder(state: State, trade: Record, target: TradeState) -> str:
    """Return the key of the claim that holds the price of ``trade`` where it ends in ``target``, "" for none."""
    listing = records.read(state, f"listing/{trade['listing']}")
    held = listing["claim"] and not listing["awarded"] and target is TradeState.SETTLED
    return f"claim/{listing['claim']}" if held else ""


def payouts(
    before: Record, target: TradeState, outcome: Outcome, *, holder: str = "", void: bool = False
) -> Mapping[str, int]:
    """Return what each owner of coins gets, in minor units, where the trade of record ``before`` ends so.

    The price goes to ``holder`` where there is one, and back where the sale is ``void``.
    """
    # The record's decider is whose time runs; where it ends in EVIDENCED that one has decided.
    decided = before["substitute"] if before["decider"] == "substitute" else before["arbiter"]
    addresses = {
        Receiver.BUYER: before["buyer"],
        Receiver.SELLER: before["seller"],
        Receiver.PLATFORM: before["platform"],
        Receiver.ARBITER: decided["account"],
    }
    held = {Part(entry["role"]): records.amount(entry) for entry in before["escrow"]}
    due: Counter[str] = Counter()
    fee = records.amount(before, "arbiter_fee")
    for receiver, amount in settlement.payouts(held, target, outcome, arbiter_fee=fee, void=void).items():
        due[addresses[receiver]] += amount
    if holder:
        due[before["seller"]] -= records.amount(before, "price")
        due[holder] += records.amount(before, "price")
    return +due


def _check_payment(act: Act, state: State) -> None:
    params, rules, key = act.params, records.config(state), _paid(act)
    listing = records.read(state, f"listing/{params['listing']}")
    offer = listing["offer"]
    agreed = (params["offer_version"], params["price"], params["deadlines"], params["c_d"])
    if agreed != (offer["version"], offer["price"], offer["deadlines"], listing["c_d"]):
        raise AuditError("wrong_step", f"the buyer has signed for another offer than that of {listing['address']}")
    if int(params["bond"]) != rules.bond or key in state or act.signer == listing["owner"]:
        raise AuditError("wrong_step", f"{key} may not be opened so")
    record = act.records[key]
    _check_parties(act, key, listing, rules, state)
    terms: Record = {
        "id": key.removeprefix("trade/"),
        "listing": params["listing"],
        "seller": listing["owner"],
        "buyer": act.signer,
        "right": offer["right"],
        "price": params["price"],
        "fee": str(money.fee(int(params["price"]), rules.transaction_bps)),
        "bond": params["bond"],
        "arbiter_fee": str(rules.arbiter_fee),
        "offer_version": params["offer_version"],
        **{name: listing[name] for name in ("c_f", "c_d", "c_exact")},
        "pk_t": params["pk_t"],
        "platform": rules.platform.account,
        "platform_msp": rules.platform.msp_id,
        "undecided": rules.undecided,
        "market_version": rules.version,
        "deadlines": params["deadlines"],
        "guard": rules.guard_s,
        "rules": RULES,
        "paid_at": act.time,
        "updated_at": act.time,
        "state": TradeState.PAID,
        "outcome": Outcome.NONE,
        "decider": "",
        "deadline": act.after(params["deadlines"]["fee"]),
        "payouts": [],
        "notices": {"seller": "", "buyer": ""},
        **dict.fromkeys(("package", "dispute", "openings", "remedy", "decision")),
        **dict.fromkeys(("verdict", "relayed_at"), ""),
    }
    records.check_same(key, act.function, record, {**record, **terms})
    _check_escrow(act, key, record["escrow"], [], paid_in(act, state)[1])


def _check_parties(act: Act, key: str, listing: Record, rules: MarketConfig, state: State) -> None:
    """Check that ``act`` may pay for ``listing``, and that those decide who stand apart from both parties."""
    seller, buyer = (records.read(state, f"account/{one}") for one in (listing["owner"], act.signer))
    if seller["state"] != "OPEN" or listing["claim"]:
        raise AuditError("wrong_step", f"{listing['address']} may not be paid for now")
    if rules.platform.account in (seller["address"], buyer["address"]):
        raise AuditError("wrong_step", f"the platform is a party of {key}")
    free = rules.deciders({party["address"]: party.get("sponsor", "") for party in (seller, buyer)})
    expected = [asdict(who) for who in free[:2]]
    named = act.records[key]
    if len(expected) < 2 or [named["arbiter"], named["substitute"]] != expected:
        raise AuditError("wrong_step", f"{key} names others to decide than those who stand apart from its parties")


def _paid(act: Act) -> str:
    assert act.intent is not None, "trade.pay is asked for by intent"
    listing = act.params["listing"]
    return "trade/" + ids.trade_id(market=act.market, listing=listing, buyer=act.signer, nonce=act.intent.nonce)


def _check_escrow(act: Act, key: str, escrow: list[Record], before: list[Record], parts: Mapping[Part, int]) -> None:
    """Check that the record names the coins that the parts were paid in, each under what it was paid for."""
    new = escrow[len(before) :]
    named = {entry["role"]: (records.amount(entry), entry["coin"]) for entry in new}
    coins = {
        (records.amount(record), name.removeprefix("coin/"))
        for name, record in act.records.items()
        if records.family(name) == "coin" and record["owner"] == key
    }
    amounts = {role: amount for role, (amount, _) in named.items()}
    if (
        escrow[: len(before)] != before
        or len(named) != len(new)
        or amounts != {part: amount for part, amount in parts.items() if amount}
        or set(named.values()) != coins
    ):
        raise AuditError("record_differs", f"the escrow of {key} is not what {act.function} has paid in")


def check_payouts(act: Act, payouts: list[Record], *, besides: frozenset[str] = frozenset()) -> None:
    """Check that ``payouts``, as records note them, are all coins that ``act`` makes ``besides`` those of these keys.

    Raises:
        AuditError: ``record_differs``.
    """
    told = {(f"coin/{entry['coin']}", entry["to"], entry["amount"]) for entry in payouts}
    made = {
        (key, record["owner"], record["amount"])
        for key, record in act.records.items()
        if records.family(key) == "coin" and key not in besides
    }
    if told != made or len(told) != len(payouts):
        raise AuditError("record_differs", f"the payouts that {act.function} notes are not those that it makes")


def _arrow(act: Act, before: Record) -> tuple[TradeState, Outcome, str]:
    """Return where ``act`` leads, with which outcome, and whose time to decide runs then or has run out."""
    if act.function != "trade.enforce":
        taken = _act(act, before)
        # Who has decided, or whose time still runs, stays; the buyer's evidence is the arbiter's to look at.
        return taken.target, taken.outcome, "arbiter" if act.function == "trade.open" else before["decider"]
    default = transitions.find_default(TradeState(before["state"]), _decider(before["decider"]))
    if default is None:
        raise AuditError("wrong_step", f"the trade has ended: {before['state']}")
    records.check_due(act.time_ms, before["deadline"], before["guard"])
    target = default.target
    if target is None:
        target = TradeState.SETTLED if before["undecided"] == "settle" else TradeState.REFUNDED
    decider = "substitute" if target is TradeState.EVIDENCED else before["decider"] if target.final else ""
    return target, default.outcome, decider


def _decider(name: str) -> Actor | None:
    return Actor(name) if name else None


def _act(act: Act, before: Record) -> transitions.Act:
    holders = {Actor.BUYER: before["buyer"], Actor.SELLER: before["seller"], Actor.PLATFORM: before["platform"]}
    organisations = {Actor.PLATFORM: before["platform_msp"]}
    if decider := _decider(before["decider"]):
        holders[decider] = before[decider]["account"]
        organisations[decider] = before[decider]["msp_id"]
    roles = frozenset(role for role, holder in holders.items() if holder == act.signer)
    argument = act.params[_ARGUMENTS[act.function]] if act.function in _ARGUMENTS else ""
    if act.function == "trade.decide":
        argument = transitions.argument_of(argument, before["dispute"]["reason"] if before["dispute"] else "")
    try:
        taken = transitions.find_act(TradeState(before["state"]), act.function, roles, argument)
    except MarketError as error:
        raise AuditError("wrong_step", f"{act.function} by {act.signer}: {error.detail}") from error
    if organisations.get(taken.actor, act.msp_id) != act.msp_id:
        raise AuditError("wrong_actor", f"{act.msp_id} submits for the {taken.actor}")
    records.check_before(act.time_ms, before["deadline"])
    return taken


def _expected(act: Act, before: Record) -> Record:
    target, outcome, decider = _arrow(act, before)
    default = transitions.find_default(target, _decider(decider))
    runs_on = (target, decider) == (before["state"], before["decider"])
    return {
        **before,
        **_noted(act, before, target),
        "state": target,
        "outcome": outcome,
        "decider": decider,
        "updated_at": act.time,
        **({} if runs_on else {"deadline": act.after(before["deadlines"][default.clock]) if default else ""}),
        **({"escrow": []} if target.final else {}),
    }


def _noted(act: Act, before: Record, target: TradeState) -> dict[str, Any]:
    """Return the members of the record that ``act`` sets beside state and time: what its signer bound."""
    params = act.params
    match act.function:
        case "trade.send":
            package = {"root": params["package_root"], "size": params["package_size"]}
            return {"package": package, "notices": {**before["notices"], "seller": params["notice"]}}
        case "trade.relay":
            disputed = before["state"] == TradeState.EVIDENCED
            package = before["remedy"] if disputed else before["package"]
            if package is None or package["root"] != params["package_root"] or (disputed and package["relayed_at"]):
                raise AuditError("wrong_step", "the platform relays another package than the seller has sent")
            relayed = {"relayed_at": params["completed_at"]}
            return {"remedy": {**package, **relayed}} if disputed else relayed
        case "trade.ack":
            return {"verdict": params["verdict"], "notices": {**before["notices"], "buyer": params["notice"]}}
        case "trade.dispute":
            return {"dispute": {"at": act.time, "by": _act(act, before).actor, "reason": params["reason"]}}
        case "trade.open":
            return {"openings": {"arbiter": params["opening"], "substitute": params["substitute_opening"]}}
        case "trade.remedy":
            if before["remedy"] is not None:
                raise AuditError("wrong_step", "the seller sends a second remedy")
            package = {"root": params["package_root"], "size": params["package_size"]}
            return {"remedy": {**package, "notice": params["notice"], "relayed_at": ""}}
        case "trade.decide":
            bound = {name: params[name] for name in ("decision", "reasons")}
            return {"decision": {"at": act.time, "by": act.signer, **bound}}
        case "trade.accept" if before["state"] == TradeState.EVIDENCED:
            if not (before["remedy"] and before["remedy"]["relayed_at"]):
                raise AuditError("wrong_step", "the buyer accepts a remedy that was not relayed")
        case "trade.enforce" if target is TradeState.DISPUTED:
            return {"dispute": {"at": act.time, "by": "deadline", "reason": "mismatch"}}
    return {}
