"""Edits of a configuration: each leaves everything else as it was, and refuses what makes no sense."""

from collections.abc import Callable

import pytest
from fabric_protos.common import configtx_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2

from countermark.network.blocks import ChannelConfig
from countermark.network.configuration import (
    consenters,
    with_anchor_peers,
    with_batch,
    with_consenter,
    with_consenter_certificates,
    with_msp,
    with_orderer_endpoints,
    with_orderer_organisation,
    with_organisation,
    without_consenter,
    without_orderer_organisation,
    without_organisation,
)
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, Consenter, Endpoint, OrdererOrganisation, PeerOrganisation
from countermark.network.identities import Msp, Organisation
from tests.unit.network.consortium import Network

FIRST, SECOND = Endpoint("127.0.0.1", 7050), Endpoint("127.0.0.1", 7150)


def names(config: ChannelConfig) -> set[str]:
    """Where the elements of the configuration stand."""
    found: set[str] = set()

    def walk(path: str, group: configtx_pb2.ConfigGroup) -> None:
        found.update(f"{path}/{name}" for name in (*group.values, *group.policies))
        for name, one in group.groups.items():
            walk(f"{path}/{name}", one)

    walk("", config.group)
    return found


def test_one_more_organisation_is_one_more_and_nothing_else(config: ChannelConfig, joining: PeerOrganisation) -> None:
    after = with_organisation(config, joining)
    assert after.organisations.msp_ids == ("NewcomerMSP", "PlatformMSP", "SupervisorMSP", "TraderMSP")
    assert after.organisations.msp("NewcomerMSP") == joining.msp
    new = names(after) - names(config)
    assert {name.rpartition("/")[0] for name in new} == {"/Application/NewcomerMSP"}
    assert config.organisations.msp_ids == ("PlatformMSP", "SupervisorMSP", "TraderMSP"), "the old one is as it was"
    assert without_organisation(after, "NewcomerMSP").group == config.group


def test_anchor_peers_come_change_and_go(config: ChannelConfig) -> None:
    anchors = (Endpoint("peer0.trader.example", 7051), Endpoint("peer1.trader.example", 7051))
    after = with_anchor_peers(config, "TraderMSP", anchors)
    assert names(after) == names(config)
    assert after.group != config.group
    gone = with_anchor_peers(after, "TraderMSP", ())
    assert names(config) - names(gone) == {"/Application/TraderMSP/AnchorPeers"}
    assert with_anchor_peers(gone, "TraderMSP", (Endpoint("127.0.0.1", 7053),)).group == config.group


def test_a_renewed_authority_stands_in_both_groups(
    config: ChannelConfig, network: Network, fourth: Organisation
) -> None:
    both = with_organisation(config, PeerOrganisation(network.orderers.msp))
    old, new = network.orderers.msp, fourth.msp
    renewed = Msp(old.msp_id, (*old.root_certs, *new.root_certs), (*old.tls_root_certs, *new.tls_root_certs))
    after = with_msp(both, renewed)
    assert after.orderers.msp(old.msp_id) == after.organisations.msp(old.msp_id) == renewed


def test_batch(config: ChannelConfig) -> None:
    after = with_batch(config, Batch(timeout_ms=500, max_messages=7))
    values = after.group.groups["Orderer"].values
    assert orderer_pb2.BatchTimeout.FromString(values["BatchTimeout"].value).timeout == "500ms"
    assert orderer_pb2.BatchSize.FromString(values["BatchSize"].value).max_message_count == 7
    assert with_batch(after, Batch(timeout_ms=200)).group == config.group


def test_raft_consenters_come_get_other_certificates_and_go(config: ChannelConfig) -> None:
    after = with_consenter(config, Consenter(SECOND, b"client", b"server"))
    assert [one.endpoint for one in consenters(after)] == [FIRST, SECOND]
    renewed = with_consenter_certificates(after, SECOND, client=b"new client", server=b"new server")
    assert consenters(renewed)[1] == Consenter(SECOND, b"new client", b"new server")
    assert consenters(renewed)[0] == consenters(config)[0]
    assert without_consenter(renewed, SECOND).group == config.group
    metadata = orderer_pb2.ConsensusType.FromString(after.group.groups["Orderer"].values["ConsensusType"].value)
    options = etcdraft_pb2.ConfigMetadata.FromString(metadata.metadata).options
    assert options.tick_interval == "100ms", "the timing stays"


def test_an_organisation_of_orderers_comes_moves_and_goes(config: ChannelConfig, fourth: Organisation) -> None:
    after = with_orderer_organisation(config, OrdererOrganisation(fourth.msp, (SECOND,)))
    assert after.orderers.msp_ids == ("NewcomerMSP", "OrdererMSP")
    moved = with_orderer_endpoints(after, "NewcomerMSP", (FIRST, SECOND))
    assert names(moved) == names(after)
    assert moved.group != after.group
    assert without_orderer_organisation(moved, "NewcomerMSP").group == config.group


def alone(config: ChannelConfig) -> ChannelConfig:
    return without_organisation(without_organisation(config, "TraderMSP"), "PlatformMSP")


REFUSED: dict[str, tuple[Callable[[ChannelConfig, Network], object], str]] = {
    "an organisation twice": (
        lambda config, network: with_organisation(config, PeerOrganisation(network.organisations["trader"].msp)),
        "organisation_exists",
    ),
    "an orderer organisation twice": (
        lambda config, network: with_orderer_organisation(config, OrdererOrganisation(network.orderers.msp, ())),
        "organisation_exists",
    ),
    "nobody goes": (lambda config, _: without_organisation(config, "NobodyMSP"), "unknown_organisation"),
    "orderers are no peers": (lambda config, _: without_organisation(config, "OrdererMSP"), "unknown_organisation"),
    "the last one goes": (
        lambda config, _: without_organisation(alone(config), "SupervisorMSP"),
        "last_organisation",
    ),
    "the last orderers go": (
        lambda config, _: without_orderer_organisation(config, "OrdererMSP"),
        "last_organisation",
    ),
    "anchors of nobody": (lambda config, _: with_anchor_peers(config, "NobodyMSP", ()), "unknown_organisation"),
    "authority of nobody": (
        lambda config, _: with_msp(config, Msp("NobodyMSP", (b"root",))),
        "unknown_organisation",
    ),
    "a consenter twice": (
        lambda config, _: with_consenter(config, Consenter(FIRST, b"c", b"s")),
        "consenter_exists",
    ),
    "a consenter that is none": (lambda config, _: without_consenter(config, SECOND), "unknown_consenter"),
    "the last consenter": (lambda config, _: without_consenter(config, FIRST), "last_consenter"),
    "certificates of nobody": (
        lambda config, _: with_consenter_certificates(config, SECOND, client=b"c", server=b"s"),
        "unknown_consenter",
    ),
}


@pytest.mark.parametrize("edit", REFUSED)
def test_what_makes_no_sense_is_refused(config: ChannelConfig, network: Network, edit: str) -> None:
    change, code = REFUSED[edit]
    with pytest.raises(ConfigurationError) as caught:
        change(config, network)
    assert caught.value.code == code
