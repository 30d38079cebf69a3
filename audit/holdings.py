"""Accounts and contracts (listings): who may change what of them, above all whose they are."""

from countermark.audit import claims, orders, records
from countermark.audit.acts import Act
from countermark.audit.effects import trade_of
from countermark.audit.errors import AuditError
from countermark.audit.records import Record, State
from countermark.protocol import actions, intents, transitions
from countermark.protocol import claims as protocol_claims
from countermark.protocol.errors import MarketError
from countermark.protocol.transitions import Decision, ListingState, TradeState

_ANYONE = frozenset({"account.open", "intent.cancel", "account.veto"})
"""What an account may ask for that is not open."""


def check_signer(act: Act, state: State) -> None:
    """Check that the account that asks for ``act`` is open where it must be, and its intent no older than allowed.

    Raises:
        AuditError: ``wrong_actor``, ``intent``.
    """
    if act.intent is None:
        return
    longest_s = actions.longest_s(act.function, records.config(state))
    try:
        intents.check_time(act.intent, act.time_ms, longest_s=longest_s)
    except MarketError as error:
        raise AuditError("intent", f"{act.function}: {error}") from error
    if act.function in _ANYONE:
        return
    account = records.find(state, f"account/{act.signer}")
    if account is None or account["state"] != "OPEN":
        raise AuditError("wrong_actor", f"{act.signer} has no open account")


def check_account(act: Act, state: State) -> None:
    """Check the account that ``act`` opens or changes.

    Raises:
        AuditError: ``record_differs``, ``wrong_actor``, ``wrong_state``, ``too_early``, ``unknown_record``.
    """
    key = f"account/{act.params.get('account', act.signer)}"
    after = act.records[key]
    if act.function == "account.open":
        if key in state or act.params.get("sponsor", act.msp_id) != act.msp_id:
            raise AuditError("wrong_state", f"{key} may not be opened by this")
        opened = {
            "address": act.signer,
            "encryption_key": act.params["encryption_key"],
            "recovery": act.params.get("recovery", ""),
            "sponsor": act.params.get("sponsor", ""),
            "state": "OPEN",
            "frozen_by": "",
            "deadline": "",
            "opened_at": act.time,
            "updated_at": act.time,
        }
        records.check_same(key, act.function, after, {**after, **opened})
        return
    before = records.read(state, key)
    changed = {**before, "updated_at": act.time, **_change(act, state, before)}
    records.check_same(key, act.function, after, changed)
    if after["state"] != "RECOVERED":
        _refuse_listings(act)


def check_listing(act: Act, state: State) -> None:
    """Check the contract that ``act`` registers or changes.

    Raises:
        AuditError: ``record_differs``, ``wrong_actor``, ``wrong_state``, ``missing_write``, ``foreign_write``,
            ``too_early``, ``too_late``.
    """
    for key, after in act.records.items():
        if records.family(key) != "listing":
            continue
        if act.function == "listing.create" and key not in state:
            _check_created(act, state, key, after)
            continue
        before = records.read(state, key)
        records.check_same(key, act.function, after, {**before, **_listing_change(act, state, before)})
    if act.function == "listing.enforce":
        _check_voided(act, state, act.subject)
    if act.function == "trade.decide":
        listing = records.read(state, f"trade/{trade_of(act)}")["listing"]
        if _misregistered(act):
            _check_voided(act, state, listing)
        elif any(records.family(key) == "exact" for key in act.records):
            raise AuditError("foreign_write", f"{act.function} voids {listing}, whose registration was not false")
    if (trade := trade_of(act)) and TradeState(act.records[f"trade/{trade}"]["state"]).final:
        listing = f"listing/{act.records[f'trade/{trade}']['listing']}"
        if listing not in act.records:
            raise AuditError("missing_write", f"{act.function} ends a trade and leaves {listing} as it is")


