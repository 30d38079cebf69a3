"""The in-memory channel refuses and commits what Fabric refuses and commits."""

import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.stub import ERROR, OK, HistoryEntry, Response, Stub
from countermark.chaincode.testing import START_MS, TIME_WINDOW_S, Ledger, RuleBroken
from countermark.protocol.errors import ErrorCode, MarketError

Step = Callable[[Stub], Awaitable[bytes | None]]

PLATFORM, SUPERVISOR, TRADER = "PlatformMSP", "SupervisorMSP", "TraderMSP"


def run(ledger_step: Step) -> Callable[[Stub], Awaitable[Response]]:
    async def handler(stub: Stub) -> Response:
        return Response(OK, await ledger_step(stub) or b"")

    return handler


async def kv(stub: Stub) -> Response:
    """A contract with one function per operation of the stub."""
    key = stub.args[0].decode() if stub.args else ""
    value = stub.args[1] if len(stub.args) > 1 else b""
    match stub.function:
        case "get":
            return Response(OK, await stub.get_state(key) or b"(none)")
        case "put":
            await stub.put_state(key, value)
        case "add":
            total = int(await stub.get_state(key) or b"0") + int(value)
            await stub.put_state(key, str(total).encode())
        case "delete":
            await stub.del_state(key)
        case "read_own_write":
            await stub.put_state(key, value)
            return Response(OK, await stub.get_state(key) or b"(none)")
        case "count":
            page = await stub.get_state_by_range("", "")
            return Response(OK, str(len(page.items)).encode())
        case "private_get":
            return Response(OK, await stub.get_private_data("fingerprints", key) or b"(none)")
        case "private_hash":
            return Response(OK, await stub.get_private_data_hash("fingerprints", key) or b"(none)")
        case "private_put":
            await stub.put_private_data("fingerprints", key, stub.transient["value"])
        case "private_delete":
            await stub.del_private_data("fingerprints", key)
        case "private_purge":
            await stub.purge_private_data("fingerprints", key)
        case "event":
            stub.set_event("first", b"1")
            stub.set_event("second", b"2")
            await stub.put_state(key, b"x")
        case "policy":
            await stub.set_state_validation_parameter(key, value)
        case "show_policy":
            return Response(OK, await stub.get_state_validation_parameter(key) or b"(none)")
        case "refuse":
            await stub.put_state("k", b"never")
            raise MarketError(ErrorCode.NOT_FOUND, "no such thing")
        case name:
            return Response(ERROR, message=f"unknown function {name}")
    return Response(OK)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(kv)


def test_an_invocation_is_visible_to_the_next_one_and_not_to_itself(ledger: Ledger) -> None:
    assert ledger.invoke(TRADER, "put", "k", b"1").committed
    assert ledger.evaluate(TRADER, "get", "k").response.payload == b"1"
    with pytest.raises(RuleBroken, match="reads after its first write"):
        ledger.invoke(TRADER, "read_own_write", "k", b"2")
    assert ledger.state == {"k": b"1"}


def test_a_rule_stays_broken_when_the_contract_swallows_it() -> None:
    async def swallow(stub: Stub) -> Response:
        await stub.put_state("k", b"1")
        with contextlib.suppress(Exception):
            await stub.get_state("k")
        return Response(OK)

    with pytest.raises(RuleBroken):
        Ledger(swallow).invoke(TRADER, "f")


def test_an_evaluation_commits_nothing(ledger: Ledger) -> None:
    result = ledger.evaluate(TRADER, "put", "k", b"1")
    assert result.ok
    assert result.writes == {"k": b"1"}
    assert ledger.state == {}
    assert ledger.height == 0


def test_a_refusal_writes_nothing_and_carries_its_code(ledger: Ledger) -> None:
    result = ledger.invoke(TRADER, "refuse")
    refused = MarketError.from_json(result.response.message)
    assert refused is not None
    assert (result.response.status, refused.code) == (ERROR, ErrorCode.NOT_FOUND)
    assert not result.committed
    assert ledger.state == {}
    with pytest.raises(RuleBroken, match="no peer endorses"):
        ledger.commit(result)


@pytest.mark.parametrize(
    ("endorsers", "validation"),
    [
        ([PLATFORM, SUPERVISOR], "VALID"),
        ([TRADER, SUPERVISOR], "VALID"),
        ([PLATFORM, SUPERVISOR, TRADER], "VALID"),
        ([SUPERVISOR], "ENDORSEMENT_POLICY_FAILURE"),
        ([PLATFORM], "ENDORSEMENT_POLICY_FAILURE"),
        ([PLATFORM, TRADER], "ENDORSEMENT_POLICY_FAILURE"),
        ([SUPERVISOR, SUPERVISOR], "ENDORSEMENT_POLICY_FAILURE"),
        ([SUPERVISOR, "OutsiderMSP"], "ENDORSEMENT_POLICY_FAILURE"),
    ],
)
def test_public_writes_need_the_supervisor_and_another(ledger: Ledger, endorsers: list[str], validation: str) -> None:
    assert ledger.invoke(TRADER, "put", "k", b"1", endorsers=endorsers).validation == validation
    assert ledger.state == ({"k": b"1"} if validation == "VALID" else {})


