"""What each function of the market may write: the auditor's own statement, which asks no code of the contracts.

A key stands here with the names of what an act binds: its signer, his nonce, the parameters that he signed, the
transaction. A trailing ``*`` stands for any further name. Coins are told apart by `coins`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countermark.audit import records
from countermark.audit.acts import Act, Fate, PrivateChange
from countermark.audit.errors import AuditError
from countermark.audit.records import State
from countermark.protocol import ids

COLLECTION = "fingerprints"
"""The private collection of platform and supervisor."""


@dataclass(frozen=True)
class Effect:
    """What one function writes.

    ``must`` and ``may`` are keys that an act puts, ``coins`` whether it moves any. ``private`` is a private key that
    it may put, ``purged`` one that it must purge.
    """

    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    coins: bool = False
    private: str = ""
    purged: str = ""


_TRADE = Effect(("trade/{trade}",), ("listing/{sold}", "claim/{claimed}"), coins=True)
_LISTING = Effect(("listing/{listing}",))

EFFECTS: Mapping[str, Effect] = {
    "intent.cancel": Effect(("intent/{signer}/{cancelled}",)),
    "market.init": Effect(("market/config", "market/version/00000001", "market/pepper", "epoch"), private="pepper/1"),
    "market.propose": Effect((), ("market/proposal/*",)),
    "market.approve": Effect(("market/proposal/{version:08d}/{digest}",)),
    "market.enforce": Effect(("market/config", "market/version/{proposed}")),
    "clock.tick": Effect(("epoch",)),
    "account.open": Effect(("account/{signer}",)),
    "account.rotate_encryption_key": Effect(("account/{signer}",)),
    "account.freeze": Effect(("account/{account}",)),
    "account.release": Effect(("account/{account}",)),
    "account.recover": Effect(("account/{account}",), ("listing/*",), coins=True),
    "account.veto": Effect(("account/{account}",)),
    "coin.mint": Effect(("deposit/{msp}/{reference}",), coins=True),
    "coin.transfer": Effect(coins=True),
    "coin.redeem": Effect(("redemption/{tx}",), coins=True),
    "coin.burn": Effect(("redemption/{redemption}",), coins=True),
    "coin.enforce": Effect(("redemption/{subject}",), coins=True),
    "listing.create": Effect(("listing/{created}",), ("exact/*", "listing/*"), private="opening/{created}"),
    "listing.charge": Effect(("listing/{listing}",), coins=True),
    "listing.offer": _LISTING,
    "listing.withdraw": _LISTING,
    "listing.relist": _LISTING,
    "listing.enforce": Effect(("listing/{subject}", "exact/{exact}")),
    "listing.hold": _LISTING,
    "listing.release": _LISTING,
    "listing.erase": Effect(("listing/{listing}",), purged="opening/{listing}"),
    "trade.pay": Effect(("trade/{paid}", "listing/{listing}"), coins=True),
    "trade.charge": _TRADE,
    "trade.cancel": _TRADE,
    "trade.send": _TRADE,
    "trade.relay": _TRADE,
    "trade.ack": _TRADE,
    "trade.check": _TRADE,
    "trade.confirm": _TRADE,
    "trade.accept": _TRADE,
    "trade.dispute": _TRADE,
    "trade.open": _TRADE,
    "trade.remedy": _TRADE,
    "trade.decide": Effect(("trade/{trade}",), ("listing/{sold}", "exact/{exact}", "claim/{claimed}"), coins=True),
    "trade.enforce": Effect(("trade/{subject}",), ("listing/{sold}", "claim/{claimed}"), coins=True),
    "claim.open": Effect(("claim/{opened}", "listing/{listing}"), ("trade/{reserving}",), coins=True),
    "claim.answer": Effect(("claim/{claim}",), coins=True),
    "claim.decide": Effect(("claim/{claim}", "listing/{disputed}"), coins=True),
    "claim.enforce": Effect(("claim/{subject}", "listing/{disputed}"), coins=True),
    "board.anchor": Effect(("board/anchor", "board/anchor/{size:016d}")),
}
"""Every function that writes. Besides, whatever is asked for by intent puts what came of it."""

_OUTCOME = "intent/{signer}/{nonce}"


def check_keys(act: Act, state: State) -> None:
    """Check that ``act`` writes what its function writes, and nothing else.

    Raises:
        AuditError: ``foreign_write`` for a key that is not its function's, ``missing_write``.
    """
    effect = EFFECTS.get(act.function)
    if effect is None:
        raise AuditError("foreign_write", f"{act.function} is no function of the market that writes")
    names = _names(act, state)
    signed = (_OUTCOME,) if act.intent else ()
    must = {_resolve(template, names) for template in (*signed, *effect.must)}
    # What stands in for a name must not act as a star: stars are those of the templates.
    may = must | {_resolve(template, names) for template in effect.may if not template.endswith("*")}
    below = tuple(template[:-1] for template in effect.may if template.endswith("*"))
    for key, value in act.writes.items():
        if records.family(key) in ("coin", "spent"):
            if not effect.coins:
                raise AuditError("foreign_write", f"{act.function} moves no coins")
        elif value is None or not (key in may or key.startswith(below)):
            raise AuditError("foreign_write", f"{act.function} writes {key}")
    if missing := must - set(act.writes):
        raise AuditError("missing_write", f"{act.function} does not write {', '.join(sorted(missing))}")
    purged = _private(effect.purged, names, Fate.PURGED)
    if act.private - _private(effect.private, names, Fate.PUT) - purged:
        raise AuditError("foreign_write", f"{act.function} changes a private key that is not its own, or otherwise")
    if purged - act.private:
        raise AuditError("missing_write", f"{act.function} does not purge {_resolve(effect.purged, names)}")


def trade_of(act: Act) -> str:
    """Return the id of the trade that ``act`` is a step of, "" if of none."""
    return str(act.params.get("trade", "")) or (act.subject if act.function == "trade.enforce" else "")


def claim_of(act: Act) -> str:
    """Return the id of the claim that ``act`` is a step of, "" if of none, or if it opens one."""
    return str(act.params.get("claim", "")) or (act.subject if act.function == "claim.enforce" else "")


def opened_claim(act: Act) -> str:
    """Return the id of the claim that ``act``, a `claim.open`, makes."""
    assert act.intent is not None, "claim.open is asked for by intent"
    listing = act.params["listing"]
    return ids.claim_id(market=act.market, listing=listing, claimant=act.signer, nonce=act.intent.nonce)


def proposed_version(act: Act) -> str:
    """Return the version that `market.enforce` is told to put in force as keys have it, "" if it is no number."""
    number = act.subject
    return f"{int(number):08d}" if number.isascii() and number.isdigit() and len(number) <= 10 else ""


def _names(act: Act, state: State) -> Mapping[str, Any]:
    trade = records.find(state, f"trade/{trade_of(act)}")
    listing = records.find(state, f"listing/{act.subject}") if act.function == "listing.enforce" else None
    if act.function == "trade.decide" and trade:
        listing = records.find(state, f"listing/{trade['listing']}")
    claim = records.find(state, f"claim/{claim_of(act)}")
    disputed = claim["listing"] if claim else str(act.params.get("listing", ""))
    contract = records.find(state, f"listing/{trade['listing'] if trade else disputed}")
    names: dict[str, Any] = {
        **{name: value for name, value in act.params.items() if isinstance(value, str | int)},
        "signer": act.signer,
        "subject": act.subject,
        "msp": act.msp_id,
        "tx": act.tx_id,
        "sold": trade["listing"] if trade else "",
        "exact": listing["exact_key"] if listing else "",
        "proposed": proposed_version(act),
        "disputed": disputed,
        "claimed": contract["claim"] if contract else "",
        "reserving": contract["trade"] if contract else "",
    }
    if act.intent is not None:
        names |= {"nonce": act.intent.nonce, "cancelled": act.params.get("nonce", "")}
        derived = {"market": act.market, "nonce": act.intent.nonce}
        if act.function == "listing.create":
            names["created"] = ids.listing_address(c_f=act.params["c_f"], seller=act.signer, **derived)
        if act.function == "trade.pay":
            names["paid"] = ids.trade_id(listing=act.params["listing"], buyer=act.signer, **derived)
        if act.function == "claim.open":
            names["opened"] = opened_claim(act)
    return names


def _private(template: str, names: Mapping[str, Any], fate: Fate) -> frozenset[PrivateChange]:
    if not template:
        return frozenset()
    key_hash = hashlib.sha256(_resolve(template, names).encode()).digest()
    return frozenset({PrivateChange(COLLECTION, key_hash, fate)})


def _resolve(template: str, names: Mapping[str, Any]) -> str:
    try:
        return template.format_map(names)
    except KeyError:
        # The act lacks what would name the key, so no key is this one.
        return ""
