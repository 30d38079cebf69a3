"""From a record of the world state to the columns of its row: pure, and strict about what it reads.

Every function takes the parsed record and returns columns; a member that is missing or has another form raises
KeyError, TypeError, ValueError or MarketError, which the projector reports with block and key.
"""

from typing import Any

from countermark.protocol import times
from countermark.protocol.money import parse_amount

Record = dict[str, Any]
Columns = dict[str, Any]


def account(record: Record) -> Columns:
    """Return the columns of an account."""
    return {"state": record["state"], "record": record}


def coin(record: Record) -> Columns:
    """Return the columns of a coin."""
    return {"owner": record["owner"], "amount": parse_amount(record["amount"])}


def deposit(record: Record) -> Columns:
    """Return the columns of a deposit."""
    return {"owner": record["to"], "amount": parse_amount(record["amount"])}


def redemption(record: Record) -> Columns:
    """Return the columns of a redemption."""
    return {
        "owner": record["owner"],
        "issuer": record["issuer"],
        "amount": parse_amount(record["amount"]),
        "state": record["state"],
        "deadline_ms": _time_or_none(record["deadline"]),
        "record": record,
    }


def intent(record: Record) -> Columns:
    """Return the columns of a used or burnt nonce."""
    return {"digest": record["digest"], "record": record}


def epoch(record: Record) -> Columns:
    """Return the columns of the epoch."""
    return {"n": record["n"], "ts_ms": times.from_text(record["ts"])}


def anchor(record: Record) -> Columns:
    """Return the columns of an anchor of the board."""
    return {"root": record["root"], "at_ms": times.from_text(record["at"])}


def listing(record: Record) -> Columns:
    """Return the ledger-derived columns of a contract."""
    return {
        "seller": record["seller"],
        "owner": record["owner"],
        "state": record["state"],
        "price": parse_amount(record["offer"]["price"], zero=True),
        "items": record["items"],
        "generator": record["generator"],
        "claimed": record["claimed"],
        "trade": record["trade"],
        "deadline_ms": _time_or_none(record["deadline"]),
        "created_ms": times.from_text(record["created_at"]),
        "record": record,
    }


def erased(record: Record) -> bool:
    """Return whether the opening of a contract was purged."""
    marked = record.get("erased", False)
    if not isinstance(marked, bool):
        raise TypeError("erased is true or false")
    return marked


def trade(record: Record) -> Columns:
    """Return the columns of a trade."""
    return {
        "listing": record["listing"],
        "seller": record["seller"],
        "buyer": record["buyer"],
        "state": record["state"],
        "outcome": record["outcome"],
        "deadline_ms": _time_or_none(record["deadline"]),
        "price": parse_amount(record["price"], zero=True),
        "record": record,
    }


def claim(record: Record) -> Columns:
    """Return the columns of a claim of ownership."""
    return {
        "listing": record["listing"],
        "claimant": record["claimant"],
        "owner": record["owner"],
        "decider": record["decider"]["account"],
        "state": record["state"],
        "outcome": record["outcome"],
        "deadline_ms": _time_or_none(record["deadline"]),
        "record": record,
    }


def _time_or_none(text: str) -> int | None:
    return times.from_text(text) if text else None
