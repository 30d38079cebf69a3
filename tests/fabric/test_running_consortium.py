"""What operators do while others trade: upgrade the contracts, let an organisation join, renew all certificates.

Three organisations with folders of their own; the platform's gateway and worker stand on the platform's folder.
"""

import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from countermark.chaincode import state
from countermark.network.client import ConnectionProfile, EvaluateError, GatewayClient
from countermark.network.lifecycle.patience import patiently
from countermark.network.native import nodes
from countermark.network.native.network import NativeNetwork
from countermark.network.native.servers import servers
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.topology import load
from tests.support import dishonest_chaincode
from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane, Market
from tests.support.command_line import countermark
from tests.support.fabric.consortium import Consortium, consortium
from tests.support.fabric.network import replaced
from tests.support.figures import show
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader, sell
from tests.support.sizes import size
from tests.support.whole_platform import Platform

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(600)]

LANES = 10
IN_FLIGHT = size(100, 1_000)
JOINED_WITHIN_S = 300
"""Five minutes."""


@dataclass
class Running:
    """The consortium, the platform on it, and whoever trades there."""

    consortium: Consortium
    platform: Platform
    directory: Path
    lanes: list[Lane] = field(default_factory=list)

    def new_lanes(self, count: int) -> list[Lane]:
        number = len(self.lanes)
        made = [
            Lane(self.platform, self.directory / f"lane{number + n}", number + n, random.Random(number + n))
            for n in range(count)
        ]
        self.lanes += made
        return made

    @contextmanager
    def trading(self, count: int = 4) -> Iterator[list[Lane]]:
        """Have `count` lanes trade as long as the context lasts; nothing that a trader tries may fail for good."""
        lanes = self.new_lanes(count)
        market = Market(lanes, target=0)
        thread = threading.Thread(target=market.run)
        thread.start()
        try:
            assert market.wait_begun(count, 60)
            yield lanes
            market.wait_begun(sum(len(lane.trades) for lane in lanes) + count, 60)
        finally:
            market.end()
            thread.join()
        assert market.failures == []

    def check(self) -> None:
        """Compare what is stored, on the ledger and by the platform, with all that was done so far."""
        bookkeeping.settle(self.platform)
        supervisor = self.platform.data / "connection" / "supervisor.json"
        shutil.copy(self.consortium.connection("supervisor"), supervisor)
        bookkeeping.check(self.platform, self.lanes)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("consortium")
    with consortium(directory / "folders") as made:
        options = ("--ledger", "fabric", "--dir", str(made.folders["platform"]), "--faucet")
        platform = Platform(directory / "platform", options=options)
        platform.start()
        (directory / "lanes").mkdir()
        running = Running(made, platform, directory / "lanes")
        try:
            yield running
        finally:
            for lane in running.lanes:
                lane.close()
            platform.stop()
            platform.discard()


