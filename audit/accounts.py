"""What a ledger proves of one trade, listing or account: each step with transaction, signer and endorsers."""

import json
from typing import Any

from countermark.audit.errors import AuditError
from countermark.audit.replay import Change, Replay
from countermark.protocol import conduct, times
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


def account(replay: Replay, address: str) -> dict[str, Any]:
    """Return an account's state, its money, the trades in which it was a party and how often they ended in which way.

    Raises:
        AuditError: ``unknown_account``.
    """
    record = _record(replay, f"account/{address}", "unknown_account")
    coins = [json.loads(value) for key, value in replay.state.items() if key.startswith("coin/")]
    trades = [json.loads(value) for key, value in sorted(replay.state.items()) if key.startswith("trade/")]
    return {
        "address": address,
        "state": record["state"],
        "balance": str(sum(int(coin["amount"]) for coin in coins if coin["owner"] == address)),
        "trades": [
            {"id": one["id"], "role": "seller" if one["seller"] == address else "buyer", "state": one["state"]}
            for one in trades
            if address in (one["seller"], one["buyer"])
        ],
        "conduct": conduct.count(
            (role, TradeState(one["state"]), Outcome(one["outcome"]), 1)
            for one in trades
            for role in (Actor.SELLER, Actor.BUYER)
            if one[role] == address
        ),
        "steps": _steps(replay, f"account/{address}"),
    }


def _record(replay: Replay, key: str, code: str) -> dict[str, Any]:
    value = replay.state.get(key)
    if value is None:
        raise AuditError(code, "the ledger knows nothing of that name")
    record: dict[str, Any] = json.loads(value)
    return record


def _steps(replay: Replay, key: str) -> list[dict[str, Any]]:
    return [_step(change) for change in replay.history[key]]


def _step(change: Change) -> dict[str, Any]:
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
