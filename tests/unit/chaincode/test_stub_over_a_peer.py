"""Every operation of the stub, over a real stream: what the contract sees and what the peer is asked.

The peer answers from the simulation that the in-memory channel uses, so each test also shows that a contract meets
the same behaviour on both.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2 as results_pb2
from fabric_protos.peer import chaincode_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.keys import MOST_ROWS
from countermark.chaincode.shim.stub import OK, HistoryEntry, Page, Response, Stub
from countermark.chaincode.simulation import PrivateWrite, Versioned
from tests.unit.chaincode.peer_on_loopback import (
    CERTIFICATE,
    CHAINCODE,
    CHANNEL,
    TIMESTAMP_MS,
    M,
    Peer,
    TestTls,
    run,
    transaction,
    tx_id,
)

OFFER = chaincode_pb2.ChaincodeAdditionalParams(use_write_batch=True, max_size_write_batch=100)
READS = chaincode_pb2.ChaincodeAdditionalParams(use_get_multiple_keys=True, max_size_get_multiple_keys=1000)
Use = Callable[[Stub], Awaitable[Any]]


def use(
    tls: TestTls, step: Use, *, world: dict[str, bytes] | None = None, prepare: Any = None, offer: Any = None
) -> tuple[Any, Peer]:
    """Run `step` as a contract; returns its result, or the ShimError that it raised, and the peer."""
    seen: list[Any] = []

    async def handler(stub: Stub) -> Response:
        try:
            seen.append(await step(stub))
        except ShimError as error:
            seen.append(error)
        return Response(OK)

    async def scenario(peer: Peer) -> None:
        peers.append(peer)
        for key, value in (world or {}).items():
            peer.world.state[key] = Versioned(value, (1, 0))
        if prepare:
            prepare(peer)
        response = await peer.invoke("f", b"one", b"\x00two", transient={"pepper": b"secret"})
        assert response.status == OK

    peers: list[Peer] = []
    run(tls, handler, scenario, offer=offer)
    return seen[0], peers[0]


def kinds(peer: Peer) -> list[int]:
    return [request.type for request in peer.requests]


def test_the_call_is_what_the_client_proposed(tls: TestTls) -> None:
    async def step(stub: Stub) -> tuple[Any, ...]:
        return (
            stub.tx_id,
            stub.channel_id,
            stub.chaincode,
            stub.creator_mspid,
            stub.creator_certificate,
            stub.timestamp_ms,
            stub.function,
            tuple(stub.args),
            dict(stub.transient),
        )

    assert use(tls, step)[0] == (
        tx_id(1),
        CHANNEL,
        CHAINCODE,
        "PlatformMSP",
        CERTIFICATE,
        TIMESTAMP_MS,
        "f",
        (b"one", b"\x00two"),
        {"pepper": b"secret"},
    )


def test_an_invocation_without_arguments_has_no_function(tls: TestTls) -> None:
    seen: list[tuple[str, tuple[bytes, ...]]] = []

    async def handler(stub: Stub) -> Response:
        seen.append((stub.function, tuple(stub.args)))
        return Response(OK)

    async def scenario(peer: Peer) -> None:
        message = transaction("f")
        message.payload = b""
        await peer.run(message)

    run(tls, handler, scenario)
    assert seen == [("", ())]


@pytest.mark.parametrize(("key", "value"), [("k", b"\x00\xffvalue"), ("absent", None), ("clé/🔑", b"unicode")])
def test_get_state(tls: TestTls, key: str, value: bytes | None) -> None:
    world = {"k": b"\x00\xffvalue", "clé/🔑": b"unicode"}
    assert use(tls, lambda stub: stub.get_state(key), world=world)[0] == value


class TestReadingTogether:
    WORLD: Final = {f"k{number}": b"%d" % number for number in range(5)}
    KEYS: Final = ("k3", "absent", "k0", "k3", "k4")
    VALUES: Final = (b"3", None, b"0", b"3", b"4")

    @pytest.mark.parametrize(
        ("size", "asked"),
        [
            (0, [M.GET_STATE] * 5),
            (1, [M.GET_STATE] * 5),
            (2, [M.GET_STATE_MULTIPLE] * 3),
            (1000, [M.GET_STATE_MULTIPLE]),
        ],
    )
    def test_values_come_in_the_order_of_the_keys_whatever_the_peer_takes(
        self, tls: TestTls, size: int, asked: list[int]
    ) -> None:
        offer = chaincode_pb2.ChaincodeAdditionalParams(
            use_get_multiple_keys=size > 0, max_size_get_multiple_keys=size
        )
        values, peer = use(tls, lambda stub: stub.get_states(self.KEYS), world=self.WORLD, offer=offer)
        assert tuple(values) == self.VALUES
        assert kinds(peer) == asked
        assert set(peer.simulations[tx_id(1)].effects.reads) == set(self.KEYS)

    def test_a_size_without_the_offer_is_none(self, tls: TestTls) -> None:
        offer = chaincode_pb2.ChaincodeAdditionalParams(max_size_get_multiple_keys=1000)
        _, peer = use(tls, lambda stub: stub.get_states(self.KEYS), world=self.WORLD, offer=offer)
        assert kinds(peer) == [M.GET_STATE] * 5

    def test_no_keys_are_not_asked_for(self, tls: TestTls) -> None:
        values, peer = use(tls, lambda stub: stub.get_states([]), offer=READS)
        assert (values, peer.requests) == ([], [])

    @pytest.mark.parametrize("values", [[], [b"1"], [b"1", b"2", b"3"]], ids=["none", "too few", "too many"])
    def test_an_answer_with_another_number_of_values_is_an_error_and_no_absence(
        self, tls: TestTls, values: list[bytes]
    ) -> None:
        """A peer of Fabric 3.1 whose database fails answers with no values, and has recorded no read."""

        def prepare(peer: Peer) -> None:
            async def answer(message: Any) -> bytes:
                return shim_pb2.GetStateMultipleResult(values=values).SerializeToString()

            peer.answer = answer

        result, _ = use(tls, lambda stub: stub.get_states(["a", "b"]), prepare=prepare, offer=READS)
        assert isinstance(result, ShimError)

    @pytest.mark.parametrize("key", ["", "\ud800"])
    def test_a_key_that_no_peer_can_store_is_refused_among_others(self, tls: TestTls, key: str) -> None:
        result, peer = use(tls, lambda stub: stub.get_states(["k", key]), offer=READS)
        assert isinstance(result, ShimError)
        assert peer.requests == []


@pytest.mark.parametrize("offer", [None, OFFER], ids=["one by one", "batched"])
def test_writes(tls: TestTls, offer: Any) -> None:
    async def step(stub: Stub) -> None:
        await stub.put_state("put", b"1")
        await stub.put_state("emptied", b"")
        await stub.del_state("deleted")
        await stub.put_private_data("fingerprints", "put", b"2")
        await stub.del_private_data("fingerprints", "deleted")
        await stub.purge_private_data("fingerprints", "purged")
        await stub.set_state_validation_parameter("put", b"policy")

    result, peer = use(tls, step, offer=offer)
    assert result is None
    effects = peer.simulations[tx_id(1)].effects
    assert effects.writes == {"put": b"1", "emptied": None, "deleted": None}
    assert effects.policies == {"put": b"policy"}
    assert effects.private_writes == {
        ("fingerprints", "put"): PrivateWrite(b"2"),
        ("fingerprints", "deleted"): PrivateWrite(None),
        ("fingerprints", "purged"): PrivateWrite(None, purge=True),
    }
    one_by_one = [M.PUT_STATE, M.PUT_STATE, M.DEL_STATE, M.PUT_STATE, M.DEL_STATE, M.PURGE_PRIVATE_DATA]
    assert kinds(peer) == ([M.WRITE_BATCH_STATE] if offer else [*one_by_one, M.PUT_STATE_METADATA])


def test_private_data_and_its_hash(tls: TestTls) -> None:
    async def step(stub: Stub) -> tuple[Any, ...]:
        return (
            await stub.get_private_data("fingerprints", "k"),
            await stub.get_private_data_hash("fingerprints", "k"),
            await stub.get_private_data("fingerprints", "absent"),
            await stub.get_private_data_hash("fingerprints", "absent"),
        )

    def prepare(peer: Peer) -> None:
        peer.world.private["fingerprints", "k"] = Versioned(b"secret", (1, 0))

    value, digest, *absent = use(tls, step, prepare=prepare)[0]
    assert value == b"secret"
    assert digest.hex() == "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    assert absent == [None, None]


def test_a_digest_of_the_wrong_length_is_not_believed(tls: TestTls) -> None:
    def prepare(peer: Peer) -> None:
        async def answer(message: Any) -> bytes:
            return b"short"

        peer.answer = answer

    result, _ = use(tls, lambda stub: stub.get_private_data_hash("fingerprints", "k"), prepare=prepare)
    assert isinstance(result, ShimError)


@pytest.mark.parametrize(
    "step",
    [
        lambda stub: stub.get_state(""),
        lambda stub: stub.put_state("", b"1"),
        lambda stub: stub.del_state(""),
        lambda stub: stub.put_state("\ud800", b"1"),
        lambda stub: stub.get_private_data("", "k"),
        lambda stub: stub.get_private_data_hash("", "k"),
        lambda stub: stub.put_private_data("", "k", b"1"),
        lambda stub: stub.del_private_data("", "k"),
        lambda stub: stub.purge_private_data("", "k"),
        lambda stub: stub.put_private_data("fingerprints", "", b"1"),
        lambda stub: stub.get_state_validation_parameter(""),
        lambda stub: stub.set_state_validation_parameter("", b"p"),
        lambda stub: stub.get_history_for_key(""),
        lambda stub: stub.get_state_by_range("\x00", ""),
        lambda stub: stub.get_state_by_range("a", "b", page_size=1, bookmark="c"),
    ],
)
def test_what_no_peer_may_be_asked_never_reaches_it(tls: TestTls, step: Use) -> None:
    result, peer = use(tls, step)
    assert isinstance(result, ShimError)
    assert peer.requests == []


class TestRanges:
    WORLD = {f"a/{i}": b"%d" % i for i in range(8)} | {"b": b"b", "\x00composite": b"c"}

    def test_all_rows_of_all_batches_in_key_order_and_no_composite_key(self, tls: TestTls) -> None:
        page, peer = use(tls, lambda stub: stub.get_state_by_range("", ""), world=self.WORLD)
        assert page == Page(tuple((k, v) for k, v in self.WORLD.items() if k != "\x00composite"))
        assert kinds(peer) == [M.GET_STATE_BY_RANGE, M.QUERY_STATE_NEXT, M.QUERY_STATE_NEXT]
        asked = shim_pb2.GetStateByRange.FromString(peer.requests[0].payload)
        assert asked.startKey == "\x01"
        assert asked.metadata == b""
        assert peer.open_queries == 0

    def test_pages_and_bookmarks(self, tls: TestTls) -> None:
        async def step(stub: Stub) -> list[Page]:
            pages = [await stub.get_state_by_range("a/", "a0", page_size=5)]
            pages.append(await stub.get_state_by_range("a/", "a0", page_size=5, bookmark=pages[0].bookmark))
            return pages

        pages, _ = use(tls, step, world=self.WORLD)
        assert [len(page.items) for page in pages] == [5, 3]
        assert [page.bookmark for page in pages] == ["a/5", ""]

    def test_an_empty_range(self, tls: TestTls) -> None:
        assert use(tls, lambda stub: stub.get_state_by_range("x", "y"))[0] == Page(())

    def test_too_many_rows_without_pages_are_refused_and_the_query_is_closed(self, tls: TestTls) -> None:
        sent = 0

        def prepare(peer: Peer) -> None:
            async def endless(message: Any) -> bytes:
                nonlocal sent
                if message.type == M.QUERY_STATE_CLOSE:
                    return b""
                row = results_pb2.KV(key=f"k{sent}", value=b"v").SerializeToString()
                sent += 1_000
                rows = [shim_pb2.QueryResultBytes(resultBytes=row)] * 1_000
                return shim_pb2.QueryResponse(results=rows, has_more=True, id="q").SerializeToString()

            peer.answer = endless

        result, peer = use(tls, lambda stub: stub.get_state_by_range("", ""), prepare=prepare)
        assert isinstance(result, ShimError)
        assert MOST_ROWS < sent <= MOST_ROWS + 1_000
        assert kinds(peer)[-1] == M.QUERY_STATE_CLOSE


class TestHistory:
    ENTRIES = tuple(HistoryEntry(tx_id(i), 1_000 + i, i == 3, b"" if i == 3 else b"%d" % i) for i in range(8))

    def prepare(self, peer: Peer) -> None:
        peer.world.history["k"] = list(self.ENTRIES)

    def test_newest_first_over_all_batches(self, tls: TestTls) -> None:
        entries, _ = use(tls, lambda stub: stub.get_history_for_key("k"), prepare=self.prepare)
        assert entries == self.ENTRIES[::-1]

    def test_a_limit_closes_the_query(self, tls: TestTls) -> None:
        entries, peer = use(tls, lambda stub: stub.get_history_for_key("k", limit=4), prepare=self.prepare)
        assert entries == self.ENTRIES[::-1][:4]
        assert kinds(peer) == [M.GET_HISTORY_FOR_KEY, M.QUERY_STATE_NEXT, M.QUERY_STATE_CLOSE]
        assert peer.open_queries == 0

    def test_a_key_without_history(self, tls: TestTls) -> None:
        assert use(tls, lambda stub: stub.get_history_for_key("never"))[0] == ()


@pytest.mark.parametrize(("policy", "expected"), [(b"policy", b"policy"), (None, None)])
def test_key_level_endorsement(tls: TestTls, policy: bytes | None, expected: bytes | None) -> None:
    def prepare(peer: Peer) -> None:
        peer.world.state["k"] = Versioned(b"1", (1, 0), policy)

    assert use(tls, lambda stub: stub.get_state_validation_parameter("k"), prepare=prepare)[0] == expected


@pytest.mark.parametrize(
    "step",
    [
        lambda stub: stub.get_state_by_range("", ""),
        lambda stub: stub.get_history_for_key("k"),
        lambda stub: stub.get_state_validation_parameter("k"),
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error(tls: TestTls, step: Use) -> None:
    def prepare(peer: Peer) -> None:
        async def answer(message: Any) -> bytes:
            return b"\xff\xff\xff"

        peer.answer = answer

    assert isinstance(use(tls, step, prepare=prepare)[0], ShimError)
