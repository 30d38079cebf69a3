"""The market configuration: roles, fees, bonds, deadlines, generators and limits (protocol.md, "Parties").

It stands on the ledger, is versioned, and a trade keeps the values that held when it was paid. Here is its form;
whether one may come into force is for `market_rules` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TRADE_CLOCKS

YEAR_S = 365 * 86_400
MAX_VERSION = 2**31
"""Highest version that a configuration may have."""


@dataclass(frozen=True)
class PublicKey:
    """A versioned public HPKE key (base64url of 1,216 bytes)."""

    version: int
    key: str


@dataclass(frozen=True)
class Party:
    """Somebody with a role: his organisation's MSP, his account's address, his encryption key."""

    msp_id: str
    account: str
    encryption_key: PublicKey


@dataclass(frozen=True)
class Issuer:
    """Who may mint coins, and the most minor units that one mint may make.

    ``cap`` bounds each mint and not their sum: every mint names its own deposit, and is on the ledger.
    """

    account: str
    cap: int


@dataclass(frozen=True)
class Clock:
    """A deadline of trades in seconds: what an offer gets by default, and the least that it may set."""

    default_s: int
    minimum_s: int


@dataclass(frozen=True)
class Limits:
    """Caps on what one listing or package may hold."""

    items: int
    fingerprint_bytes: int
    description_bytes: int
    package_bytes: int


@dataclass(frozen=True)
class Claims:
    """What holds for claims of ownership: the deposit of either side, minor units, and each one's time, seconds."""

    deposit: int
    answer_s: int
    decide_s: int

    @property
    def deadlines(self) -> dict[str, int]:
        """The time for each state by the names of `claims.CLAIM_CLOCKS`, in seconds."""
        return {"answer": self.answer_s, "decide": self.decide_s}


def kind_of(generator: str) -> str:
    """Return the kind of data that ``generator`` takes, for example ``image`` for ``image/v1``."""
    return generator.partition("/")[0]


