"""The stream to a peer keeps whole whatever contract, peer and network do.

Every defect that made the published Python shim unusable has its test here or in test_chaincode_server.py.
"""

import asyncio
import json
import logging
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2_grpc, proposal_pb2

from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.service import ChaincodeServer
from countermark.chaincode.shim.stream import MAX_MESSAGE, PeerStream
from countermark.chaincode.shim.stub import ERROR, OK, Response, Stub
from countermark.protocol.errors import ErrorCode, MarketError
from tests.unit.chaincode.peer_on_loopback import (
    CCID,
    CHANNEL,
    M,
    Peer,
    TestTls,
    connected,
    run,
    transaction,
    tx_id,
)


async def contract(stub: Stub) -> Response:
    key = stub.args[0].decode() if stub.args else "k"
    match stub.function:
        case "read":
            return Response(OK, await stub.get_state(key) or b"(none)")
        case "work":  # three reads, then three writes
            values = [await stub.get_state(f"{key}/{i}") or b"0" for i in range(3)]
            for i, value in enumerate(values):
                await stub.put_state(f"{key}/{i}", b"%d" % (int(value) + 1))
            return Response(OK, key.encode())
        case "gather":
            values = await asyncio.gather(*(stub.get_state(f"{key}/{i}") for i in range(5)))
            return Response(OK, b",".join(value or b"-" for value in values))
        case "swallow":
            try:
                await stub.get_state(key)
            except ShimError:
                return Response(OK, b"refused")
            return Response(OK, b"a value")
        case "raise":
            raise KeyError("secret value")
        case "refuse":
            stub.set_event("never", b"")
            await stub.put_state(key, b"never")
            raise MarketError(ErrorCode.NOT_FOUND, "no such thing")
        case "return_refusal":
            await stub.put_state(key, b"never")
            return Response(ERROR, message=MarketError(ErrorCode.NOT_FOUND).to_json().decode())
        case "garbage":
            return None  # type: ignore[return-value] # a contract gone wrong
        case "surrogate":
            return Response(OK, message="\ud800")
        case "large":
            return Response(OK, bytes(MAX_MESSAGE))
        case "large_put":
            await stub.put_state(key, bytes(MAX_MESSAGE))
            return Response(OK)
        case "hang":
            await asyncio.get_running_loop().create_future()
            return Response(OK)
        case "events":
            stub.set_event("first", b"1")
            stub.set_event("second", b"2")
            return Response(OK)
        case name:
            raise MarketError(ErrorCode.UNKNOWN_FUNCTION, f"{len(name)} characters")


def refused(response: Any) -> MarketError:
    assert response.status == ERROR
    error = MarketError.from_json(response.message)
    assert error is not None
    return error


