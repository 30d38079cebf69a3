"""A channel in memory on which contracts are tested as on Fabric, by the same tests.

`Ledger` simulates a proposal on each endorser within the peers' time window and compares what they would sign. It
commits with Fabric's checks of transaction ids, of the endorsement policies of chaincode and collection, and of what
was read: versions, private versions and ranges. There are no signatures and certificates and no limits of size, and
key-level policies are kept but not asked: the market uses none.
"""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Self

from countermark.chaincode import endorsement
from countermark.chaincode.result import Result
from countermark.chaincode.shim.call import Call
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.invocation import refusal
from countermark.chaincode.shim.stub import ERROR, Event, Handler, HistoryEntry, Response
from countermark.chaincode.simulation import (
    Effects,
    RuleBroken,
    Simulation,
    Version,
    Versioned,
    World,
)
from countermark.protocol.errors import MarketError

__all__ = ["COLLECTIONS", "Ledger", "Result", "RuleBroken"]

COLLECTIONS: Final[Mapping[str, frozenset[str]]] = {"fingerprints": frozenset({"PlatformMSP", "SupervisorMSP"})}
"""The market's private collections and their members."""

TIME_WINDOW_S: Final = 15 * 60
"""How far from the peers' clock a proposal's timestamp may be: Fabric's default."""

START_MS: Final = 1_767_225_600_000
"""First transaction timestamp: 2026-01-01T00:00:00.000Z."""


