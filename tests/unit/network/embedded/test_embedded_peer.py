"""The embedded peer as its clients meet it: processes, TLS, gRPC."""

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2_grpc

from countermark.network.blocks import Block
from countermark.network.client import EndorseError, EvaluateError, GatewayClient, SubmitError
from countermark.network.client.errors import CommitStatusError
from countermark.network.envelopes import FOREVER, Edge, Seek, build_seek
from countermark.network.identities import Role
from tests.support.embedded import EmbeddedNetwork, embedded_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path_factory.mktemp("network")) as network:
        # A role that organisations with peers do not give to anybody.
        network.material.organisation("trader").issue("orderer9", Role.ORDERER)
        yield network


@pytest.fixture(scope="module")
def platform(network: EmbeddedNetwork) -> GatewayClient:
    return network.client("platform")


@pytest.fixture(scope="module")
def supervisor(network: EmbeddedNetwork) -> GatewayClient:
    return network.client("supervisor")


@pytest.fixture(scope="module")
def trader(network: EmbeddedNetwork) -> GatewayClient:
    return network.client("trader", "platform")


BOTH = ("PlatformMSP", "SupervisorMSP")


def commit(client: GatewayClient, function: str, *args: str, **options: object) -> str:
    endorsed = client.endorse(function, args, **options)  # type: ignore[arg-type] # as the test says
    client.submit(endorsed.tx_id, endorsed.envelope)
    client.commit_status(endorsed.tx_id).check()
    return endorsed.tx_id


@pytest.mark.parametrize("organisation", ["platform", "supervisor", "trader"])
def test_a_transaction_through_any_gateway_is_seen_through_all(
    network: EmbeddedNetwork, platform: GatewayClient, trader: GatewayClient, organisation: str
) -> None:
    commit(network.client(organisation), "put", organisation, "value")
    assert platform.evaluate("get", [organisation]) == b"value"
    assert trader.evaluate("get", [organisation]) == b"value"


def test_each_transaction_is_endorsed_by_supervisor_and_one_other(
    platform: GatewayClient, supervisor: GatewayClient, trader: GatewayClient
) -> None:
    endorsers = []
    for client in (platform, supervisor, trader):
        tx_id = commit(client, "put", "endorsed", client.profile.msp_id)
        status = client.commit_status(tx_id)
        (block,) = client.blocks(status.block_number, stop=status.block_number)
        (transaction,) = [one for one in block.transactions if one.tx_id == tx_id]
        endorsers.append({one.identity.msp_id for one in transaction.endorsers})
    assert endorsers == [
        {"PlatformMSP", "SupervisorMSP"},
        {"PlatformMSP", "SupervisorMSP"},
        {"TraderMSP", "SupervisorMSP"},
    ]


def test_named_organisations_endorse_and_no_others(trader: GatewayClient) -> None:
    tx_id = commit(trader, "put", "named", "1", endorsing_organisations=BOTH)
    status = trader.commit_status(tx_id)
    (block,) = trader.blocks(status.block_number, stop=status.block_number)
    assert {one.identity.msp_id for one in block.transactions[0].endorsers} == set(BOTH)


def test_an_unknown_organisation_cannot_be_asked(trader: GatewayClient) -> None:
    with pytest.raises(Exception, match="failed to find any endorsing peers for org"):
        trader.endorse("put", ["a", "1"], endorsing_organisations=["OtherMSP"])


def test_the_contract_sees_client_time_and_transient_data(trader: GatewayClient) -> None:
    proposal = trader.prepare("whoami", transient={"secret": b"1"})
    result = trader.endorse_proposal(proposal, endorsing_organisations=BOTH).result
    expected = ["TraderMSP", proposal.header.timestamp_ms, "countermark", "market", ["secret"]]
    assert json.loads(result) == expected


def test_a_refusal_of_the_contract_comes_with_its_words(platform: GatewayClient) -> None:
    for call, error in ((platform.endorse, EndorseError), (platform.evaluate, EvaluateError)):
        with pytest.raises(error) as caught:
            call("no_such_function")
        (detail,) = caught.value.details
        assert detail.msp_id == "PlatformMSP"
        assert detail.address == platform.profile.gateway
        assert detail.message == 'chaincode response 500, {"code": "unknown_function", "detail": "no_such_function"}'
    assert caught.value.status == "UNKNOWN"


def test_a_read_never_sees_the_transactions_own_write(platform: GatewayClient) -> None:
    commit(platform, "put", "own", "old")
    assert platform.endorse("write_then_read", ["own"]).result == b"old"


