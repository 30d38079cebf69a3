"""Whose coins an act may spend, and to whom they go: what its signer bound, or the escrow's rules, say so.

A coin is made and destroyed on balance by `coin.mint` and `coin.burn` alone. Everywhere else what is spent comes out
again: to the payees, and as change to whose coins they were.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from countermark.audit import claims, records, steps
from countermark.audit.acts import Act
from countermark.audit.errors import AuditError
from countermark.audit.records import Record, State
from countermark.protocol.money import MAX_AMOUNT


@dataclass(frozen=True)
class Payment:
    """Minor units by payee, out of coins of ``source``, an address or an escrow; ``change`` goes back to it.

    ``escrows`` are others, by their keys, which are emptied besides, with what each holds.
    """

    source: str = ""
    escrows: Mapping[str, int] = field(default_factory=dict)
    pays: Mapping[str, int] = field(default_factory=dict)
    change: bool = False
    minted: int = 0
    burnt: int = 0


def check_coins(act: Act, state: State) -> None:
    """Check that ``act`` spends and makes the coins that it must, and no others.

    Raises:
        AuditError: ``coin_changed``, ``coin_unmarked``, ``coin_of_another``, ``money_not_conserved``,
            ``wrong_payee``; or what the payment's rule finds.
    """
    spent, made = _spent(act, state), _made(act, state)
    rule = _RULES.get(act.function)
    payment = rule(act, state) if rule else Payment()
    if any(coin["owner"] not in (payment.source, *payment.escrows) for coin in spent):
        raise AuditError("coin_of_another", f"{act.function} spends coins that are not {payment.source or 'its own'}")
    for escrow, held in payment.escrows.items():
        if sum(records.amount(coin) for coin in spent if coin["owner"] == escrow) != held:
            raise AuditError("wrong_payee", f"{act.function} does not empty {escrow}")
    total = sum(map(records.amount, spent))
    surplus = sum(map(records.amount, made)) - total - payment.minted + payment.burnt
    if surplus:
        detail = f"coins grow by {surplus} minor units more than was minted less what was burnt"
        raise AuditError("money_not_conserved", detail)
    due = Counter(payment.pays)
    if payment.change:
        due[payment.source] += total - due.total() - payment.burnt
    paid: Counter[str] = Counter()
    for coin in made:
        paid[coin["owner"]] += records.amount(coin)
    if {owner: amount for owner, amount in due.items() if amount} != paid:
        raise AuditError("wrong_payee", f"{act.function} pays others, or otherwise, than it must")


def _spent(act: Act, state: State) -> list[Record]:
    keys = {key for key, value in act.writes.items() if records.family(key) == "coin" and value is None}
    marks = {key for key in act.writes if records.family(key) == "spent"}
    marked = {key for key, record in act.records.items() if key in marks and record == {"tx": act.tx_id}}
    if marked != marks or marks != {"spent/" + key.removeprefix("coin/") for key in keys}:
        raise AuditError("coin_unmarked", f"{act.function} does not mark as spent the coins that it spends")
    return [records.read(state, key) for key in sorted(keys)]


def _made(act: Act, state: State) -> list[Record]:
    made = {key: record for key, record in act.records.items() if records.family(key) == "coin"}
    if changed := [key for key in made if key in state or f"spent/{key.removeprefix('coin/')}" in state]:
        raise AuditError(
            "coin_changed", f"{act.function} makes {', '.join(sorted(changed))}, which there was already"
        )
    if sum(map(records.amount, made.values())) > MAX_AMOUNT:
        raise AuditError("malformed_record", f"{act.function} makes coins of more than 2^63-1 minor units")
    return list(made.values())


def _mint(act: Act, state: State) -> Payment:
    minted = int(act.params["amount"])
    issuer = records.config(state).issuers.get(act.msp_id)
    if issuer is None or act.signer != issuer.account or minted > issuer.cap:
        raise AuditError("wrong_actor", f"{act.signer} may not mint {minted} minor units for {act.msp_id}")
    key = f"deposit/{act.msp_id}/{act.params['reference']}"
    if key in state:
        raise AuditError("deposit_used", f"coins have been minted against {key}")
    deposit = {"amount": act.params["amount"], "to": act.params["to"], "tx": act.tx_id}
    records.check_same(key, act.function, act.records[key], deposit)
    return Payment(pays={act.params["to"]: minted}, minted=minted)


def _transfer(act: Act, _state: State) -> Payment:
    return Payment(act.signer, pays={act.params["to"]: int(act.params["amount"])}, change=True)


def _redeem(act: Act, state: State) -> Payment:
    rules, escrow, amount = records.config(state), f"redemption/{act.tx_id}", act.params["amount"]
    record = act.records[escrow]
    terms = {
        "id": act.tx_id,
        "owner": act.signer,
        "issuer": act.params["issuer"],
        "amount": amount,
        "state": "LOCKED",
        "deadline": act.after(rules.redeem_s),
        "guard": rules.guard_s,
    }
    records.check_same(escrow, act.function, record, {**record, **terms})
    if act.records.get(f"coin/{record['coin']}", {}).get("owner") != escrow:
        raise AuditError("record_differs", f"{escrow} does not name the coin that it locks")
    return Payment(act.signer, pays={escrow: int(amount)}, change=True)


def _burn(act: Act, state: State) -> Payment:
    escrow = f"redemption/{act.params['redemption']}"
    before = _locked(act, state, escrow, "BURNT")
    issuer = records.config(state).issuers.get(before["issuer"])
    if issuer is None or (act.msp_id, act.signer) != (before["issuer"], issuer.account):
        raise AuditError("wrong_actor", f"{act.signer} may not burn what is locked to {before['issuer']}")
    records.check_before(act.time_ms, before["deadline"])
    return Payment(escrow, burnt=records.amount(before))


def _return(act: Act, state: State) -> Payment:
    escrow = f"redemption/{act.subject}"
    before = _locked(act, state, escrow, "RETURNED")
    records.check_due(act.time_ms, before["deadline"], before["guard"])
    return Payment(escrow, pays={before["owner"]: records.amount(before)})


def _locked(act: Act, state: State, escrow: str, after: str) -> Record:
    before = records.read(state, escrow)
    if before["state"] != "LOCKED":
        raise AuditError("wrong_state", f"{escrow} is {before['state']}")
    records.check_same(escrow, act.function, act.records[escrow], {**before, "state": after, "deadline": ""})
    return before


def _management_fee(act: Act, state: State) -> Payment:
    listing = records.read(state, f"listing/{act.params['listing']}")
    if act.params["amount"] != listing["management_fee"]:
        raise AuditError("wrong_payee", f"the management fee is {listing['management_fee']}")
    return Payment(act.signer, pays={records.config(state).platform.account: int(act.params["amount"])}, change=True)


def _recovered(act: Act, _state: State) -> Payment:
    account = act.params["account"]
    if act.records[f"account/{account}"]["state"] != "RECOVERED":
        return Payment()
    moved = [records.amount(record) for key, record in act.records.items() if records.family(key) == "coin"]
    return Payment(account, pays={act.signer: sum(moved)})


def _into_escrow(act: Act, state: State) -> Payment:
    key, parts = steps.paid_in(act, state)
    return Payment(act.signer, pays={key: sum(parts.values())}, change=True)


def _into_claim(act: Act, state: State) -> Payment:
    key, deposit = claims.paid_in(act, state)
    escrows, payouts = claims.paid_out(act, state)
    return Payment(act.signer, escrows, {key: deposit, **payouts}, change=True)


def _out_of_claim(act: Act, state: State) -> Payment:
    escrows, payouts = claims.paid_out(act, state)
    return Payment("", escrows, payouts)


def _out_of_escrow(act: Act, state: State) -> Payment:
    key, payouts = steps.paid_out(act, state)
    return Payment(key, pays=payouts)


_RULES: Mapping[str, Callable[[Act, State], Payment]] = {
    "account.recover": _recovered,
    "coin.mint": _mint,
    "coin.transfer": _transfer,
    "coin.redeem": _redeem,
    "coin.burn": _burn,
    "coin.enforce": _return,
    "listing.charge": _management_fee,
    "claim.open": _into_claim,
    "claim.answer": _into_claim,
    "claim.decide": _out_of_claim,
    "claim.enforce": _out_of_claim,
    "trade.pay": _into_escrow,
    "trade.charge": _into_escrow,
    **dict.fromkeys(
        (
            *("trade.cancel", "trade.send", "trade.relay", "trade.ack", "trade.check", "trade.confirm"),
            *("trade.accept", "trade.dispute", "trade.open", "trade.remedy", "trade.decide", "trade.enforce"),
        ),
        _out_of_escrow,
    ),
}
