"""What a contract function works with: the state to read, who asks, and a place for what it decides to write.

Writes are collected and reach the stub only after the function has returned. So all reads come before the first
write, a refusal writes nothing, and a function that is only evaluated has nothing to write with: it gets a `Reader`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from countermark.chaincode import state
from countermark.chaincode.records.account import Account
from countermark.chaincode.records.market import Market
from countermark.chaincode.shim.stub import Stub
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.market import MarketConfig, Party


@dataclass(frozen=True)
class Answer:
    """What a function has done: to which entity, its state now, whom it concerns, and what else to answer."""

    id: str
    state: str
    parties: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Epoch:
    """The last tick of the clock."""

    number: int
    at_ms: int


class Reader:
    """Read access to the state, for functions that are only evaluated and as the base of `Transaction`."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.market = f"{stub.channel_id}/{stub.chaincode}"
        """Name of this market: what every intent must be signed for."""
        self.now_ms = stub.timestamp_ms
        """The transaction's timestamp: the only time there is."""
        self._config: MarketConfig | None = None
        self._fetched: dict[str, bytes | None] = {}

    async def fetch(self, keys: Iterable[str]) -> None:
        """Ask for all ``keys`` together, so that reading each of them later asks the peer for nothing.

        They are in the read set from now on: only for what the function reads wherever it succeeds.
        """
        wanted = [key for key in dict.fromkeys(keys) if key not in self._fetched]
        if wanted:
            self._fetched.update(zip(wanted, await self.stub.get_states(wanted), strict=True))

    async def find(self, key: str) -> dict[str, Any] | None:
        """Return the record under ``key``, or None."""
        data = await self._get(key)
        return None if data is None else state.decode(data)

    async def read(self, key: str, code: ErrorCode, detail: str) -> dict[str, Any]:
        """Return the record under ``key``.

        Raises:
            MarketError: ``code`` when there is none.
        """
        record = await self.find(key)
        if record is None:
            raise MarketError(code, detail)
        return record

    async def config(self) -> MarketConfig:
        """Return the market configuration in force; read once.

        Raises:
            MarketError: MARKET_MISSING; WRONG_MARKET when another chaincode calls this one: what the client signed
                and the peer proposes then names that other one.
        """
        if self._config is None:
            data = await self._get(state.MARKET)
            if data is None:
                raise MarketError(ErrorCode.MARKET_MISSING, "the market has not been initialised")
            found = _load_market(data)
            if found.name != self.market:
                raise MarketError(ErrorCode.WRONG_MARKET, f"this is the market {found.name}")
            self._config = found.config
        return self._config

    async def _get(self, key: str) -> bytes | None:
        return self._fetched[key] if key in self._fetched else await self.stub.get_state(key)