def test_keys_that_are_read_together_come_in_their_order_and_conflict(platform: GatewayClient) -> None:
    commit(platform, "put", "many1", "1")
    commit(platform, "put", "many2", "2")
    held = platform.endorse("add_up", ["many2", "absent", "many1", "many3"])
    assert json.loads(held.result) == ["2", None, "1"]
    commit(platform, "put", "absent", "3")
    platform.submit(held.tx_id, held.envelope)
    assert platform.commit_status(held.tx_id).code_name == "MVCC_READ_CONFLICT"
    commit(platform, "add_up", "many2", "absent", "many1", "many3")
    assert platform.evaluate("get", ["many3"]) == b"6"


def test_ranges_come_in_batches_and_pages(platform: GatewayClient) -> None:
    commit(platform, "fill", "range", "250")
    keys = [f"range{index:04d}" for index in range(250)]
    found, bookmark = json.loads(platform.evaluate("range", ["range", "rangf", "0", ""]))
    assert (found, bookmark) == (keys, "")
    pages: list[list[str]] = []
    while True:
        found, bookmark = json.loads(platform.evaluate("range", ["range", "rangf", "100", bookmark]))
        pages.append(found)
        if not bookmark:
            break
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [key for page in pages for key in page] == keys


def test_pages_are_for_queries_only(platform: GatewayClient) -> None:
    with pytest.raises(EndorseError, match="may not write"):
        platform.endorse("page_then_write")


def test_history_is_newest_first_with_deletions(platform: GatewayClient) -> None:
    written = [commit(platform, "put", "old", str(number)) for number in range(3)]
    deleted = commit(platform, "delete", "old")
    entries = json.loads(platform.evaluate("history", ["old"]))
    assert entries[0] == ["", True, deleted]
    assert [tx_id for _, _, tx_id in entries[1:]] == written[::-1]
    assert platform.evaluate("get", ["old"]) == b""


def test_private_values_are_for_members_and_their_hash_for_all(
    platform: GatewayClient, supervisor: GatewayClient, trader: GatewayClient
) -> None:
    commit(platform, "put_private", "p", transient={"value": b"secret"}, endorsing_organisations=BOTH)
    assert supervisor.evaluate("get_private", ["p"]) == b"secret"
    assert trader.evaluate("private_hash", ["p"]) == hashlib.sha256(b"secret").digest()
    with pytest.raises(EvaluateError, match="read access permission"):
        trader.evaluate("get_private", ["p"])
    with pytest.raises(EvaluateError, match="read access permission"):
        trader.evaluate("get_private", ["p"], target_organisations=["SupervisorMSP"])
    with pytest.raises(EvaluateError, match="not available"):
        platform.evaluate("get_private", ["p"], target_organisations=["TraderMSP"])
    with pytest.raises(EndorseError, match="write access permission"):
        trader.endorse("put_private", ["p"], transient={"value": b"x"}, endorsing_organisations=BOTH)


def test_private_values_can_be_purged(platform: GatewayClient) -> None:
    commit(platform, "put_private", "purged", transient={"value": b"secret"}, endorsing_organisations=BOTH)
    commit(platform, "purge_private", "purged")
    assert platform.evaluate("get_private", ["purged"]) == b""


def test_a_commit_status_waits_for_a_transaction_to_come(platform: GatewayClient) -> None:
    endorsed = platform.endorse("put", ["awaited", "1"])
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(platform.commit_status(endorsed.tx_id).code))
    waiting.start()
    platform.submit(endorsed.tx_id, endorsed.envelope)
    waiting.join(10)
    assert codes == [0]


def test_a_commit_status_of_nothing_ends_with_its_deadline(platform: GatewayClient) -> None:
    with pytest.raises(CommitStatusError, match="DEADLINE_EXCEEDED"):
        platform.commit_status("0" * 64, timeout=0.2)


def test_a_block_stream_follows_the_ledger(platform: GatewayClient, trader: GatewayClient) -> None:
    start = platform.commit_status(commit(platform, "put", "follow", "0")).block_number
    seen: list[Block] = []
    arrived = threading.Event()
    stream = trader.blocks(start)

    def follow() -> None:
        for block in stream:
            seen.append(block)
            if len(seen) == 4:
                arrived.set()
                return

    following = threading.Thread(target=follow)
    following.start()
    for number in range(3):
        commit(platform, "put", "follow", str(number))
    assert arrived.wait(10)
    stream.close()
    following.join(10)
    assert [block.number for block in seen] == list(range(start, start + 4))


def test_it_holds_timestamps_to_its_window_as_fabric_does(platform: GatewayClient) -> None:
    assert platform.checks_time("range")


