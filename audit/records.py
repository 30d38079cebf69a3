"""The records of the market's world state as an auditor reads them: strictly, and only what his rules look at.

A key is a family and names after slashes. What organisations have endorsed may still be nonsense, so each record is
parsed before anything is concluded from it; further members do no harm.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from countermark.audit.errors import AuditError
from countermark.protocol import canonical, fields, market, money, times
from countermark.protocol.claims import Claimed, ClaimState
from countermark.protocol.errors import MarketError
from countermark.protocol.market import MarketConfig
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import ListingState, Outcome, TradeState

Record = dict[str, Any]
State = Mapping[str, bytes]

CONFIG: Final = "market/config"
"""Key of the market configuration in force."""

NAME: Final = "market"
"""Member of the configuration's record that holds the market's name, channel/chaincode."""

_TEXT = fields.text(256, empty=True)
_GUARD = fields.integer(0, 86_400)


def _moment(value: object) -> str:
    return "" if value == "" else fields.time(value)


def _address_or_none(value: object) -> str:
    return "" if value == "" else fields.address(value)


def _members(**parsers: fields.Parser) -> fields.Parser:
    """Return a parser of objects that have at least the members ``parsers``."""

    def parse(value: object) -> Record:
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
        for name, parser in parsers.items():
            if name not in value:
                raise ValueError(f"{name} is missing")
            parser(value[name])
        return value

    return parse


def _or_none(parser: fields.Parser) -> fields.Parser:
    return lambda value: None if value is None else parser(value)


_DECIDER = _members(account=fields.address)
_HELD = _members(coin=_TEXT, amount=fields.amount, role=fields.choice(*Part))
_PAID = _members(coin=_TEXT, amount=fields.amount, to=_TEXT)
_PACKAGE_OR_NONE = _or_none(_members(root=_TEXT, size=fields.integer(1, 2**53 - 1)))
_REMEDY_OR_NONE = _or_none(_members(root=_TEXT, size=fields.integer(1, 2**53 - 1), relayed_at=_moment))
_DISPUTE_OR_NONE = _or_none(_members(reason=_TEXT))
_DEADLINES = fields.mapping(fields.text(32), fields.integer(1, market.YEAR_S), longest=32)

_FAMILIES: Mapping[str, fields.Parser] = {
    "coin": _members(owner=fields.text(256), amount=fields.amount),
    "deposit": _members(to=fields.address, amount=fields.amount, tx=_TEXT),
    "redemption": _members(
        id=fields.text(80),
        owner=fields.address,
        issuer=fields.name,
        amount=fields.amount,
        coin=_TEXT,
        state=fields.choice("LOCKED", "BURNT", "RETURNED"),
        deadline=_moment,
        guard=_GUARD,
    ),
    "account": _members(
        address=fields.address,
        state=fields.choice("OPEN", "FROZEN", "RECOVERING", "RECOVERED"),
        recovery=_address_or_none,
        frozen_by=fields.choice("", "owner", "supervisor", "both"),
        deadline=_moment,
    ),
    "listing": _members(
        address=fields.listing,
        seller=fields.address,
        owner=fields.address,
        state=fields.choice(*ListingState),
        c_f=_TEXT,
        c_d=_TEXT,
        c_exact=_TEXT,
        items=fields.integer(1, 2**53 - 1),
        generator=_TEXT,
        offer=_members(version=fields.integer(1, 2**53 - 1), right=_TEXT, price=fields.amount, deadlines=_DEADLINES),
        exact_key=_TEXT,
        management_fee=fields.amount_or_zero,
        deadline=_moment,
        guard=_GUARD,
        trade=_TEXT,
        claim=_TEXT,
        awarded=_TEXT,
    ),
    "claim": _members(
        id=fields.claim,
        listing=fields.listing,
        claimant=fields.address,
        owner=fields.address,
        decider=_members(account=fields.address, msp_id=fields.name),
        deposit=fields.amount_or_zero,
        arbiter_fee=fields.amount_or_zero,
        deadlines=_DEADLINES,
        deadline=_moment,
        guard=_GUARD,
        state=fields.choice(*ClaimState),
        outcome=fields.choice(*Claimed),
        escrow=fields.sequence(_HELD, longest=8),
        payouts=fields.sequence(_PAID, longest=8),
        evidence=_members(claimant=_TEXT, owner=_TEXT),
        sale=_or_none(_members(trade=fields.trade, buyer=fields.address, seller=fields.address)),
    ),
    "epoch": _members(n=fields.integer(1, 2**53 - 1), ts=fields.time),
    "trade": _members(
        id=fields.trade,
        listing=fields.listing,
        seller=fields.address,
        buyer=fields.address,
        platform=fields.address,
        platform_msp=fields.name,
        arbiter=_DECIDER,
        substitute=_DECIDER,
        right=_TEXT,
        price=fields.amount,
        fee=fields.amount_or_zero,
        bond=fields.amount_or_zero,
        arbiter_fee=fields.amount_or_zero,
        undecided=fields.choice("settle", "refund"),
        deadlines=_DEADLINES,
        guard=_GUARD,
        state=fields.choice(*TradeState),
        outcome=fields.choice(*Outcome),
        decider=fields.choice("", "arbiter", "substitute"),
        deadline=_moment,
        escrow=fields.sequence(_HELD, longest=8),
        payouts=fields.sequence(_PAID, longest=8),
        notices=_members(seller=_TEXT, buyer=_TEXT),
        package=_PACKAGE_OR_NONE,
        remedy=_REMEDY_OR_NONE,
        dispute=_DISPUTE_OR_NONE,
        verdict=_TEXT,
    ),
}


_ANY = _members()

_SMALL = 16_384
"""Longest record that is remembered, in bytes."""


def family(key: str) -> str:
    """Return the family of a key: what stands before its first slash."""
    return key.partition("/")[0]


def parse(key: str, data: bytes) -> Record:
    """Return the record of ``key``, with at least the members of its family.

    Raises:
        AuditError: ``malformed_record``.
    """
    parsed = _parse if len(data) <= _SMALL else _parse.__wrapped__
    return dict(parsed(key, data))


@lru_cache(maxsize=512)
def _parse(key: str, data: bytes) -> Record:
    """Parse, and remember: several rules look at one record, and what an act leaves is what the next begins with.

    What is within a record is shared by all who have parsed it, and changed by nobody.
    """
    try:
        record: Record = _FAMILIES.get(family(key), _ANY)(canonical.loads(data))
    except (MarketError, ValueError) as error:
        raise AuditError("malformed_record", f"{key}: {error}") from error
    return record


def find(state: State, key: str) -> Record | None:
    """Return the record under ``key``, None if there is none."""
    data = state.get(key)
    return None if data is None else parse(key, data)


def read(state: State, key: str) -> Record:
    """Return the record under ``key``.

    Raises:
        AuditError: ``unknown_record``.
    """
    record = find(state, key)
    if record is None:
        raise AuditError("unknown_record", f"{key} is not on the ledger")
    return record


def config(state: State) -> MarketConfig:
    """Return the market configuration in force.

    Raises:
        AuditError: ``unknown_record``, ``malformed_record``.
    """
    data = state.get(CONFIG)
    if data is None:
        raise AuditError("unknown_record", "the market has not been founded")
    return parse_config(data)


@lru_cache(maxsize=16)
def parse_config(data: bytes) -> MarketConfig:
    """Return the market configuration in ``data``; remembered, for every act needs it.

    Raises:
        AuditError: ``malformed_record``.
    """
    record = parse(CONFIG, data)
    # On the ledger the market's name stands among the members; whose it is, `votes` has checked when it was written.
    record.pop(NAME, None)
    try:
        return market.parse(record)
    except MarketError as error:
        raise AuditError("malformed_record", f"{CONFIG}: {error}") from error


def amount(record: Record, name: str = "amount") -> int:
    """Return the minor units under ``name`` of a record that was parsed."""
    return money.parse_amount(record[name], zero=True)


def check_due(time_ms: int, deadline: str, guard_s: int) -> None:
    """Check that ``deadline`` and the guard after it had passed at ``time_ms``.

    Raises:
        AuditError: ``too_early``.
    """
    if not deadline or time_ms < times.from_text(deadline) + guard_s * 1000:
        raise AuditError("too_early", f"the deadline {deadline or '(none)'} and its guard had not passed")


def check_before(time_ms: int, deadline: str) -> None:
    """Check that ``deadline``, "" for none, had not passed at ``time_ms``.

    Raises:
        AuditError: ``too_late``.
    """
    if deadline and time_ms > times.from_text(deadline):
        raise AuditError("too_late", f"the deadline {deadline} had passed")


def check_same(key: str, function: str, record: Record, expected: Record) -> None:
    """Check that ``function`` has made ``record`` what it must be.

    Raises:
        AuditError: ``record_differs``.
    """
    names = sorted(name for name in {*record, *expected} if record.get(name) != expected.get(name))
    if names:
        raise AuditError("record_differs", f"{function} does not make {', '.join(names)} of {key} what stands there")
