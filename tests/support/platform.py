"""A platform in one process for tests: real PostgreSQL, the real contracts on the ledger in memory, real jobs.

`Channel` is the ledger in memory behind the platform's ports: what is committed on it, by whomever, becomes blocks
that the projector applies at once, unless a test holds them back.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

from countermark.chaincode.registry import handler
from countermark.chaincode.testing import Ledger, Result
from countermark.fingerprint import Fingerprint
from countermark.platform.board.log import Board
from countermark.platform.contracts.parts import Parts
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.registration import Registered, Registration
from countermark.platform.jobs.acts import Acting
from countermark.platform.matching.gate import Gate
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.inquiries import Inquiries
from countermark.platform.matching.links import Links
from countermark.platform.matching.probes import Probes
from countermark.platform.ports import CommitStatus, Endorsed, ObjectStore, Prepared, RefusedError, UnavailableError
from countermark.platform.projection.projector import Projector
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import FolderStore
from countermark.platform.store.outbox import Entry, Outbox, Submitter
from countermark.platform.store.secrets import SecretBox
from countermark.protocol import canonical, commitments, intents, parts
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import seal
from tests.support.backends import InMemory
from tests.support.market import PLATFORM, Actor, Market, offer

MARKET = "market/countermark"

_CODES = {"VALID": 0, "DUPLICATE_TXID": 9, "MVCC_READ_CONFLICT": 11, "PHANTOM_READ_CONFLICT": 12}


@dataclass(frozen=True)
class _Write:
    key: str
    value: bytes
    is_delete: bool
    namespace: str = "countermark"


@dataclass(frozen=True)
class _Event:
    chaincode: str
    name: str
    payload: bytes


@dataclass(frozen=True)
class _Transaction:
    tx_id: str
    timestamp_ms: int
    function: str
    code_name: str
    event: _Event | None
    writes: tuple[_Write, ...]
    args: tuple[bytes, ...] = ()
    kind: str = "endorser"
    creator_msp: str = PLATFORM

    @property
    def valid(self) -> bool:
        return self.code_name == "VALID"

    @property
    def validation_code(self) -> int:
        return _CODES[self.code_name]


@dataclass(frozen=True)
class _Block:
    number: int
    previous_hash: bytes
    transactions: tuple[_Transaction, ...]

    @property
    def header_hash(self) -> bytes:
        return hashlib.sha256(b"block %d" % self.number).digest()


class Channel(Ledger):
    """The ledger in memory, its blocks, and the platform's gateway to it.

    `away` makes it unreachable; `checks_time` says whether it has a time window, `skewed` that its clock and ours
    differ by more than that; `refuse` makes it refuse a function with an error, as a broken rule would.
    """

    def __init__(self) -> None:
        super().__init__(handler, now_ms=time.time_ns() // 1_000_000)
        self.blocks_made: list[_Block] = []
        self.projector: Projector | None = None
        self.others: list[Projector] = []
        """Of other gateways, with tables of their own."""
        self.away = False
        self.checks_time = True
        self.skewed = False
        self.refuse: dict[str, MarketError] = {}
        self._guard = RLock()
        self._projected = 0
        self._prepared: dict[str, tuple[int, str, Sequence[bytes], Mapping[str, bytes]]] = {}
        self._endorsed: dict[str, Result] = {}
        self._statuses: dict[str, CommitStatus] = {}

    def commit(self, *results: Result) -> tuple[Result, ...]:
        with self._guard:
            committed = super().commit(*results)
            number = len(self.blocks_made)
            previous = self.blocks_made[-1].header_hash if self.blocks_made else b""
            self.blocks_made.append(_Block(number, previous, tuple(map(_transaction, committed))))
            for one in committed:
                status = CommitStatus(one.tx_id, number, _CODES[one.validation], one.validation)
                self._statuses.setdefault(one.tx_id, status)
            self.project()
            return committed

    def project(self) -> None:
        """Apply all blocks to the tables."""
        if self.projector is not None:
            for block in self.blocks_made[self._projected :]:
                self.projector.apply(block)
            self._projected = len(self.blocks_made)
        for other in self.others:
            for block in self.blocks_made[other.next_block() :]:
                other.apply(block)

    # ports.Ledger

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> Prepared:
        with self._guard:
            self._proposals += 1
            tx_id = hashlib.sha256(f"market/{self._proposals}".encode()).hexdigest()
            self._prepared[tx_id] = (self._proposals, function, args, dict(transient or {}))
        return Prepared(tx_id, b"proposal")

    def endorse_prepared(self, prepared: Prepared, organisations: Sequence[str]) -> Endorsed:
        number, function, args, transient = self._prepared[prepared.tx_id]
        if self.away:
            raise UnavailableError(prepared.tx_id, "no peer answers")
        if self.skewed:
            raise UnavailableError(prepared.tx_id, "incorrect timestamp", code=ErrorCode.CLOCK_SKEWED)
        if function in self.refuse:
            raise RefusedError(prepared.tx_id, self.refuse[function])
        with self._guard:
            made, self._proposals = self._proposals, number - 1
            try:
                result = super().endorse(
                    PLATFORM, function, *args, transient=transient, endorsers=tuple(organisations) or None
                )
            finally:
                self._proposals = made
        if not result.ok:
            error = MarketError.from_json(result.response.message)
            assert error is not None
            raise RefusedError(prepared.tx_id, error)
        self._endorsed[prepared.tx_id] = result
        return Endorsed(prepared.tx_id, b"envelope", result.response.payload)

    def order(self, tx_id: str) -> None:
        if tx_id not in self._statuses:
            self.commit(self._endorsed[tx_id])

    def status(self, tx_id: str) -> CommitStatus:
        return self._statuses[tx_id]


class Peer:
    """`ports.Ledger` over a `Channel`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes],
        *,
        transient: Mapping[str, bytes] | None = None,
        timeout_s: float = 10.0,
    ) -> bytes:
        result = self._channel.evaluate(PLATFORM, function, *args, transient=transient)
        if not result.ok:
            error = MarketError.from_json(result.response.message)
            assert error is not None
            raise RefusedError("", error)
        return result.response.payload

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> Prepared:
        return self._channel.prepare(function, args, transient=transient)

    def endorse(self, prepared: Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0) -> Endorsed:
        return self._channel.endorse_prepared(prepared, organisations)

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        self._channel.order(tx_id)

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> CommitStatus:
        return self._channel.status(tx_id)


