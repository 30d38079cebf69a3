"""What a ledger proves of one trade, listing, claim or account: each step with transaction, signer and endorsers."""

import json
from typing import Any

from countermark.audit.errors import AuditError
from countermark.audit.replay import Change, Replay
from countermark.protocol import conduct, times
from countermark.protocol.claims import Claimed
from countermark.protocol.transitions import Actor, Outcome, TradeState


def trade(replay: Replay, trade_id: str) -> dict[str, Any]:
    """Return who sold what to whom, when, for how much, and each act of it (R11, R17).

    Raises:
        AuditError: ``unknown_trade``.
    """
    record = _record(replay, f"trade/{trade_id}", "unknown_trade")
    names = ("id", "listing", "seller", "buyer", "right", "price", "fee", "state", "outcome", "verdict", "package")
    return {
        **{name: record[name] for name in names},
        "notices": record["notices"],
        "steps": _steps(replay, f"trade/{trade_id}"),
    }


def listing(replay: Replay, address: str) -> dict[str, Any]:
    """Return a contract's commitments, its owners and each act on it.

    Raises:
        AuditError: ``unknown_listing``.
    """
    record = _record(replay, f"listing/{address}", "unknown_listing")
    owners: list[str] = []
    for change in replay.history[f"listing/{address}"]:
        owner = json.loads(change.value)["owner"] if change.value else ""
        if owner and owners[-1:] != [owner]:
            owners.append(owner)
    names = ("address", "owner", "seller", "state", "c_f", "c_d", "c_exact", "items", "generator", "trade")
    return {
        **{name: record[name] for name in names},
        "owners": owners,
        "steps": _steps(replay, f"listing/{address}"),
    }


def claim(replay: Replay, claim_id: str) -> dict[str, Any]:
    """Return who has claimed whose contract, how it ended, where the deposits went, and each act of it (A-08).

    Raises:
        AuditError: ``unknown_claim``.
    """
    record = _record(replay, f"claim/{claim_id}", "unknown_claim")
    names = ("id", "listing", "claimant", "owner", "state", "outcome", "deposit", "sale", "decision", "payouts")
    return {**{name: record[name] for name in names}, "steps": _steps(replay, f"claim/{claim_id}")}


def account(replay: Replay, address: str) -> dict[str, Any]:
    """Return an account's state, its money, the trades in which it was a party and how often they ended in which way.

    Raises:
        AuditError: ``unknown_account``.
    """
    record = _record(replay, f"account/{address}", "unknown_account")
    balance, trades = 0, []
    ends: list[tuple[Actor, TradeState, Outcome, int]] = []
    claims: list[tuple[Claimed, Claimed, int]] = []
    # The state may lie on disk and be larger than memory: one look at all of it, and only what is told is kept.
    for key, value in replay.state.items():
        if key.startswith("coin/"):
            coin = json.loads(value)
            balance += int(coin["amount"]) if coin["owner"] == address else 0
        elif key.startswith("trade/"):
            one = json.loads(value)
            if address in (one["seller"], one["buyer"]):
                role = Actor.SELLER if one["seller"] == address else Actor.BUYER
                trades.append({"id": one["id"], "role": role, "state": one["state"]})
                ends.append((role, TradeState(one["state"]), Outcome(one["outcome"]), 1))
        elif key.startswith("claim/"):
            one = json.loads(value)
            sides = {Claimed.CLAIMANT: one["claimant"], Claimed.OWNER: one["owner"]}
            claims += [(side, Claimed(one["outcome"]), 1) for side, party in sides.items() if party == address]
    return {
        "address": address,
        "state": record["state"],
        "balance": str(balance),
        "trades": sorted(trades, key=lambda one: str(one["id"])),
        "conduct": conduct.count(ends, claims),
        "steps": _steps(replay, f"account/{address}"),
    }


def _record(replay: Replay, key: str, code: str) -> dict[str, Any]:
    value = replay.state.get(key)
    if value is None:
        raise AuditError(code, "the ledger knows nothing of that name")
    record: dict[str, Any] = json.loads(value)
    return record


def _steps(replay: Replay, key: str) -> list[dict[str, Any]]:
    return [step(change) for change in replay.history[key]]


def step(change: Change) -> dict[str, Any]:
    """Return what there is to tell of a change: place, time, function, state after it, and whose it was."""
    transaction = change.transaction
    record = json.loads(change.value) if change.value else {}
    return {
        "block": change.block,
        "tx": transaction.tx_id,
        "time": times.to_text(transaction.timestamp_ms),
        "function": transaction.function,
        "state": record.get("state", ""),
        "signer": change.signer,
        "submitted_by": transaction.creator_msp,
        "endorsed_by": list(change.endorsers),
    }
