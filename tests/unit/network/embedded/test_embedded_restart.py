"""The embedded peer and its chaincode servers come and go; committed transactions stay."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.client import GatewayClient, UnavailableError
from countermark.network.client.errors import LedgerError
from countermark.network.embedded.settings import Layout
from tests.support.embedded import EmbeddedNetwork, embedded_network
from tests.support.processes import WAIT_S


@pytest.fixture
def network(tmp_path: Path) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path) as network:
        yield network


def _put(client: GatewayClient, key: str, value: str) -> str:
    endorsed = client.endorse("put", [key, value])
    client.submit(endorsed.tx_id, endorsed.envelope)
    client.commit_status(endorsed.tx_id).check()
    return endorsed.tx_id


def test_it_says_what_it_is_for_and_ends_cleanly(network: EmbeddedNetwork) -> None:
    assert network.peer is not None
    assert any("for development, demonstrations and tests" in line for line in network.peer.lines)
    connection = Layout(network.directory).connection
    assert sorted(path.name for path in connection.iterdir()) == ["platform.json", "supervisor.json", "trader.json"]
    assert network.peer.end(signal.SIGTERM) == 0
    assert not connection.exists()


def test_it_ends_cleanly_while_it_waits_for_chaincode_servers(tmp_path: Path) -> None:
    network = EmbeddedNetwork(tmp_path)
    network.addresses.update({one.msp_id: "127.0.0.1:1" for one in network.material.settings.organisations})
    peer = network.start_peer(chaincode_wait=600, until="endpoints answer")
    assert peer.end(signal.SIGTERM) == 0


def test_a_stop_commits_what_was_submitted_and_sends_streams_home(network: EmbeddedNetwork) -> None:
    platform = network.client("platform")
    stream = platform.blocks(0)
    ended: list[str] = []

    def follow() -> None:
        try:
            for _ in stream:
                pass
        except LedgerError as error:
            ended.append(error.status)

    following = threading.Thread(target=follow)
    following.start()
    endorsed = platform.endorse("put", ["last", "1"])
    platform.submit(endorsed.tx_id, endorsed.envelope)
    assert network.peer is not None
    assert network.peer.end(signal.SIGTERM) == 0
    following.join(WAIT_S)
    assert not following.is_alive()
    network.start_peer()
    assert network.client("platform").commit_status(endorsed.tx_id).valid


def test_a_killed_peer_keeps_every_transaction_that_it_reported(network: EmbeddedNetwork) -> None:
    """Writers go on until the kill; whatever was reported as committed is there afterwards, once."""
    reported: list[tuple[str, str]] = []
    enough = threading.Event()

    def write(index: int) -> None:
        client = network.client(("platform", "supervisor", "trader")[index % 3])
        number = 0
        while True:
            try:
                tx_id = _put(client, f"kill-{index}-{number}", str(number))
            except LedgerError:
                return
            reported.append((f"kill-{index}-{number}", tx_id))
            number += 1
            if len(reported) >= 30:
                enough.set()

    threads = [threading.Thread(target=write, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    assert enough.wait(WAIT_S)
    before = network.profile("platform").gateway
    network.kill_peer()
    for thread in threads:
        thread.join(WAIT_S)
    network.start_peer()
    assert network.profile("platform").gateway == before
    client = network.client("platform")
    height = max(client.commit_status(tx_id).block_number for _, tx_id in reported) + 1
    committed = [one.tx_id for block in client.blocks(0, stop=height - 1) for one in block.transactions if one.valid]
    assert len(committed) == len(set(committed))
    assert {tx_id for _, tx_id in reported} <= set(committed)
    for key, _ in reported[:5]:
        assert client.evaluate("get", [key]) == key.rpartition("-")[2].encode()


def test_a_torn_block_after_a_kill_is_cut_off(network: EmbeddedNetwork) -> None:
    client = network.client("platform")
    tx_id = _put(client, "a", "1")
    network.kill_peer()
    with (Layout(network.directory).ledger / "blocks.bin").open("ab") as file:
        file.write(b"CMB1\x00\x00\x10\x00half of a rec")
    network.start_peer()
    client = network.client("platform")
    assert client.commit_status(tx_id).valid
    _put(client, "a", "2")
    assert client.evaluate("get", ["a"]) == b"2"


def test_a_second_process_on_the_same_folder_is_refused(network: EmbeddedNetwork) -> None:
    chaincodes = [f"--chaincode={msp_id}={address}" for msp_id, address in network.addresses.items()]
    command = [sys.executable, "-m", "countermark.network.embedded", "--dir", str(network.directory), *chaincodes]
    second = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert second.returncode == 1
    assert "another process uses" in second.stderr


def test_a_chaincode_that_is_away_is_said_at_once_and_dialled_until_it_is_back(network: EmbeddedNetwork) -> None:
    platform, trader = network.client("platform"), network.client("trader")
    network.chaincodes["SupervisorMSP"].end(signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        platform.endorse("put", ["a", "1"])
    assert time.monotonic() - started < 5
    assert (caught.value.status, caught.value.details[0].msp_id) == ("ABORTED", "SupervisorMSP")
    assert network.peer is not None
    network.start_chaincode("supervisor", "SupervisorMSP")
    network.chaincodes["SupervisorMSP"].wait_line("chaincode listening")
    _until_endorsed(network, platform)
    network.chaincodes["TraderMSP"].end(signal.SIGTERM)
    with pytest.raises(UnavailableError, match=r"could not launch chaincode|terminated|shutting down"):
        trader.endorse("put", ["a", "1"])
    # Queries go to another organisation; a supervisor's transaction is endorsed by the other one that is there.
    assert trader.evaluate("get", ["a"]) == b"1"
    _put(network.client("supervisor"), "a", "2")


def test_a_query_with_secrets_goes_to_no_other_organisation(network: EmbeddedNetwork) -> None:
    trader = network.client("trader")
    network.chaincodes["TraderMSP"].end(signal.SIGKILL)
    with pytest.raises(UnavailableError) as caught:
        trader.evaluate("whoami", transient={"secret": b"1"})
    assert {detail.msp_id for detail in caught.value.details} == {"TraderMSP"}


def test_a_chaincode_under_another_package_id_is_not_used(tmp_path: Path) -> None:
    network = EmbeddedNetwork(tmp_path)
    try:
        network.package_ids["TraderMSP"] = "another:1.0"
        network.start(chaincode_wait=0.5)
        assert network.peer is not None
        network.peer.wait_line("warning: the chaincode of TraderMSP does not answer")
        network.peer.wait_line("registered as 'another:1.0', expected 'countermark:1.0'")
        with pytest.raises(UnavailableError, match="could not launch chaincode"):
            network.client("trader").endorse("put", ["a", "1"])
    finally:
        network.close()


def _until_endorsed(network: EmbeddedNetwork, client: GatewayClient) -> None:
    """The peer dials by itself; its log says when it has got through."""
    assert network.peer is not None
    network.peer.wait_count("chaincode of SupervisorMSP .* is ready", 2)
    _put(client, "a", "1")