@pytest.mark.parametrize(
    ("endorsers", "validation"),
    [
        ([PLATFORM, SUPERVISOR], "VALID"),
        ([PLATFORM], "ENDORSEMENT_POLICY_FAILURE"),
        ([TRADER, SUPERVISOR], "ENDORSEMENT_POLICY_FAILURE"),
    ],
)
def test_private_writes_need_platform_and_supervisor(ledger: Ledger, endorsers: list[str], validation: str) -> None:
    done = ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"secret"}, endorsers=endorsers)
    assert done.validation == validation


@pytest.mark.parametrize("sign", [-1, 1])
def test_timestamp_outside_the_window_is_not_endorsed(ledger: Ledger, sign: int) -> None:
    edge = START_MS + sign * TIME_WINDOW_S * 1000
    assert ledger.invoke(TRADER, "put", "k", b"1", timestamp_ms=edge).committed
    late = ledger.invoke(TRADER, "put", "k", b"2", timestamp_ms=edge + sign)
    assert (late.ok, late.response.message) == (False, "incorrect timestamp")
    assert not ledger.evaluate(TRADER, "get", "k", timestamp_ms=edge + sign).ok
    assert ledger.state == {"k": b"1"}


def test_two_proposals_on_the_same_version_of_a_key_conflict(ledger: Ledger) -> None:
    first = ledger.endorse(TRADER, "add", "k", b"1")
    second = ledger.endorse(TRADER, "add", "k", b"1")
    assert [result.validation for result in ledger.commit(first, second)] == ["VALID", "MVCC_READ_CONFLICT"]
    assert ledger.state == {"k": b"1"}


def test_an_envelope_held_while_its_key_changed_is_refused(ledger: Ledger) -> None:
    held = ledger.endorse(TRADER, "add", "k", b"5")
    ledger.invoke(TRADER, "put", "k", b"1")
    ledger.invoke(TRADER, "delete", "k")
    ledger.invoke(TRADER, "put", "k", b"1")
    assert ledger.commit(held)[0].validation == "MVCC_READ_CONFLICT"


def test_blind_writes_do_not_conflict_and_the_last_one_holds(ledger: Ledger) -> None:
    first, second = (ledger.endorse(TRADER, "put", "k", value) for value in (b"1", b"2"))
    assert all(result.committed for result in ledger.commit(first, second))
    assert ledger.state == {"k": b"2"}


def test_the_same_envelope_twice_has_one_effect(ledger: Ledger) -> None:
    result = ledger.endorse(TRADER, "put", "k", b"1")
    ledger.commit(result)
    assert ledger.commit(result)[0].validation == "DUPLICATE_TXID"


@pytest.mark.parametrize("empty_by", ["put", "delete"])
def test_an_empty_value_is_an_absent_key(ledger: Ledger, empty_by: str) -> None:
    ledger.invoke(TRADER, "put", "k", b"1")
    result = ledger.invoke(TRADER, empty_by, "k", b"")
    assert result.writes == {"k": None}
    assert ledger.evaluate(TRADER, "get", "k").response.payload == b"(none)"


@pytest.mark.parametrize("function", ["get", "put", "delete", "private_get", "policy", "show_policy"])
@pytest.mark.parametrize("key", ["", "\ud800"])
def test_a_key_that_no_peer_can_store_is_refused(function: str, key: str) -> None:
    async def handler(stub: Stub) -> Response:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "get": lambda: stub.get_state(key),
            "put": lambda: stub.put_state(key, b"1"),
            "delete": lambda: stub.del_state(key),
            "private_get": lambda: stub.get_private_data("fingerprints", key),
            "policy": lambda: stub.set_state_validation_parameter(key, b"p"),
            "show_policy": lambda: stub.get_state_validation_parameter(key),
        }
        with pytest.raises(ShimError):
            await calls[function]()
        return Response(OK)

    assert Ledger(handler).invoke(PLATFORM, function).ok