def test_contracts_are_upgraded_with_trades_in_flight(running: Running) -> None:
    lanes = running.new_lanes(LANES)
    with ThreadPoolExecutor(LANES) as pool:
        begun = list(pool.map(lambda lane: [lane.begin() for _ in range(IN_FLIGHT // LANES)], lanes))
        assert sum(map(len, begun)) == IN_FLIGHT
        ends = [
            pool.submit(lambda lane=lane, some=some: [lane.finish(one) for one in some])
            for lane, some in zip(lanes, begun, strict=True)
        ]
        started = time.monotonic()
        running.consortium.each("upgrade", "--version", "1.1")
        running.consortium.each("upgrade", "--version", "1.1")
        seconds = time.monotonic() - started
        assert not all(one.done() for one in ends), "the trades were over before the upgrade was"
        for one in ends:
            one.result()
    for folder in running.consortium.folders.values():
        shown = countermark("network", "status", "--dir", folder)["nodes"]
        assert [one["detail"] for one in shown if one["kind"] == "chaincode"] == ["sequence 2"]
    running.check()
    retries = sum(lane.retries.total() for lane in lanes)
    show(f"upgrade of the contracts: {IN_FLIGHT} trades in flight, all settled; {seconds:.1f} s, {retries} retries")


def test_a_fourth_organisation_joins_while_three_trade(running: Running, tmp_path: Path) -> None:
    folders = running.consortium.folders
    acme, files = tmp_path / "acme", tmp_path / "files"
    files.mkdir()
    started = time.monotonic()
    with running.trading() as lanes:
        try:
            countermark(
                "network", "join-org", "invite", "--dir", folders["platform"], "-o", files / "invitation.json"
            )
            names = ("--name", "acme", "--msp-id", "AcmeMSP", "--domain", "acme.example")
            countermark("network", "join-org", "prepare", files / "invitation.json", "--dir", acme, *names)
            definition = acme / "definitions" / "acme.json"
            refused = countermark("network", "up", "--dir", acme, status=1)
            assert refused["error"]["code"] == "not_admitted"
            update = files / "update.json"
            checked = countermark("network", "join-org", "propose", definition, "--dir", folders["trader"], "--check")
            assert not update.exists()
            proposed = countermark(
                "network", "join-org", "propose", definition, "--dir", folders["trader"], "-o", update
            )
            assert checked["changes"] == proposed["changes"]
            assert any("AcmeMSP" in line for line in proposed["changes"])
            signatures = []
            for name in ("platform", "supervisor"):
                signature = files / f"{name}.signature.json"
                countermark("network", "join-org", "sign", update, "--dir", folders[name], "-o", signature)
                signatures += ["--signature", signature]
            submit = ("network", "join-org", "submit", update, "--dir", folders["trader"])
            refused = countermark(*submit, *signatures[:2], status=1)
            assert "wants 1 more of SupervisorMSP, TraderMSP" in refused["error"]["detail"]
            assert countermark(*submit, *signatures, "--check")["signed_by"] == ["PlatformMSP", "SupervisorMSP"]
            countermark(*submit, *signatures)
            assert countermark("network", "up", "--dir", acme)["ready"]
            for folder in folders.values():
                assert countermark("network", "join-org", "record", definition, "--dir", folder)["added"]
            assert countermark("network", "upgrade", "--version", "1.2", "--dir", acme)["missing"]
            running.consortium.each("upgrade", "--version", "1.2")
            running.consortium.each("upgrade", "--version", "1.2")
            countermark("network", "deploy", "--dir", acme)
            seconds = time.monotonic() - started
            check_endorses(acme)
            check_holds_hashes_alone(acme, lanes[0].listings[0])
        finally:
            if acme.exists():
                running.consortium.joined.append(acme)
    running.check()
    assert seconds < JOINED_WITHIN_S
    trades = sum(len(lane.trades) for lane in lanes)
    retries = sum(lane.retries.total() for lane in lanes)
    show(f"a fourth organisation joined in {seconds:.1f} s while {trades} trades ran, all settled; {retries} retries")


def test_all_certificates_are_renewed_under_load(running: Running) -> None:
    renewed = []
    started = time.monotonic()
    with running.trading() as lanes:
        for folder in (*running.consortium.folders.values(), *running.consortium.joined):
            before = {
                one["name"]: one["until"] for one in countermark("network", "certs", "--dir", folder)["certificates"]
            }
            renewed += countermark("network", "certs", "--renew", "--all", "--dir", folder)["renewed"]
            after = {
                one["name"]: one["until"] for one in countermark("network", "certs", "--dir", folder)["certificates"]
            }
            unchanged = {name for name, until in after.items() if until == before[name]}
            assert unchanged == {"ca", "tlsca"}
        seconds = time.monotonic() - started
    running.check()
    trades = sum(len(lane.trades) for lane in lanes)
    retries = sum(lane.retries.total() for lane in lanes)
    meanwhile = f"{trades} trades meanwhile, all settled; {retries} retries"
    show(f"certificates: {len(renewed)} renewed in {seconds:.1f} s, {meanwhile}")


def test_a_member_s_own_gateway_serves_its_trader(running: Running, tmp_path: Path) -> None:
    """On its own peer and database; of the members here, it is the one that has come last.

    After the others, whose books know of no trades but those of their lanes.
    """
    member = (*running.consortium.joined, running.consortium.folders["trader"])[0]
    platform = running.platform
    options = ("--ledger", "fabric", "--dir", str(member), "--platform", str(platform.gateway_file))
    own = Platform(tmp_path / "gateway", options=options)
    own.start()
    try:
        seller = RemoteTrader(platform, tmp_path / "seller", 5_000)
        buyer = RemoteTrader(own, tmp_path / "buyer", 50_000)
        photo, bought = photograph(tmp_path / "photo.jpg", 31), tmp_path / "bought.jpg"
        trade = sell(seller, buyer, photo, 20_000, bought)
        assert bought.read_bytes() == photo.read_bytes()
        assert buyer.trade(trade)["state"] == seller.trade(trade)["state"] == "SETTLED"
        assert buyer.balance() == 30_000
        for one in (seller, buyer):
            one.close()
    finally:
        assert own.stop() == 0
        own.discard()


def check_endorses(acme: Path) -> None:
    """Its endorsement and the supervisor's are what the policy wants; its own alone is not asked for by a gateway."""
    with closing(GatewayClient(ConnectionProfile.load(acme / "connection" / "acme.json"))) as client:
        patiently(lambda: client.endorse("market.show", endorsing_organisations=["AcmeMSP", "SupervisorMSP"]))


def check_holds_hashes_alone(acme: Path, listing: str) -> None:
    """Of the private collection its peer has nothing to show, not even to contracts that would."""
    folder = NetworkFolder(acme)
    network = NativeNetwork(folder, load(folder.description), report=lambda _: None)
    (server,) = servers(folder, network.topology, network.packages.in_use())
    assert len(list(nodes.peers(folder, network.topology))) == 1
    with closing(GatewayClient(ConnectionProfile.load(acme / "connection" / "acme.json"))) as client:
        key = state.opening(listing)
        with (
            replaced(server, Path(dishonest_chaincode.__file__)),
            pytest.raises(EvaluateError, match=r"private|collection"),
        ):
            patiently(lambda: client.evaluate("peek", [key], target_organisations=["AcmeMSP"]))
        patiently(lambda: client.evaluate("market.show"))
