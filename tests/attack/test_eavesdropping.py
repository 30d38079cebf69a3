"""Somebody on every wire behind the gateway; `tests/end_to_end/test_eavesdropper.py` has the one before it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from countermark.network.client import GatewayClient
from tests.support.eavesdropping import Eavesdropper, check_is_tls
from tests.support.embedded import EmbeddedNetwork

ORGANISATIONS = ("platform", "supervisor", "trader")
SECRET = b"canary-opening-of-a-fingerprint-7f3a"
PUBLIC = "canary-of-what-the-channel-may-read"


@dataclass
class Tapped:
    """An embedded peer whose wires, to its chaincodes and from its clients, all go by an eavesdropper."""

    to_chaincodes: list[Eavesdropper]
    from_clients: list[Eavesdropper]
    client: GatewayClient

    @property
    def heard(self) -> list[bytes]:
        return [bytes(record) for wire in (*self.to_chaincodes, *self.from_clients) for record in wire.heard]


@pytest.fixture
def tapped(tmp_path: Path) -> Iterator[Tapped]:
    network = EmbeddedNetwork(tmp_path)
    with ExitStack() as stack:
        stack.callback(network.close)

        def tap(address: str) -> Eavesdropper:
            wire = Eavesdropper(address)
            stack.callback(wire.close)
            return wire

        inner = []
        for organisation in network.material.settings.organisations:
            network.start_chaincode(organisation.name, organisation.msp_id)
            line = network.chaincodes[organisation.msp_id].wait_line(r"chaincode listening on ([^\s\"]+)")
            inner.append(tap(line.group(1)))
            network.addresses[organisation.msp_id] = inner[-1].address
        network.start_peer()
        profiles = [network.profile(name) for name in ORGANISATIONS]
        outer = [tap(profile.gateway) for profile in profiles]
        client = GatewayClient(
            *(replace(profile, gateway=wire.address) for profile, wire in zip(profiles, outer, strict=True))
        )
        stack.callback(client.close)
        yield Tapped(inner, outer, client)


@pytest.mark.requirement("R82")
def test_outsider_eavesdrops_on_all_wires(tapped: Tapped) -> None:
    client = tapped.client
    for function, args, transient in (("put", ["k", PUBLIC], {}), ("put_private", ["k"], {"value": SECRET})):
        both = ("PlatformMSP", "SupervisorMSP")
        endorsed = client.endorse(function, args, transient=transient, endorsing_organisations=both)
        client.submit(endorsed.tx_id, endorsed.envelope)
        assert client.commit_status(endorsed.tx_id, 20).valid
    assert client.evaluate("get", ["k"]) == PUBLIC.encode()
    for wire in (*tapped.to_chaincodes[:2], tapped.from_clients[0]):
        assert sum(check_is_tls(bytes(record)) for record in wire.heard) > len(SECRET), "it went by here"
    for record in tapped.heard:
        check_is_tls(record)
        for secret in (SECRET, PUBLIC.encode(), b"put_private"):
            assert secret not in record