class Transaction(Reader):
    """One invocation of a function that writes; ``rules`` is the market configuration in force."""

    def __init__(
        self,
        reader: Reader,
        config: MarketConfig,
        epoch: Epoch | None,
        *,
        intent: Intent | None = None,
        account: Account | None = None,
        attachments: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reader.stub)
        self._fetched = reader._fetched
        self.rules = config
        self.epoch = epoch or Epoch(0, 0)
        self.tx_id = reader.stub.tx_id
        self.writes: dict[str, Mapping[str, Any] | None] = {}
        self.private_writes: dict[str, bytes | None] = {}
        self._intent = intent
        self._account = account
        self._attachments = attachments or {}
        self._coins = 0

    @property
    def intent(self) -> Intent:
        """The intent that asks for this; only functions by intent have one."""
        if self._intent is None:
            raise TypeError(f"{self.stub.function} is not called by intent")
        return self._intent

    @property
    def account(self) -> Account:
        """The signer's account, which is open; functions that let anyone act have none."""
        if self._account is None:
            raise TypeError(f"{self.stub.function} does not ask for an account")
        return self._account

    @property
    def signer(self) -> str:
        """Address of the account that signed the intent."""
        return self.intent.signer

    @property
    def params(self) -> Mapping[str, Any]:
        """The intent's parameters, parsed."""
        return self.intent.params

    def attached(self, name: str) -> list[str]:
        """Return the unsigned attachment ``name``: what the submitting gateway chose."""
        values: list[str] = self._attachments.get(name, [])
        return values

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Write ``record`` under ``key`` if the transaction commits."""
        self._once(key)
        self.writes[key] = record

    def delete(self, key: str) -> None:
        """Delete ``key`` if the transaction commits."""
        self._once(key)
        self.writes[key] = None

    def put_private(self, key: str, value: bytes) -> None:
        """Write ``value`` in the private collection if the transaction commits."""
        self.private_writes[key] = value

    def purge_private(self, key: str) -> None:
        """Delete ``key`` in the private collection with all its earlier values if the transaction commits."""
        self.private_writes[key] = None

    def new_coin_id(self) -> str:
        """Return the id of the next coin that this transaction makes."""
        coin_id = f"{self.tx_id}.{self._coins}"
        self._coins += 1
        return coin_id

    def after(self, seconds: int) -> int:
        """Return the time ``seconds`` after this transaction, in ms."""
        return self.now_ms + seconds * 1000

    def check_before(self, deadline_ms: int | None) -> None:
        """Check that a phase still runs: an act counts up to and including its deadline.

        Raises:
            MarketError: DEADLINE_PASSED.
        """
        if deadline_ms is not None and self.now_ms > deadline_ms:
            raise MarketError(ErrorCode.DEADLINE_PASSED, "the deadline for this has passed")

    def check_due(self, deadline_ms: int | None, guard_s: int) -> None:
        """Check that a deadline has surely passed: the guard keeps every act that is still on its way valid.

        Raises:
            MarketError: NOT_DUE.
        """
        if deadline_ms is None or self.now_ms < deadline_ms + guard_s * 1000:
            raise MarketError(ErrorCode.NOT_DUE, "the deadline and its guard have not passed")

    def require_organisation(self, msp_id: str) -> None:
        """Check that a client of organisation ``msp_id`` submits this.

        Raises:
            MarketError: NOT_PERMITTED.
        """
        if self.stub.creator_mspid != msp_id:
            raise MarketError(ErrorCode.NOT_PERMITTED, f"only {msp_id} may submit {self.stub.function}")

    def require_party(self, party: Party) -> None:
        """Check that ``party`` asks for this, with its organisation's and its account's signature.

        Raises:
            MarketError: NOT_PERMITTED, WRONG_ACTOR.
        """
        self.require_organisation(party.msp_id)
        if self.signer != party.account:
            raise MarketError(ErrorCode.WRONG_ACTOR, f"{self.stub.function} takes the account that the market names")

    async def flush(self) -> None:
        """Hand all writes to the peer."""
        for key, record in self.writes.items():
            if record is None:
                await self.stub.del_state(key)
            else:
                await self.stub.put_state(key, state.encode(record))
        for key, value in self.private_writes.items():
            if value is None:
                await self.stub.purge_private_data(state.FINGERPRINTS, key)
            else:
                await self.stub.put_private_data(state.FINGERPRINTS, key, value)

    def _once(self, key: str) -> None:
        # A second write would silently undo the first, decided on what was read before both.
        if key in self.writes:
            raise RuntimeError(f"{self.stub.function} writes {key.split('/')[0]} twice")


@lru_cache(maxsize=16)
def _load_market(data: bytes) -> Market:
    """Return the market in the bytes of the state; remembered, for every transaction needs it."""
    return Market.from_json(state.decode(data))


async def read_epoch(reader: Reader) -> Epoch:
    """Return the last tick; whoever writes reads it, so that an envelope held back dies with the next tick.

    Raises:
        MarketError: MARKET_MISSING.
    """
    record = await reader.read(state.EPOCH, ErrorCode.MARKET_MISSING, "the market has not been initialised")
    return Epoch(record["n"], times.from_text(record["ts"]))