def _change(act: Act, state: State, before: Record) -> Record:
    rules, address = records.config(state), before["address"]
    match act.function:
        case "account.rotate_encryption_key":
            return {"encryption_key": act.params["encryption_key"]}
        case "account.freeze" if act.signer == address:
            return {"state": "FROZEN", "frozen_by": "owner"}
        case "account.freeze":
            orders.require_supervisor(act, rules)
            return {
                "state": "FROZEN",
                "frozen_by": "both" if before["frozen_by"] in ("owner", "both") else "supervisor",
                "deadline": "",
            }
        case "account.release":
            orders.require_supervisor(act, rules)
            if before["frozen_by"] == "both":
                return {"frozen_by": "owner"}
            if before["frozen_by"] != "supervisor":
                raise AuditError("wrong_state", f"{address} is not frozen by the supervisor")
            return {"state": "OPEN", "frozen_by": ""}
        case "account.veto":
            if act.signer != address or before["state"] != "RECOVERING" or before["frozen_by"]:
                raise AuditError("wrong_actor", f"{act.signer} has no veto on the recovery of {address}")
            return {"state": "OPEN", "recovery": "", "deadline": ""}
    if act.signer != before["recovery"] or before["frozen_by"] in ("supervisor", "both"):
        raise AuditError("wrong_actor", f"{act.signer} may not recover {address}")
    if before["state"] in ("OPEN", "FROZEN"):
        return {"state": "RECOVERING", "deadline": act.after(rules.change_delay_s)}
    if before["state"] == "RECOVERING":
        records.check_due(act.time_ms, before["deadline"], rules.guard_s)
    return {"state": "RECOVERED", "deadline": ""}


def _refuse_listings(act: Act) -> None:
    if any(records.family(key) == "listing" for key in act.records):
        raise AuditError("foreign_write", f"{act.function} moves contracts before the time lock has run out")


def _check_created(act: Act, state: State, key: str, after: Record) -> None:
    rules, params = records.config(state), act.params
    if act.msp_id != rules.platform.msp_id:
        raise AuditError("wrong_state", f"{key} may not be registered by this")
    waits = rules.management_fee > 0
    terms = {
        "address": key.removeprefix("listing/"),
        "seller": act.signer,
        "owner": act.signer,
        "state": ListingState.PENDING_FEE if waits else ListingState.LISTED,
        **{name: params[name] for name in ("c_f", "c_d", "c_exact", "items", "generator")},
        "offer": {**params["offer"], "version": 1},
        "management_fee": str(rules.management_fee),
        "deadline": act.after(rules.management_s) if waits else "",
        "guard": rules.guard_s,
        "trade": "",
        "awarded": "",
        "claim": "",
        "claimed": False,
        "held": None,
        "erased": None,
        # Contracts of the seller's that are split by this one: what becomes of them is in the same act.
        "overlaps": sorted(
            name.removeprefix("listing/") for name in act.records if records.family(name) == "listing" and name != key
        ),
        "created_at": act.time,
        "created_tx": act.tx_id,
        "market_version": rules.version,
    }
    records.check_same(key, act.function, after, {**after, **terms})
    exact = f"exact/{after['exact_key']}"
    claimed = records.find(state, exact)
    if claimed is not None and claimed.get("status") != "VOID" and not _given_up(act, state, claimed):
        raise AuditError("wrong_state", f"{exact} belongs to {claimed.get('listing')}")
    live = {"listing": terms["address"], "status": "LIVE"}
    if [name for name in act.records if records.family(name) == "exact"] != [exact]:
        raise AuditError("missing_write", f"{act.function} registers another exact digest than that of {key}")
    records.check_same(exact, act.function, act.records[exact], live)


def _given_up(act: Act, state: State, claimed: Record) -> bool:
    """Return whether the contract of an exact digest is the signer's, who may register its data anew.

    It is erased, or he has it by a claim, and the new contract splits it.
    """
    listing = claimed.get("listing")
    before = records.find(state, f"listing/{listing}")
    if before is None or before["owner"] != act.signer:
        return False
    if before["awarded"] and f"listing/{listing}" in act.records:
        return True
    return bool(before.get("erased")) and before["state"] in transitions.LISTING_ACTS["listing.relist"]