@dataclass(frozen=True)
class MarketConfig:
    """One version of the market configuration; all money in minor units, all durations in seconds."""

    version: int
    currency: str
    exponent: int
    organisations: Mapping[str, str]
    platform: Party
    supervisor: Party
    arbiters: tuple[Party, ...]
    issuers: Mapping[str, Issuer]
    management_fee: int
    transaction_bps: int
    bond: int
    arbiter_fee: int
    claims: Claims
    undecided: str
    clocks: Mapping[str, Clock]
    """Deadlines of trades, by the names of `TRADE_CLOCKS`."""
    management_s: int
    """Deadline of a listing's management fee."""
    redeem_s: int
    """Deadline of a coin's redemption."""
    guard_s: int
    epoch_s: int
    intent_s: int
    money_intent_s: int
    change_delay_s: int
    generators: tuple[str, ...]
    preferred: str
    required: tuple[str, ...]
    limits: Limits

    @property
    def default_deadlines(self) -> dict[str, int]:
        """The deadlines of a trade whose seller sets none, in seconds by clock."""
        return {clock: self.clocks[clock].default_s for clock in TRADE_CLOCKS}

    def organisations_of(self, account: str) -> frozenset[str]:
        """Return the MSPs for which the market names ``account``, in whatever role."""
        named = {(party.account, party.msp_id) for party in (self.platform, self.supervisor, *self.arbiters)}
        named |= {(issuer.account, msp_id) for msp_id, issuer in self.issuers.items()}
        return frozenset(msp_id for address, msp_id in named if address == account)

    def stands_apart(self, account: str, msp_id: str, sponsors: Mapping[str, str]) -> bool:
        """Return whether ``account`` of ``msp_id`` is no party of a trade or a claim, nor of their organisations.

        ``sponsors`` are the parties' addresses, each with the MSP that he has named as his sponsor, "" for none. His
        organisations are that one, and those for which the market names his account.
        """
        organisations = {*sponsors.values()}.union(*map(self.organisations_of, sponsors))
        return account not in sponsors and msp_id not in organisations

    def deciders(self, sponsors: Mapping[str, str]) -> tuple[Party, ...]:
        """Return the arbiters who stand apart from the parties of a trade, the first two of whom may decide it.

        ``sponsors`` as in `stands_apart`.
        """
        return tuple(who for who in self.arbiters if self.stands_apart(who.account, who.msp_id, sponsors))

    def preferred_for(self, kind: str) -> str:
        """Return the generator that a listing names whose data are of ``kind``, such as ``image``.

        It is the market's preferred one, or of a kind that this one is not of, the first that is accepted.

        Raises:
            MarketError: UNKNOWN_GENERATOR when the market takes no such data.
        """
        for generator in (self.preferred, *self.generators):
            if kind_of(generator) == kind:
                return generator
        raise MarketError(ErrorCode.UNKNOWN_GENERATOR, f"the market takes no data of the kind {kind}")

    def required_for(self, kind: str) -> tuple[str, ...]:
        """Return the generators that every thing of ``kind`` needs a fingerprint by, sorted."""
        return tuple(sorted(generator for generator in self.required if kind_of(generator) == kind))

    def generators_for(self, kind: str) -> tuple[str, ...]:
        """Return the generators that fingerprint a thing of ``kind``, sorted: the preferred one, and required ones.

        There are none where the market takes no such data.
        """
        accepted = any(kind_of(generator) == kind for generator in self.generators)
        return tuple(sorted({self.preferred_for(kind), *self.required_for(kind)})) if accepted else ()

    def check_deadlines(self, deadlines: Mapping[str, int]) -> None:
        """Check that an offer's deadlines are not below the market's minima.

        Raises:
            MarketError: WRONG_DEADLINES.
        """
        for clock in TRADE_CLOCKS:
            if deadlines[clock] < self.clocks[clock].minimum_s:
                raise MarketError(ErrorCode.WRONG_DEADLINES, f"the deadline {clock} is below the market's minimum")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `parse` reads."""
        return {
            "version": self.version,
            "currency": {"code": self.currency, "exponent": self.exponent},
            "organisations": dict(self.organisations),
            "platform": _party_json(self.platform),
            "supervisor": _party_json(self.supervisor),
            "arbiters": [_party_json(arbiter) for arbiter in self.arbiters],
            "issuers": {
                msp_id: {"account": issuer.account, "cap": str(issuer.cap)} for msp_id, issuer in self.issuers.items()
            },
            "fees": {
                "management": str(self.management_fee),
                "transaction_bps": self.transaction_bps,
                "arbiter": str(self.arbiter_fee),
            },
            "bond": str(self.bond),
            "claims": {"deposit": str(self.claims.deposit), **self.claims.deadlines},
            "undecided": self.undecided,
            "deadlines": {
                **{
                    clock: {"default": limit.default_s, "minimum": limit.minimum_s}
                    for clock, limit in self.clocks.items()
                },
                "management": {"default": self.management_s},
                "redeem": {"default": self.redeem_s},
            },
            "guard": self.guard_s,
            "epoch": self.epoch_s,
            "intents": {"longest": self.intent_s, "longest_money": self.money_intent_s},
            "change_delay": self.change_delay_s,
            "generators": {
                "accepted": list(self.generators),
                "preferred": self.preferred,
                "required": list(self.required),
            },
            "limits": {
                "items": self.limits.items,
                "fingerprint_bytes": self.limits.fingerprint_bytes,
                "description_bytes": self.limits.description_bytes,
                "package_bytes": self.limits.package_bytes,
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the configuration that `to_json` wrote, for a record of the ledger.

        Nothing is checked: what was in force before a check was made stricter must stay readable after it.
        """
        issuers = document["issuers"].items()
        deadlines = document["deadlines"]
        return cls(
            version=document["version"],
            currency=document["currency"]["code"],
            exponent=document["currency"]["exponent"],
            organisations=document["organisations"],
            platform=_party(document["platform"]),
            supervisor=_party(document["supervisor"]),
            arbiters=tuple(_party(arbiter) for arbiter in document["arbiters"]),
            issuers={msp_id: Issuer(issuer["account"], int(issuer["cap"])) for msp_id, issuer in issuers},
            management_fee=int(document["fees"]["management"]),
            transaction_bps=document["fees"]["transaction_bps"],
            arbiter_fee=int(document["fees"]["arbiter"]),
            bond=int(document["bond"]),
            claims=_claims(document["claims"]),
            undecided=document["undecided"],
            clocks={clock: Clock(deadlines[clock]["default"], deadlines[clock]["minimum"]) for clock in TRADE_CLOCKS},
            management_s=deadlines["management"]["default"],
            redeem_s=deadlines["redeem"]["default"],
            guard_s=document["guard"],
            epoch_s=document["epoch"],
            intent_s=document["intents"]["longest"],
            money_intent_s=document["intents"]["longest_money"],
            change_delay_s=document["change_delay"],
            generators=tuple(document["generators"]["accepted"]),
            preferred=document["generators"]["preferred"],
            required=tuple(document["generators"]["required"]),
            limits=Limits(**document["limits"]),
        )