class TestRanges:
    KEYS = ("a/1", "a/2", "a/3", "b/1", "\x00composite\x00x\x00")

    @pytest.fixture
    def filled(self, ledger: Ledger) -> Ledger:
        for key in self.KEYS:
            ledger.invoke(TRADER, "put", key, b"v")
        return ledger

    @staticmethod
    def ask(ledger: Ledger, start: str, end: str, page_size: int = 0, bookmark: str = "") -> tuple[list[str], str]:
        async def handler(stub: Stub) -> Response:
            page = await stub.get_state_by_range(start, end, page_size=page_size, bookmark=bookmark)
            found.extend(key for key, _ in page.items)
            marks.append(page.bookmark)
            return Response(OK)

        found: list[str] = []
        marks: list[str] = []
        ledger.handler = handler
        ledger.evaluate(TRADER, "range")
        return found, marks[0] if marks else "refused"

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            ("", "", ["a/1", "a/2", "a/3", "b/1"]),
            ("a/", "a0", ["a/1", "a/2", "a/3"]),
            ("a/2", "b/1", ["a/2", "a/3"]),
            ("a/2", "", ["a/2", "a/3", "b/1"]),
            ("b", "a", []),
        ],
    )
    def test_bounds(self, filled: Ledger, start: str, end: str, expected: list[str]) -> None:
        assert self.ask(filled, start, end) == (expected, "")

    def test_pages_join_to_the_whole(self, filled: Ledger) -> None:
        first, bookmark = self.ask(filled, "", "", 3)
        assert (first, bookmark) == (["a/1", "a/2", "a/3"], "b/1")
        assert self.ask(filled, "", "", 3, bookmark) == (["b/1"], "")

    @pytest.mark.parametrize(
        ("start", "end", "page_size", "bookmark"),
        [
            ("\x00", "", 0, ""),
            ("a", "\x00b", 0, ""),
            ("a", "b", 2, "\x00composite"),
            ("a/2", "b", 2, "a/1"),
            ("a", "b", 2, "b"),
            ("a", "b", 0, "a/2"),
            ("a", "b", -1, ""),
            ("a", "b", 2**31, ""),
        ],
        ids=[
            "start composite",
            "end composite",
            "bookmark composite",
            "bookmark before the start",
            "bookmark at the end",
            "bookmark without page size",
            "negative page size",
            "page size over int32",
        ],
    )
    def test_a_range_that_would_leave_its_bounds_is_refused(
        self, filled: Ledger, start: str, end: str, page_size: int, bookmark: str
    ) -> None:
        assert self.ask(filled, start, end, page_size, bookmark) == ([], "refused")

    @pytest.mark.parametrize("read", ["range", "history"])
    def test_a_scan_in_a_function_that_writes_breaks_the_rule(self, read: str) -> None:
        async def handler(stub: Stub) -> Response:
            if read == "range":
                await stub.get_state_by_range("a", "b")
            else:
                await stub.get_history_for_key("a")
            await stub.put_state("a", b"1")
            return Response(OK)

        with pytest.raises(RuleBroken, match="range or history"):
            Ledger(handler).invoke(TRADER, "f")

    def test_a_phantom_key_in_a_range_is_a_conflict(self, filled: Ledger) -> None:
        held = filled.endorse(TRADER, "count")
        filled.invoke(TRADER, "put", "a/1a", b"v")
        assert filled.commit(held)[0].validation == "PHANTOM_READ_CONFLICT"


class TestPrivateData:
    def test_members_read_the_value_and_everybody_the_hash(self, ledger: Ledger) -> None:
        result = ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"secret"})
        assert result.committed
        assert b"secret" not in result.outcome
        assert b"secret".hex().encode() not in result.outcome
        assert ledger.evaluate(SUPERVISOR, "private_get", "k").response.payload == b"secret"
        digest = hashlib.sha256(b"secret").digest()
        assert ledger.evaluate(TRADER, "private_hash", "k", endorser=TRADER).response.payload == digest
        assert ledger.private("fingerprints") == {"k": b"secret"}

    def test_a_client_of_no_member_neither_reads_nor_writes(self, ledger: Ledger) -> None:
        ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"secret"})
        assert ledger.evaluate(TRADER, "private_get", "k").response.status == ERROR
        assert ledger.invoke(TRADER, "private_put", "k", transient={"value": b"x"}).response.status == ERROR
        assert ledger.invoke(TRADER, "private_purge", "k").response.status == ERROR
        assert ledger.private("fingerprints") == {"k": b"secret"}

    def test_a_peer_of_no_member_has_nothing_to_read(self, ledger: Ledger) -> None:
        ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"secret"})
        assert ledger.evaluate(PLATFORM, "private_get", "k", endorser=TRADER).response.status == ERROR
        assert ledger.evaluate(PLATFORM, "private_get", "absent", endorser=TRADER).response.payload == b"(none)"

    @pytest.mark.parametrize("function", ["private_delete", "private_purge"])
    def test_deletion(self, ledger: Ledger, function: str) -> None:
        ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"secret"})
        result = ledger.invoke(PLATFORM, function, "k")
        assert result.private_writes["fingerprints", "k"].purge is (function == "private_purge")
        assert ledger.private("fingerprints") == {}

    def test_a_private_key_read_and_changed_meanwhile_is_a_conflict(self, ledger: Ledger) -> None:
        ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"1"})
        held = ledger.endorse(PLATFORM, "private_get", "k")
        ledger.invoke(PLATFORM, "private_put", "k", transient={"value": b"2"})
        assert ledger.commit(held)[0].validation == "MVCC_READ_CONFLICT"

    @pytest.mark.parametrize("collection", ["", "unknown"])
    def test_a_collection_that_is_not_defined_is_refused(self, collection: str) -> None:
        async def handler(stub: Stub) -> Response:
            return Response(OK, await stub.get_private_data(collection, "k") or b"")

        assert Ledger(handler).evaluate(PLATFORM, "f").response.status == ERROR