def test_the_next_block_is_waited_for(platform: GatewayClient, trader: GatewayClient) -> None:
    next_one = trader.newest_block().number + 1
    stream = trader.blocks(next_one, stop=next_one, timeout=10)
    commit(platform, "put", "next", "1")
    assert [block.number for block in stream] == [next_one]


def test_events_are_those_of_valid_transactions(platform: GatewayClient) -> None:
    start = platform.commit_status(commit(platform, "put", "event", "0")).block_number + 1
    first, second = (platform.endorse("add", ["event-conflict", "1"]) for _ in range(2))
    for endorsed in (first, second):
        platform.submit(endorsed.tx_id, endorsed.envelope)
        platform.commit_status(endorsed.tx_id)
    last = commit(platform, "put", "event", "1")
    stream = platform.chaincode_events(start=start, timeout=10)
    events = [event for block in itertools.islice(stream, 2) for event in block.events]
    stream.close()
    assert [(event.tx_id, event.name) for event in events] == [(first.tx_id, "add"), (last, "put")]
    stream = platform.chaincode_events(start=0, after_tx=first.tx_id, timeout=10)
    assert [event.tx_id for event in next(iter(stream)).events] == [last]
    stream.close()


def _statuses(network: EmbeddedNetwork, seek: Seek, *, channel: str = "market", signer: str = "trader") -> list[str]:
    """Return what the filtered stream answers to `seek`: "block N" and names of statuses."""
    profile = network.profile("trader")
    organisation, _, name = signer.partition("/")
    identity = network.material.organisation(organisation).identity(name or "gateway")
    envelope = build_seek(identity, channel, seek, now_ms=time.time_ns() // 1_000_000)
    credentials = grpc.ssl_channel_credentials(profile.tls_ca())
    options = [("grpc.ssl_target_name_override", profile.host_override)]
    with grpc.secure_channel(profile.gateway, credentials, options=options) as channel_:
        wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
        answers = events_pb2_grpc.DeliverStub(channel_).DeliverFiltered(iter((wire,)), timeout=10)
        return [
            f"block {answer.filtered_block.number}"
            if answer.WhichOneof("Type") == "filtered_block"
            else str(common_pb2.Status.Name(answer.status))
            for answer in answers
        ]


@pytest.mark.parametrize(
    ("seek", "options", "answers"),
    [
        (Seek(0, 1), {}, ["block 0", "block 1", "SUCCESS"]),
        (Seek(Edge.OLDEST, 0), {}, ["block 0", "SUCCESS"]),
        (Seek(Edge.OLDEST, Edge.OLDEST), {}, ["block 0", "SUCCESS"]),
        (Seek(1, 0), {}, ["BAD_REQUEST"]),
        (Seek(10**9, FOREVER), {}, ["NOT_FOUND"]),
        (Seek(10**9, FOREVER, wait=False), {}, ["NOT_FOUND"]),
        (Seek(0, 1), {"channel": "other"}, ["NOT_FOUND"]),
        (Seek(0, 1), {"signer": "orderer/orderer0"}, ["FORBIDDEN"]),
        (Seek(0, 1), {"signer": "trader/orderer9"}, ["FORBIDDEN"]),
        (Seek(0, 0), {"signer": "trader/peer0"}, ["block 0", "SUCCESS"]),
        (Seek(0, 0), {"signer": "trader/admin"}, ["block 0", "SUCCESS"]),
    ],
)
def test_filtered_blocks_and_the_status_that_ends_them(
    network: EmbeddedNetwork, platform: GatewayClient, seek: Seek, options: dict[str, str], answers: list[str]
) -> None:
    commit(platform, "put", "filtered", "1")
    assert _statuses(network, seek, **options) == answers


def test_the_newest_block_is_one_block(network: EmbeddedNetwork, platform: GatewayClient) -> None:
    number = platform.commit_status(commit(platform, "put", "newest", "1")).block_number
    assert _statuses(network, Seek(Edge.NEWEST, Edge.NEWEST)) == [f"block {number}", "SUCCESS"]


def test_parallel_clients_all_commit(network: EmbeddedNetwork) -> None:
    clients = [network.client(name) for name in ("platform", "supervisor", "trader")]
    failed: list[Exception] = []

    def work(index: int) -> None:
        try:
            for number in range(5):
                commit(clients[index % 3], "add", f"parallel-{index}-{number}", "1")
        except Exception as error:  # whatever it was, the test fails with it
            failed.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_an_unsigned_transaction_is_not_taken(platform: GatewayClient) -> None:
    endorsed = platform.endorse("put", ["unsigned", "1"])
    envelope = common_pb2.Envelope.FromString(endorsed.envelope)
    envelope.signature = b""
    with pytest.raises(SubmitError, match="must be signed"):
        platform.submit(endorsed.tx_id, envelope.SerializeToString())