def _misregistered(act: Act) -> bool:
    return act.params.get("decision") == Decision.MISREGISTERED


def _check_voided(act: Act, state: State, listing: str) -> None:
    """Check that the exact digest of ``listing`` may be registered anew."""
    voided = f"exact/{records.read(state, f'listing/{listing}')['exact_key']}"
    if voided not in act.records:
        raise AuditError("missing_write", f"{act.function} leaves {voided} as it is")
    records.check_same(voided, act.function, act.records[voided], {"listing": listing, "status": "VOID"})


def _listing_change(act: Act, state: State, before: Record) -> Record:
    if act.function == "listing.create":
        if act.signer != before["owner"] or not protocol_claims.replaceable(
            ListingState(before["state"]), awarded=bool(before["awarded"])
        ):
            raise AuditError("wrong_actor", f"{before['address']} may not be split by this")
        _check_unclaimed(act, before)
        return {"state": ListingState.PARTITIONED, "deadline": ""}
    if act.function == "account.recover":
        if before["owner"] != act.params["account"]:
            raise AuditError("wrong_actor", f"{before['address']} is not of the account that is recovered")
        return {"owner": act.signer}
    if act.function in ("listing.hold", "listing.release"):
        return orders.held(act, records.config(state), before)
    if act.function != "trade.pay" and act.function.startswith("trade."):
        return _after_trade(act, state)
    if act.function.startswith("claim."):
        return claims.listing_change(act, state, before)
    try:
        target = transitions.next_listing_state(ListingState(before["state"]), act.function)
    except MarketError as error:
        raise AuditError("wrong_state", f"{act.function} of {before['address']}: {error.detail}") from error
    if act.function == "trade.pay":
        (trade,) = (key for key in act.records if records.family(key) == "trade")
        return {"state": target, "trade": trade.removeprefix("trade/")}
    if act.function == "listing.enforce":
        records.check_due(act.time_ms, before["deadline"], before["guard"])
        return {"state": target, "deadline": ""}
    if act.signer != before["owner"]:
        raise AuditError("wrong_actor", f"{act.signer} does not own {before['address']}")
    if act.function == "listing.erase":
        return orders.erased(act, records.config(state), before)
    if act.function == "listing.charge":
        records.check_before(act.time_ms, before["deadline"])
        return {"state": target, "deadline": "", "awarded": ""}
    if act.function == "listing.withdraw":
        return {"state": target}
    _check_unclaimed(act, before)
    if before.get("erased"):
        raise AuditError("wrong_state", f"{before['address']} was erased: it is never offered again")
    offer = {**act.params["offer"], "version": before["offer"]["version"] + 1}
    return {"state": target, "offer": offer, "awarded": ""}


def _check_unclaimed(act: Act, before: Record) -> None:
    if before["claim"]:
        raise AuditError("wrong_state", f"{act.function} of {before['address']}, whose owner is disputed")


def _after_trade(act: Act, state: State) -> Record:
    key = f"trade/{trade_of(act)}"
    after = TradeState(act.records[key]["state"])
    if not after.final:
        raise AuditError("foreign_write", f"{act.function} changes a contract in the midst of its trade")
    if records.read(state, f"listing/{records.read(state, key)['listing']}")["awarded"] and not _misregistered(act):
        return {"state": ListingState.WITHDRAWN, "trade": ""}
    if after is TradeState.REFUNDED:
        return {"state": ListingState.VOID} if _misregistered(act) else {"state": ListingState.LISTED, "trade": ""}
    if records.read(state, f"listing/{records.read(state, key)['listing']}")["claim"]:
        # It waits for the end of the claim.
        return {}
    return {"state": ListingState.SOLD, "owner": records.read(state, key)["buyer"], "trade": ""}
