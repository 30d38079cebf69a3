"""Markets in memory that live for a few dozen transactions: thousands of them, each founded at no cost.

The first is founded, with money in its traders' hands, and trades in all states; every other is a fork of it. What
costs time and is the subject of other tests is left out: signatures, and the second endorser's simulation.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from itertools import count
from typing import Any
from unittest import mock

from countermark.audit import records
from countermark.chaincode import state as layout
from countermark.chaincode.registry import handler
from countermark.chaincode.testing import Ledger, Result
from countermark.protocol import actions, intents
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from tests.support.backends import InMemory
from tests.support.market import PATHS, PLATFORM, SUPERVISOR, Actor, Market

PURSE = (10_501, 10_501, 10_500, 750, 3_000, 1_000, 1)
"""Coins in every trader's hand at the start, in minor units: for payments, one too short, and what else they do."""
NOUNS = frozenset({"claim", "coin", "listing", "redemption", "trade"})
"""Records that tests of such a market look at."""

_written: dict[str, Intent] = {}
_numbers = count()


class _OneSimulation(Ledger):
    """Simulates a proposal on one peer and endorses it for two."""

    def endorse(self, *proposal: Any, **options: Any) -> Result:
        result = super().endorse(*proposal, **{**options, "endorsers": (PLATFORM,)})
        return replace(result, endorsers=(PLATFORM, SUPERVISOR))


class ForkedMarket(Market):
    """A market that reads its records where they lie, past the contracts that would show them."""

    backend: InMemory
    _read_at = -1
    _nouns: Mapping[str, dict[str, Any]]

    def sign(
        self,
        who: Actor,
        action: str,
        params: Mapping[str, Any],
        *,
        lifetime_s: int = 300,
        nonce: str | None = None,
        issued_at_ms: int | None = None,
        market: str | None = None,
    ) -> str:
        """Return an intent on whose word alone `unsigned` goes."""
        name, parsed = actions.check(action, params)
        token = f"{next(_numbers):022d}"
        issued_at_ms = self.backend.now_ms if issued_at_ms is None else issued_at_ms
        _written[token] = Intent(
            signer=who.address,
            market=market or self.backend.market,
            action=name,
            params=parsed,
            nonce=nonce or token,
            issued_at_ms=issued_at_ms,
            expires_at_ms=issued_at_ms + lifetime_s * 1000,
            digest=digest(token.encode()),
            token=token,
        )
        return token

    def records(self, prefix: str) -> dict[str, Any]:
        return self.nouns().get(prefix.removesuffix("/"), {})

    def nouns(self) -> Mapping[str, dict[str, Any]]:
        """Return all records of `NOUNS` by the first part of their keys and by the rest of them."""
        height = self.backend.ledger.height
        if height != self._read_at:
            self._nouns = {noun: {} for noun in NOUNS}
            for key, value in self.backend.ledger.state.items():
                noun, _, rest = key.partition("/")
                if noun in NOUNS:
                    self._nouns[noun][rest] = _decoded(value)
            self._read_at = height
        return self._nouns

    def fund(self, who: Actor, amount: int) -> dict[str, list[str]]:
        """Return a coin of exactly ``amount`` that ``who`` has, or mint one."""
        if not amount:
            return {"coins": []}
        own = (coin for coin, held in self.coins(who.address).items() if held == amount)
        return {"coins": [next(own, None) or self.mint(who, amount)]}

    def listing(self, address: str) -> dict[str, Any]:
        record: dict[str, Any] = self.nouns()["listing"][address]
        return record

    def trade(self, trade_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.nouns()["trade"][trade_id]
        return record

    def fork(self) -> "ForkedMarket":
        """Return another market that has come as far as this one, and goes its own way from here."""
        twin = copy.copy(self)
        twin.backend = copy.copy(self.backend)
        twin.backend.ledger = self.backend.ledger.fork()
        return twin


def fork(backend: type[InMemory] = InMemory) -> ForkedMarket:
    """Return the market with which all begin, on such a backend; what was signed for an earlier one is forgotten."""
    market = _founded(backend).fork()
    _written.clear()
    return market


@contextmanager
def unsigned() -> Iterator[None]:
    """Let contracts and auditor, who share a process here, take intents as written, and parse each record once."""
    parse = lru_cache(maxsize=65_536)(records.parse)

    def parse_intent(token: str, *, market: str, action: str | None = None) -> Intent:
        intent = _written[token]
        if intent.market != market:
            raise MarketError(ErrorCode.WRONG_MARKET, "the intent names another market")
        if action not in (None, intent.action):
            raise MarketError(ErrorCode.WRONG_ACTION, "the intent asks for something else")
        return intent

    def parse_record(key: str, data: bytes) -> records.Record:
        return dict(parse(key, data))

    with mock.patch.object(intents, "parse", parse_intent), mock.patch.object(records, "parse", parse_record):
        yield


@cache
def _founded(kind: type[InMemory]) -> ForkedMarket:
    backend = kind()
    backend.ledger = _OneSimulation(handler)
    market = ForkedMarket(backend)
    for who in (market.seller, market.buyer, market.stranger):
        for amount in PURSE:
            market.mint(who, amount)
    for number, who in enumerate((market.seller, market.buyer)):
        market.list_data(who, b"listed at the start: %d" % number)
    for state in PATHS:
        market.bring_to(state, market.list_data(data=state.encode())["id"])
    return market


@lru_cache(maxsize=65_536)
def _decoded(value: bytes) -> dict[str, Any]:
    """Return a record, which nobody may change: it is the same one next time."""
    return layout.decode(value)