def _transaction(result: Result) -> _Transaction:
    writes = tuple(_Write(key, value or b"", value is None) for key, value in result.writes.items())
    event = (
        None if result.event is None else _Event(MARKET.partition("/")[2], result.event.name, result.event.payload)
    )
    return _Transaction(
        result.tx_id, result.timestamp_ms, result.function, result.validation, event, writes, result.args
    )


class _Backend(InMemory):
    """The contract suite's backend on a channel with blocks."""

    def __init__(self, channel: Channel) -> None:
        self.ledger = channel
        self.market = MARKET


@dataclass
class World:
    """A founded market, the platform's services on it, and verbs for what parties do with the platform."""

    database: Database
    folder: Path
    changes: dict[str, Any] = field(default_factory=dict)
    store: ObjectStore | None = None
    """Where objects lie; a folder unless one is given."""

    def __post_init__(self) -> None:
        self.channel = Channel()
        self.channel.projector = Projector(self.database, chaincode="countermark")
        self.market = Market(_Backend(self.channel), **self.changes)
        self.ledger = Peer(self.channel)
        self.box = SecretBox({1: b"k" * 32}, 1)
        self.outbox = Outbox(self.ledger, self.box)
        self.submitter = Submitter(self.database, self.ledger, self.outbox)
        self.objects: ObjectStore = self.store or FolderStore(self.folder / "objects")
        self.platform = self.market.platform
        self.keys = {1: self.platform.encryption}
        self.index = FingerprintIndex(self.box, self.database)
        self.columns = PrivateColumns(self.box)
        self.probes = Probes(self.box, b"p" * 32)
        self.links = Links(self.database, self.probes)
        self.parts = self.parts_with()

    def parts_with(self, **changes: Any) -> Parts:
        """Where parts of applications wait."""
        ports = {"database": self.database, "objects": self.objects, "keys": self.keys}
        return Parts(**{**ports, "market": MARKET, "clock": self.clock, **changes})

    def clock(self) -> int:
        """The ledger's time, ms since the epoch."""
        return self.channel.now_ms

    def wait(self, seconds: float) -> None:
        self.channel.now_ms += round(seconds * 1000)

    @cached_property
    def acting(self) -> Acting:
        return Acting(self.database, self.outbox, self.submitter, self.clock, self.platform.key, MARKET)

    @cached_property
    def board(self) -> Board:
        return Board(box=self.box, key=self.platform.key, market=MARKET, anchored_within_ms=60_000)

    def gate(self, index: FingerprintIndex | None = None, pepper: bytes = b"q" * 32) -> Gate:
        """A gate with an index of its own."""
        index = index or FingerprintIndex(self.box, self.database)
        return Gate(index=index, box=self.box, pepper=pepper, probes=self.probes, links=self.links)

    def inquiries(self, **changes: Any) -> Inquiries:
        """What takes searches and traces."""
        return Inquiries(
            **{
                "database": self.database,
                "index": self.index,
                "keys": self.keys,
                "market": MARKET,
                "clock": self.clock,
                "probes": self.probes,
                "links": self.links,
                **changes,
            }
        )

    def registration(self, **changes: Any) -> Registration:
        """A registration service as a gateway process of its own has it, with an index of its own."""
        return Registration(
            **{
                "database": self.database,
                "gate": self.gate(),
                "outbox": self.outbox,
                "columns": self.columns,
                "parts": self.parts,
                "keys": self.keys,
                "market": MARKET,
                "clock": self.clock,
                **changes,
            }
        )

    def drive(self, entry: Entry) -> Entry:
        return self.submitter.drive(entry, wait_s=5)

    def finish(self) -> None:
        """Learn, as the outbox's worker does, how it ended what jobs have ordered."""
        self.submitter.run_once()

    def register(self, who: Actor, *items: Fingerprint, **changes: Any) -> Registered:
        """Have `who` register data of these fingerprints, and the ledger commit it."""
        registered = self.registration().register(application(who, *items, now_ms=self.clock(), **changes))
        self.drive(registered.entry)
        return registered

    def rows(self, table: Any) -> list[Any]:
        with self.database.begin() as connection:
            return list(connection.execute(table.select()).all())