class Ledger:
    """A channel with one chaincode, its committed state, and a clock that only the test moves.

    `endorsers` are the organisations on whose peers each proposal is simulated. `now_ms` is the time of the peers,
    and the timestamp of the next proposal unless it is given. `handler` may be replaced, as an upgrade replaces the
    chaincode.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        channel: str = "market",
        chaincode: str = "countermark",
        endorsers: Sequence[str] = ("PlatformMSP", "SupervisorMSP"),
        collections: Mapping[str, frozenset[str]] = COLLECTIONS,
        now_ms: int = START_MS,
        time_window_s: float = TIME_WINDOW_S,
    ) -> None:
        self.now_ms = now_ms
        self.events: list[tuple[str, Event]] = []
        self.handler = handler
        self._channel = channel
        self._chaincode = chaincode
        self._endorsers = tuple(endorsers)
        self._time_window_ms = time_window_s * 1000
        self._world = World(collections)
        self._values: dict[str, bytes] = {}
        self._shown = False
        """Whether somebody has `_values`, so that the next write needs another dictionary."""
        self._proposals = 0
        self._height = 0
        self._tx_ids: set[str] = set()
        self._transcript = hashlib.sha256()

    def fork(self) -> Self:
        """Return another channel that has come as far as this one, and goes its own way from here."""
        twin = copy.copy(self)
        world = self._world
        history = {key: list(entries) for key, entries in world.history.items()}
        twin._world = replace(world, state=dict(world.state), private=dict(world.private), history=history)
        twin.events = list(self.events)
        twin._tx_ids = set(self._tx_ids)
        twin._transcript = self._transcript.copy()
        self._shown = twin._shown = True
        return twin

    def invoke(
        self,
        msp: str,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp_ms: int | None = None,
        certificate: bytes = b"",
        endorsers: Sequence[str] | None = None,
    ) -> Result:
        """Endorse a proposal of a client of `msp` and commit it alone in the next block.

        A refusal (status 400 or more) is returned and commits nothing.

        Raises:
            RuleBroken: the contract breaks a rule for chaincode, or its endorsers disagree.
        """
        result = self.endorse(
            msp,
            function,
            *args,
            transient=transient,
            timestamp_ms=timestamp_ms,
            certificate=certificate,
            endorsers=endorsers,
        )
        return self.commit(result)[0] if result.ok else result

    def evaluate(
        self,
        msp: str,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp_ms: int | None = None,
        certificate: bytes = b"",
        endorser: str | None = None,
    ) -> Result:
        """Simulate a proposal on one peer and commit nothing."""
        return self.endorse(
            msp,
            function,
            *args,
            transient=transient,
            timestamp_ms=timestamp_ms,
            certificate=certificate,
            endorsers=(endorser or self._endorsers[0],),
        )

    def endorse(
        self,
        msp: str,
        function: str,
        *args: str | bytes,
        transient: Mapping[str, bytes] | None = None,
        timestamp_ms: int | None = None,
        certificate: bytes = b"",
        endorsers: Sequence[str] | None = None,
        tx_id: str = "",
    ) -> Result:
        """Simulate a proposal on every endorser, for a `commit` later; `tx_id` where the client has chosen it.

        A timestamp outside the window is refused by every peer, before the contract runs.

        Raises:
            RuleBroken: the contract breaks a rule for chaincode, or its endorsers disagree.
        """
        self._proposals += 1
        call = Call(
            tx_id=tx_id or hashlib.sha256(f"{self._channel}/{self._proposals}".encode()).hexdigest(),
            channel_id=self._channel,
            chaincode=self._chaincode,
            creator_mspid=msp,
            creator_certificate=certificate,
            timestamp_ms=self.now_ms if timestamp_ms is None else timestamp_ms,
            function=function,
            args=tuple(arg.encode() if isinstance(arg, str) else bytes(arg) for arg in args),
            transient=dict(transient or {}),
        )
        asked = tuple(endorsers or self._endorsers)
        if abs(call.timestamp_ms - self.now_ms) > self._time_window_ms:
            return Result.of(call, Response(ERROR, message="incorrect timestamp"), Effects())
        results = [self._simulate(call, msp) for msp in asked]
        if any(result.outcome != results[0].outcome for result in results):
            raise RuleBroken(f"{function}: the endorsers disagree: {[result.outcome for result in results]}")
        self._transcript.update(hashlib.sha256(results[0].outcome).digest())
        return replace(results[0], endorsers=asked)

    def commit(self, *results: Result) -> tuple[Result, ...]:
        """Put transactions in the next block, in this order; returns them with their validation codes."""
        self._height += 1
        return tuple(self._apply(result, (self._height, position)) for position, result in enumerate(results))

    @property
    def height(self) -> int:
        """Number of committed blocks."""
        return self._height

    @property
    def transcript(self) -> str:
        """Hexadecimal digest of every outcome so far: equal wherever the same proposals were run."""
        return self._transcript.hexdigest()

    @property
    def state(self) -> Mapping[str, bytes]:
        """The committed public state as it is now; what is committed later does not change it."""
        self._shown = True  # asked for around every transaction of a test, most of which are refused
        return MappingProxyType(self._values)

    def private(self, collection: str) -> dict[str, bytes]:
        """Return a copy of the committed private state of `collection`."""
        return {key: entry.value for (name, key), entry in self._world.private.items() if name == collection}

    def _simulate(self, call: Call, endorser: str) -> Result:
        simulation = Simulation(self._world, call, endorser)
        response = _run(self.handler, simulation)
        if simulation.broken:
            raise simulation.broken
        return Result.of(call, response, simulation.effects)

    def _apply(self, result: Result, version: Version) -> Result:
        code = self._validate(result)
        if code == "VALID":
            self._write(result, version)
        self._tx_ids.add(result.tx_id)
        return replace(result, validation=code)

    def _validate(self, result: Result) -> str:
        effects, world = result.effects, self._world
        if not result.ok:
            raise RuleBroken(f"{result.function} was refused; no peer endorses it")
        if result.tx_id in self._tx_ids:
            return "DUPLICATE_TXID"
        if not endorsement.suffice(result.endorsers, effects, world.collections):
            return "ENDORSEMENT_POLICY_FAILURE"
        for key, version in effects.reads.items():
            if _version(world.state.get(key)) != version:
                return "MVCC_READ_CONFLICT"
        for read in effects.ranges:
            found = world.range(read.start, read.end)
            shown = found[: read.page_size] if read.page_size else found
            if tuple((key, entry.version) for key, entry in shown) != read.met:
                return "PHANTOM_READ_CONFLICT"
        for where, version in effects.private_reads.items():
            if _version(world.private.get(where)) != version:
                return "MVCC_READ_CONFLICT"
        return "VALID"

    def _write(self, result: Result, version: Version) -> None:
        world, effects = self._world, result.effects
        if self._shown:
            self._values, self._shown = self._values.copy(), False
        for key, value in effects.writes.items():
            old = world.state.pop(key, None)
            self._values.pop(key, None)
            if value is not None:
                self._values[key] = value
                world.state[key] = Versioned(value, version, old.policy if old else None)
            entry = HistoryEntry(result.tx_id, result.timestamp_ms, value is None, value or b"")
            world.history.setdefault(key, []).append(entry)
        for key, policy in effects.policies.items():
            if key in world.state:  # as in Fabric, a policy of an absent key comes to nothing
                world.state[key] = Versioned(world.state[key].value, version, policy or None)
        for where, write in effects.private_writes.items():
            world.private.pop(where, None)
            if write.value is not None:
                world.private[where] = Versioned(write.value, version)
        if effects.event:
            self.events.append((result.tx_id, effects.event))


def _version(entry: Versioned | None) -> Version | None:
    return entry.version if entry else None


def _run(handler: Handler, simulation: Simulation) -> Response:
    """Run a contract to its end without an event loop: it may wait for nothing but its stub.

    Unlike `shim.invocation.answer`, this lets unexpected exceptions through: in a test they are bugs.
    """
    coroutine = handler(simulation).__await__()
    try:
        next(coroutine)
    except StopIteration as finished:
        response: Response = finished.value
        return response
    except (MarketError, ShimError) as error:
        return refusal(error)
    coroutine.close()
    raise RuleBroken(f"{simulation.function} waits for something that is not its stub")