def test_history_is_newest_first_and_tells_deletions(ledger: Ledger) -> None:
    results = [
        ledger.invoke(TRADER, "put", "k", b"1", timestamp_ms=START_MS + 1_000),
        ledger.invoke(TRADER, "delete", "k", timestamp_ms=START_MS + 2_000),
    ]
    seen: list[HistoryEntry] = []

    async def handler(stub: Stub) -> Response:
        seen.extend(await stub.get_history_for_key("k"))
        return Response(OK)

    ledger.handler = handler
    ledger.evaluate(TRADER, "history")
    assert seen == [
        HistoryEntry(results[1].tx_id, START_MS + 2_000, True, b""),
        HistoryEntry(results[0].tx_id, START_MS + 1_000, False, b"1"),
    ]


def test_one_event_per_transaction_and_only_if_it_commits(ledger: Ledger) -> None:
    ledger.evaluate(TRADER, "event", "k")
    assert ledger.events == []
    result = ledger.invoke(TRADER, "event", "k")
    assert [(tx_id, event.name, event.payload) for tx_id, event in ledger.events] == [(result.tx_id, "second", b"2")]


def test_key_level_policy_lives_and_dies_with_its_key(ledger: Ledger) -> None:
    ledger.invoke(TRADER, "policy", "k", b"policy")
    assert ledger.evaluate(TRADER, "show_policy", "k").response.payload == b"(none)"
    ledger.invoke(TRADER, "put", "k", b"1")
    ledger.invoke(TRADER, "policy", "k", b"policy")
    assert ledger.evaluate(TRADER, "show_policy", "k").response.payload == b"policy"
    ledger.invoke(TRADER, "delete", "k")
    assert ledger.evaluate(TRADER, "show_policy", "k").response.payload == b"(none)"


def test_endorsers_that_disagree_are_found() -> None:
    calls = iter(range(10))

    async def by_chance(stub: Stub) -> bytes | None:
        await stub.put_state("k", str(next(calls)).encode())
        return None

    with pytest.raises(RuleBroken, match="disagree"):
        Ledger(run(by_chance)).invoke(TRADER, "f")


def test_a_contract_that_waits_for_something_else_is_found() -> None:
    async def sleeper(stub: Stub) -> bytes | None:
        await asyncio.get_running_loop().create_future()
        return None

    async def bare(stub: Stub) -> bytes | None:
        await asyncio.sleep(0)
        return None

    with pytest.raises(RuntimeError, match="no running event loop"):
        Ledger(run(sleeper)).invoke(TRADER, "f")
    with pytest.raises(RuleBroken, match="waits for something"):
        Ledger(run(bare)).invoke(TRADER, "f")


def test_an_exception_that_is_no_refusal_reaches_the_test() -> None:
    async def broken(stub: Stub) -> bytes | None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        Ledger(run(broken)).invoke(TRADER, "f")


SCRIPT = """
from countermark.chaincode.shim.stub import OK, Response
from countermark.chaincode.testing import Ledger

async def handler(stub):
    for name in {names}:
        await stub.put_state(name, name.encode())
    return Response(OK)

ledger = Ledger(handler, endorsers=("PlatformMSP",))
ledger.invoke("TraderMSP", "f")
print(ledger.transcript, "".join(next(iter([{names}]))))
"""


def transcript(names: str, seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    script = SCRIPT.format(names=names)
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_outcomes_are_the_same_bytes_in_processes_with_another_hash_seed() -> None:
    # The set's order differs between the two (its last column shows it); the sorted write set must not.
    outputs = [transcript("{'alpha', 'beta', 'gamma', 'delta'}", seed).split() for seed in ("1", "2")]
    assert outputs[0][1] != outputs[1][1]
    assert outputs[0][0] == outputs[1][0]
