"""Whoever keeps gateways away does not get to see what is secret, nor does he stop or double a transaction.

The embedded peer, whose organisations' endpoints are reached through relays that can be cut.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countermark.network.client import GatewayClient, Timeouts, UnavailableError
from tests.support.embedded import EmbeddedNetwork, embedded_network
from tests.support.tcp_relay import TcpRelay

ORGANISATIONS = ("platform", "supervisor", "trader")
BOTH = ("PlatformMSP", "SupervisorMSP")
SECRET = b"canary-opening-7f3a"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path_factory.mktemp("network")) as network:
        yield network


class Relayed:
    """The platform's client, which reaches each organisation's gateway through a relay."""

    def __init__(self, network: EmbeddedNetwork) -> None:
        self._stack = ExitStack()
        profiles = [network.profile(name) for name in ORGANISATIONS]
        self.relays = {name: TcpRelay(one.gateway) for name, one in zip(ORGANISATIONS, profiles, strict=True)}
        for relay in self.relays.values():
            self._stack.callback(relay.cut)
        relayed = [
            replace(profile, gateway=relay.address)
            for profile, relay in zip(profiles, self.relays.values(), strict=True)
        ]
        self.client = GatewayClient(*relayed, timeouts=Timeouts(evaluate=20, endorse=20, submit=20))
        self._stack.callback(self.client.close)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def relayed(network: EmbeddedNetwork) -> Iterator[Relayed]:
    relayed = Relayed(network)
    yield relayed
    relayed.close()


def test_secrets_never_reach_the_traders_gateway_however_many_others_are_away(relayed: Relayed) -> None:
    client, trader = relayed.client, relayed.relays["trader"]
    options: dict[str, Any] = {"transient": {"value": SECRET}, "endorsing_organisations": BOTH}
    for first in ("platform", "supervisor"):
        assert client.endorse("put_private", [f"by {first}"], **options).envelope
        relayed.relays[first].cut()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            client.endorse("put_private", ["k"], **options)
        with pytest.raises(UnavailableError):
            client.evaluate("whoami", transient={"value": SECRET})
    assert (trader.connections, trader.received) == (0, 0)
    # It is there, and what is public goes by it.
    assert client.endorse("put", ["k", "1"]).envelope
    assert trader.connections == 1


def test_a_transaction_goes_on_by_another_gateway_at_each_of_its_steps(relayed: Relayed) -> None:
    client = relayed.client
    start = client.newest_block().number + 1
    endorsed = client.endorse("put", ["moved", "1"])
    relayed.relays["platform"].cut()
    client.submit(endorsed.tx_id, endorsed.envelope)
    relayed.relays["supervisor"].cut()
    status = client.commit_status(endorsed.tx_id, 20)
    assert status.valid
    assert client.evaluate("get", ["moved"]) == b"1"
    (block,) = client.blocks(start, stop=start)
    assert [one.tx_id for one in block.transactions if one.valid] == [endorsed.tx_id]


def test_copies_through_different_gateways_have_one_effect(network: EmbeddedNetwork, relayed: Relayed) -> None:
    """An answer was lost, so the same bytes went to each: the verdict on the id is that of the one that counted."""
    endorsed = relayed.client.endorse("put", ["copies", "1"])
    others = [network.client(name) for name in ORGANISATIONS]
    for client in (relayed.client, *others):
        client.submit(endorsed.tx_id, endorsed.envelope)
    (status,) = {client.commit_status(endorsed.tx_id, 20) for client in (relayed.client, *others)}
    assert status.valid
    last = network.client("platform").endorse("put", ["after", "1"])
    others[0].submit(last.tx_id, last.envelope)
    end = others[0].commit_status(last.tx_id, 20).block_number
    blocks = others[0].blocks(status.block_number, stop=end)
    verdicts = [one.code_name for block in blocks for one in block.transactions if one.tx_id == endorsed.tx_id]
    assert verdicts == ["VALID", *["DUPLICATE_TXID"] * 3]


def test_a_second_profile_needs_no_key(network: EmbeddedNetwork, tmp_path: Path) -> None:
    """Nobody has to give his key away for his gateway to be asked."""
    other = replace(network.profile("supervisor"), cert_file=tmp_path / "none", key_file=tmp_path / "none")
    away = replace(network.profile("platform"), gateway="127.0.0.1:1")
    client = GatewayClient(away, other)
    endorsed = client.endorse("put", ["keyless", "1"])
    client.submit(endorsed.tx_id, endorsed.envelope)
    assert client.commit_status(endorsed.tx_id, 20).valid
    client.close()