class TestOneStreamManyTransactions:
    def test_two_hundred_at_once_do_not_break_the_stream_or_mix_answers(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            running = [await peer.begin(transaction("work", b"key%d" % i, number=i)) for i in range(200)]
            ended = await asyncio.wait_for(asyncio.gather(*running), 20)
            assert [message.type for message in ended] == [M.COMPLETED] * 200
            for i, message in enumerate(ended):
                assert b"key%d" % i in message.payload
                writes = peer.simulations[tx_id(i)].effects.writes
                assert writes == {f"key{i}/{j}": b"1" for j in range(3)}
            assert len(peer.requests) == 200 * 6

        run(tls, contract, scenario)

    def test_a_transaction_that_asks_in_parallel_still_asks_one_at_a_time(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:  # run() asserts that the peer saw no violation
            response = await peer.invoke("gather", b"k")
            assert response.payload == b"-,-,-,-,-"
            assert len(peer.requests) == 5

        run(tls, contract, scenario)

    def test_answers_are_matched_by_channel_and_transaction(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            waiting: dict[str, asyncio.Future[bytes]] = {}
            both = asyncio.Event()

            async def hold(message: Any) -> bytes:
                waiting[message.txid] = asyncio.get_running_loop().create_future()
                if len(waiting) == 2:
                    both.set()
                return await waiting[message.txid]

            peer.answer = hold
            first = await peer.begin(transaction("read", b"a", number=1))
            second = await peer.begin(transaction("read", b"b", number=2))
            await both.wait()
            stray = M(type=M.RESPONSE, channel_id="another", txid=tx_id(1), payload=b"of another channel")
            await peer.send(stray)
            waiting[tx_id(2)].set_result(b"for b")
            assert b"for b" in (await second).payload
            waiting[tx_id(1)].set_result(b"for a")
            assert b"for a" in (await first).payload

        run(tls, contract, scenario)

    def test_an_answer_that_nothing_waits_for_is_dropped(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            for kind in (M.RESPONSE, M.ERROR):
                await peer.send(M(type=kind, channel_id=CHANNEL, txid=tx_id(9), payload=b"late"))
            assert (await peer.invoke("read")).payload == b"(none)"

        run(tls, contract, scenario)


class TestEveryInvocationIsAnswered:
    def test_an_error_of_the_peer_is_raised_and_never_taken_for_data(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            async def refuse(message: Any) -> bytes:
                raise ShimError("leveldb is on fire")

            peer.answer = refuse
            assert (await peer.invoke("swallow", number=1)).payload == b"refused"
            error = refused(await peer.invoke("read", number=2))
            assert error.code == ErrorCode.LEDGER_UNAVAILABLE
            assert "leveldb is on fire" in error.detail

        run(tls, contract, scenario)

    def test_an_exception_is_a_refusal_without_its_text(self, tls: TestTls, caplog: pytest.LogCaptureFixture) -> None:
        async def scenario(peer: Peer) -> None:
            response = await peer.invoke("raise")
            assert refused(response).code == ErrorCode.INTERNAL
            assert "secret" not in response.message

        run(tls, contract, scenario)
        assert "KeyError" in caplog.text

    @pytest.mark.parametrize(
        ("function", "code"),
        [
            ("no_such_function", ErrorCode.UNKNOWN_FUNCTION),
            ("", ErrorCode.UNKNOWN_FUNCTION),
            ("garbage", ErrorCode.INTERNAL),
            ("large_put", ErrorCode.LEDGER_UNAVAILABLE),
        ],
    )
    def test_a_contract_gone_wrong(self, tls: TestTls, function: str, code: ErrorCode) -> None:
        async def scenario(peer: Peer) -> None:
            assert refused(await peer.invoke(function)).code == code
            assert (await peer.invoke("read", number=2)).payload == b"(none)"

        run(tls, contract, scenario)

    @pytest.mark.parametrize("function", ["surrogate", "large"])
    def test_a_response_that_cannot_be_sent(self, tls: TestTls, function: str) -> None:
        async def scenario(peer: Peer) -> None:
            assert (await peer.invoke(function)).type == M.ERROR
            assert (await peer.invoke("read", number=2)).payload == b"(none)"

        run(tls, contract, scenario)

    def test_a_function_name_that_is_no_text(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            message = transaction("read")
            message.payload = chaincode_pb2.ChaincodeInput(args=[b"\xff\xfe"]).SerializeToString()
            assert ErrorCode.UNKNOWN_FUNCTION.value.encode() in (await peer.run(message)).payload

        run(tls, contract, scenario)

    def test_a_contract_that_hangs_is_given_up_at_the_time_limit(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            assert "within 0.2 s" in refused(await peer.invoke("hang")).detail
            assert (await peer.invoke("read", number=2)).payload == b"(none)"

        run(tls, contract, scenario, time_limit_s=0.2)

    def test_a_peer_that_does_not_answer_does_not_hold_the_transaction_for_ever(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            late: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

            async def hold(message: Any) -> bytes:
                return await late

            peer.answer = hold
            assert refused(await peer.invoke("read", number=1)).code == ErrorCode.LEDGER_UNAVAILABLE
            late.set_result(b"too late")
            peer.answer = None
            assert (await peer.invoke("read", number=2)).payload == b"(none)"

        run(tls, contract, scenario, time_limit_s=0.2)

    def test_a_second_run_of_a_transaction_gets_no_answer_meant_for_the_first(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            asked, late = asyncio.Event(), asyncio.get_running_loop().create_future()

            async def hold(message: Any) -> bytes:
                asked.set()
                return await late

            peer.answer = hold
            await peer.begin(transaction("read", b"old"))
            await asked.wait()
            second = await peer.run(transaction("read", b"new"))
            assert (second.type, second.payload) == (
                M.ERROR,
                b"an invocation of this transaction is still running",
            )
            peer._ended[tx_id(1)] = asyncio.get_running_loop().create_future()
            late.set_result(b"value of old")
            assert b"value of old" in (await peer._ended[tx_id(1)]).payload

        run(tls, contract, scenario)

    def test_the_same_transaction_may_run_again_as_soon_as_it_is_answered(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            for _ in range(50):
                assert (await peer.invoke("read")).payload == b"(none)"

        run(tls, contract, scenario)


class TestAPeerThatStopsReading:
    NARROW = (
        ("grpc.http2.lookahead_bytes", 65_536),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.max_receive_message_length", MAX_MESSAGE),
    )
    """Options of a peer that takes in next to nothing ahead of its reads, so that a large write waits for it."""

    def test_invocations_given_up_meanwhile_are_answered_once_it_reads_on(self, tls: TestTls) -> None:
        began, given_up = asyncio.Event(), asyncio.Event()
        small = asyncio.Semaphore(0)

        async def watched(stub: Stub) -> Response:
            if stub.function != "large":
                small.release()
                return Response(OK, b"small")
            began.set()
            try:
                await stub.put_state("k", bytes(20_000_000))
            except asyncio.CancelledError:
                given_up.set()
                raise
            return Response(OK, b"large")

        async def scenario(peer: Peer) -> None:
            await peer.stop_reading()
            large = await peer.begin(transaction("large", number=1))
            await asyncio.wait_for(began.wait(), 5)
            others = [await peer.begin(transaction("small", number=number)) for number in range(2, 5)]
            for _ in others:
                await asyncio.wait_for(small.acquire(), 5)
            await asyncio.wait_for(given_up.wait(), 5)
            # Given up after its write was under way: what follows must wait for that write.
            others.append(await peer.begin(transaction("small", number=5)))
            await asyncio.wait_for(small.acquire(), 5)
            peer.reading.set()
            answers = await asyncio.wait_for(asyncio.gather(large, *others), 10)
            assert b"within 0.5 s" in answers[0].payload
            assert [b"small" in answer.payload for answer in answers[1:]] == [True] * 4
            assert (await peer.invoke("small", number=6)).payload == b"small"

        run(tls, watched, scenario, options=self.NARROW, time_limit_s=0.5)

    def test_it_is_left_within_the_grace_when_the_server_stops(self, tls: TestTls) -> None:
        began = asyncio.Event()

        async def large(stub: Stub) -> Response:
            began.set()
            await stub.put_state("k", bytes(20_000_000))
            return Response(OK)

        async def everything() -> None:
            server = ChaincodeServer(CCID, large)
            port = await server.start("127.0.0.1:0", tls.server)
            async with connected(port, tls, options=self.NARROW) as peer:
                await peer.stop_reading()
                ended = await peer.begin(transaction("f"))
                await asyncio.wait_for(began.wait(), 5)
                await asyncio.wait_for(server.stop(0.2), 10)
                assert not ended.done()

        asyncio.run(everything())


class TestAWriteThatFails:
    def test_it_ends_the_stream_so_that_the_peer_fails_what_runs_on_it(self) -> None:
        class Broken:
            """A transport whose second write fails while its reads go on."""

            def __init__(self) -> None:
                self.written: list[Any] = []
                self.incoming: asyncio.Queue[Any] = asyncio.Queue()

            async def read(self) -> Any:
                return await self.incoming.get()

            async def write(self, message: Any) -> None:
                if self.written:
                    raise grpc.aio.UsageError("an operation is under way")
                self.written.append(message)

        async def everything() -> None:
            transport = Broken()
            for message in (M(type=M.REGISTERED), M(type=M.READY), transaction("read")):
                transport.incoming.put_nowait(message)
            stream = PeerStream(CCID, contract, transport, time_limit_s=30)
            await asyncio.wait_for(stream.serve(), 5)
            assert [message.type for message in transport.written] == [M.REGISTER]

        asyncio.run(everything())


def _without_proposal(message: Any) -> None:
    message.ClearField("proposal")


def _unreadable(message: Any) -> None:
    message.proposal.proposal_bytes = b"\xff\xff\xff"


def _change_channel_header(message: Any, **fields: Any) -> None:
    proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    for name, value in fields.items():
        if value is None:
            channel.ClearField(name)
        else:
            setattr(channel, name, value)
    header.channel_header = channel.SerializeToString()
    proposal.header = header.SerializeToString()
    message.proposal.proposal_bytes = proposal.SerializeToString()


def _without_creator(message: Any) -> None:
    proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    header.ClearField("signature_header")
    proposal.header = header.SerializeToString()
    message.proposal.proposal_bytes = proposal.SerializeToString()


@pytest.mark.parametrize(
    "spoil",
    [
        _without_proposal,
        _unreadable,
        _without_creator,
        lambda message: _change_channel_header(message, tx_id=tx_id(2)),
        lambda message: _change_channel_header(message, channel_id="another"),
        lambda message: _change_channel_header(message, timestamp=None),
        lambda message: _change_channel_header(message, type=common_pb2.CONFIG),
    ],
    ids=[
        "no proposal",
        "unreadable proposal",
        "no creator",
        "of another transaction",
        "of another channel",
        "no timestamp",
        "no endorser transaction",
    ],
)
def test_an_invocation_whose_parts_do_not_belong_together_is_answered_with_an_error(tls: TestTls, spoil: Any) -> None:
    async def scenario(peer: Peer) -> None:
        message = transaction("read")
        spoil(message)
        assert (await peer.run(message)).type == M.ERROR
        assert (await peer.invoke("read", number=3)).payload == b"(none)"

    run(tls, contract, scenario)


class TestEvents:
    def test_the_last_event_travels_with_the_answer(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            message = await peer.run(transaction("events"))
            assert (message.chaincode_event.event_name, message.chaincode_event.payload) == ("second", b"2")

        run(tls, contract, scenario)

    def test_a_refusal_has_no_event(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            message = await peer.run(transaction("refuse"))
            assert message.type == M.COMPLETED
            assert not message.HasField("chaincode_event")

        run(tls, contract, scenario)

    @pytest.mark.parametrize("name", ["", "\ud800"])
    def test_an_event_without_a_name_is_refused(self, tls: TestTls, name: str) -> None:
        async def nameless(stub: Stub) -> Response:
            stub.set_event(name, b"")
            return Response(OK)

        async def scenario(peer: Peer) -> None:
            assert refused(await peer.invoke("f")).code == ErrorCode.LEDGER_UNAVAILABLE

        run(tls, nameless, scenario)


class TestTheStreamItself:
    def test_keepalive_messages_are_returned(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            await peer.send(M(type=M.KEEPALIVE))
            assert (await asyncio.wait_for(peer.other.get(), 5)).type == M.KEEPALIVE

        run(tls, contract, scenario)

    @pytest.mark.parametrize("kind", [M.ERROR, M.UNDEFINED, M.GET_STATE])
    def test_a_message_out_of_the_protocol_ends_the_stream(self, tls: TestTls, kind: int) -> None:
        async def scenario(peer: Peer) -> None:
            await peer.send(M(type=kind, payload=b"cannot register"))
            assert await asyncio.wait_for(peer.other.get(), 5) is grpc.aio.EOF

        run(tls, contract, scenario)

    def test_init_runs_like_a_transaction(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            message = transaction("read")
            message.type = M.INIT
            assert (await peer.run(message)).type == M.COMPLETED

        run(tls, contract, scenario)

    def test_a_transaction_before_ready_is_answered_with_an_error(self, tls: TestTls) -> None:
        async def everything() -> None:
            server = ChaincodeServer(CCID, contract)
            port = await server.start("127.0.0.1:0", tls.server)
            async with tls.channel(port, pair=tls.client) as channel:
                stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
                assert (await stream.read()).type == M.REGISTER
                await stream.write(transaction("read"))
                assert (await stream.read()).type == M.ERROR
                stream.cancel()
            await server.stop(0)

        asyncio.run(everything())

    def test_a_peer_that_vanishes_ends_its_invocations_and_nobody_elses(self, tls: TestTls) -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def watched(stub: Stub) -> Response:
            try:
                return Response(OK, await stub.get_state("k") or b"(none)")
            except asyncio.CancelledError:
                assert stub.tx_id == tx_id(7)
                ended.set()
                raise

        async def hold(message: Any) -> bytes:
            asked.set()
            return await asyncio.get_running_loop().create_future()

        async def everything() -> None:
            server = ChaincodeServer(CCID, watched)
            port = await server.start("127.0.0.1:0", tls.server)
            async with connected(port, tls) as stays:
                async with connected(port, tls) as vanishes:
                    vanishes.answer = hold
                    await vanishes.begin(transaction("f", number=7))
                    await asyncio.wait_for(asked.wait(), 5)
                assert (await stays.invoke("f", number=8)).payload == b"(none)"
                await asyncio.wait_for(ended.wait(), 5)
            await server.stop(0)

        asyncio.run(everything())

    def test_a_function_name_cannot_forge_a_line_of_the_log(
        self, tls: TestTls, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="countermark")

        async def scenario(peer: Peer) -> None:
            await peer.invoke("raise\n2026-01-01 INFO forged" + "x" * 1_000)

        run(tls, contract, scenario)
        lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
        assert len(lines) == 1
        assert lines[0].startswith("'raise\\n2026")
        assert "x" * 100 not in lines[0].partition(" refused ")[0]

    def test_payloads_and_transient_values_are_not_logged(
        self, tls: TestTls, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="countermark")

        async def scenario(peer: Peer) -> None:
            await peer.invoke("read", b"canary-argument", transient={"pepper": b"canary-transient"})
            await peer.invoke("raise", b"canary-argument", number=2)
            await peer.invoke("refuse", b"canary-argument", number=3)

        run(tls, contract, scenario)
        assert caplog.records
        assert "canary" not in caplog.text


class TestBatchedWrites:
    OFFER = chaincode_pb2.ChaincodeAdditionalParams(use_write_batch=True, max_size_write_batch=2)

    def test_writes_go_out_together_where_the_peer_offers_it(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            assert (await peer.invoke("work", b"k")).status == OK
            kinds = [request.type for request in peer.requests]
            assert kinds == [M.GET_STATE] * 3 + [M.WRITE_BATCH_STATE] * 2
            assert peer.simulations[tx_id(1)].effects.writes == {f"k/{i}": b"1" for i in range(3)}

        run(tls, contract, scenario, offer=self.OFFER)

    @pytest.mark.parametrize("function", ["refuse", "return_refusal"])
    def test_a_refusal_sends_no_writes(self, tls: TestTls, function: str) -> None:
        async def scenario(peer: Peer) -> None:
            assert refused(await peer.invoke(function)).code == ErrorCode.NOT_FOUND
            assert peer.requests == []

        run(tls, contract, scenario, offer=self.OFFER)

    def test_a_write_that_the_peer_refuses_fails_the_invocation(self, tls: TestTls) -> None:
        async def scenario(peer: Peer) -> None:
            async def refuse_writes(message: Any) -> bytes | None:
                if message.type == M.WRITE_BATCH_STATE:
                    raise ShimError("no write access")
                return await peer.serve(message)

            peer.answer = refuse_writes
            assert "no write access" in refused(await peer.invoke("work")).detail

        run(tls, contract, scenario, offer=self.OFFER)


def test_a_refusal_is_canonical_json(tls: TestTls) -> None:
    async def scenario(peer: Peer) -> None:
        response = await peer.invoke("refuse")
        assert json.loads(response.message) == {"code": "not_found", "detail": "no such thing"}

    run(tls, contract, scenario)