def _count(items: Sequence[Fingerprint]) -> int:
    """How many things these are fingerprints of: one by each generator."""
    return max(Counter(item.generator for item in items).values())


def _several(items: Sequence[Fingerprint]) -> tuple[str, ...]:
    """The generators of a description, which names them where the contract's is not the only one."""
    generators = tuple(sorted({item.generator for item in items}))
    return generators if len(generators) > 1 else ()


def application(
    who: Actor,
    *items: Fingerprint,
    now_ms: int,
    data: bytes | None = None,
    title: str = "",
    price: int = 10_001,
    nonce: str | None = None,
    named: str | None = None,
    count: int | None = None,
    generators: tuple[str, ...] | None = None,
    change: Any = None,
) -> dict[str, Any]:
    """The sealed application of `who`; `change` may alter the plaintext document before it is sealed.

    It names the first item's generator and counts the items unless told otherwise.
    """
    count = _count(items) if count is None else count
    generators = _several(items) if generators is None else generators
    encoded = [item.to_bytes() for item in items]
    opening = Opening(
        root=commitments.fingerprint_root(encoded),
        # Data without an edit have the same digest, edited ones another.
        exact=hashlib.sha256(data if data is not None else b"".join(encoded)).digest(),
        description=Description("image/jpeg", count, 1000, title=title, generators=generators),
        salt_f=commitments.new_salt(),
        salt_d=commitments.new_salt(),
        salt_exact=commitments.new_salt(),
        items=count,
    )
    committed = opening.commitments()
    token = intents.sign(
        who.key,
        market=MARKET,
        action="listing.create",
        params={
            "c_f": committed.c_f,
            "c_d": committed.c_d,
            "c_exact": committed.c_exact,
            "items": count,
            "generator": named or items[0].generator,
            "offer": offer(price),
        },
        issued_at_ms=now_ms,
        nonce=nonce,
    )
    document: dict[str, Any] = {
        "intent": token,
        "items": [b64u(item) for item in encoded],
        "opening": json.loads(opening.to_json()),
    }
    if change is not None:
        change(document)
    return sealed(document, "listing")


def part(items: Sequence[bytes]) -> tuple[str, dict[str, Any]]:
    """A sealed part of an application that holds `items`, and its digest."""
    message = sealed({"items": [b64u(item) for item in items]}, parts.KIND)
    return parts.digest_of(message), message


def sealed(document: object, kind: str) -> dict[str, Any]:
    """A JSON document, or the text of a JWS, sealed to the platform."""
    from tests.support.market import actor

    plaintext = document.encode() if isinstance(document, str) else canonical.dumps(document)
    key = actor("platform", PLATFORM).encryption.public
    return seal(key, plaintext, kind=kind, market=MARKET, key_version=1)


def blocks(channel: Channel) -> Iterator[_Block]:
    yield from channel.blocks_made