def _party_json(party: Party) -> dict[str, Any]:
    key = {"version": party.encryption_key.version, "key": party.encryption_key.key}
    return {"msp_id": party.msp_id, "account": party.account, "encryption_key": key}


_PARTY = fields.nested({"msp_id": fields.segment, "account": fields.address, "encryption_key": fields.encryption_key})
_SECONDS = fields.integer(1, YEAR_S)
_CONFIG: Mapping[str, fields.Parser] = {
    "version": fields.integer(1, MAX_VERSION),
    "currency": fields.nested({"code": fields.text(8), "exponent": fields.integer(0, 8)}),
    "organisations": fields.mapping(fields.segment, fields.choice("platform", "supervisor", "member"), longest=64),
    "platform": _PARTY,
    "supervisor": _PARTY,
    "arbiters": fields.sequence(_PARTY, shortest=2, longest=16),
    "issuers": fields.mapping(
        fields.segment, fields.nested({"account": fields.address, "cap": fields.amount}), longest=16
    ),
    "fees": fields.nested(
        {
            "management": fields.amount_or_zero,
            "transaction_bps": fields.integer(0, 10_000),
            "arbiter": fields.amount_or_zero,
        }
    ),
    "bond": fields.amount_or_zero,
    "claims": fields.nested({"deposit": fields.amount_or_zero, "answer": _SECONDS, "decide": _SECONDS}),
    "undecided": fields.choice("settle", "refund"),
    "deadlines": fields.nested(
        {
            **dict.fromkeys(TRADE_CLOCKS, fields.nested({"default": _SECONDS, "minimum": _SECONDS})),
            **dict.fromkeys(("management", "redeem"), fields.nested({"default": _SECONDS})),
        }
    ),
    "guard": fields.integer(0, 86_400),
    "epoch": fields.integer(1, 86_400),
    "intents": fields.nested({"longest": fields.integer(1, 86_400), "longest_money": fields.integer(1, 600)}),
    "change_delay": fields.integer(0, YEAR_S),
    "generators": fields.nested(
        {
            "accepted": fields.sequence(fields.name, shortest=1, longest=32),
            "preferred": fields.name,
            "required": fields.sequence(fields.name, longest=32),
        }
    ),
    "limits": fields.nested(
        {
            "items": fields.integer(1, 1_000_000),
            "fingerprint_bytes": fields.integer(64, 1 << 20),
            "description_bytes": fields.integer(64, 1 << 20),
            "package_bytes": fields.integer(1, 1 << 50),
        }
    ),
}


def _claims(value: Mapping[str, Any]) -> Claims:
    return Claims(int(value["deposit"]), value["answer"], value["decide"])


def _party(value: Mapping[str, Any]) -> Party:
    key = value["encryption_key"]
    return Party(value["msp_id"], value["account"], PublicKey(key["version"], key["key"]))


def parse(value: object) -> MarketConfig:
    """Return the configuration that the JSON object ``value`` holds.

    Raises:
        MarketError: MARKET_INVALID, or a field's own code, when it is malformed.
    """
    return MarketConfig.from_json(fields.record(value, _CONFIG, code=ErrorCode.MARKET_INVALID))
