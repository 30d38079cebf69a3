"""What Fabric's nodes are told: the settings that market, contracts and recovery rely on."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from countermark.network.identities import Role
from countermark.network.lifecycle.package import address_variable
from countermark.network.nodes.external_builder import CONFIGURATION
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.nodes.peer_settings import chaincode_environment
from countermark.network.nodes.places import native
from countermark.network.topology import load
from tests.support.clock import now_ms

MIB = 1 << 20


def settings(folder: NetworkFolder, node: str, name: str) -> Any:
    return yaml.safe_load((folder.node(node) / name).read_bytes())


@pytest.fixture
def core(made: NetworkFolder) -> Any:
    return settings(made, "peer0.supervisor", "core.yaml")


@pytest.fixture
def orderer(made: NetworkFolder) -> Any:
    return settings(made, "orderer0.supervisor", "orderer.yaml")


def test_peers_refuse_timestamps_far_from_their_clock(core: Any) -> None:
    """Without the filter clients date their transactions as they like, and every deadline rests on these dates."""
    filters = [one["name"] for one in core["peer"]["handlers"]["authFilters"]]
    assert filters == ["DefaultAuth", "ExpirationCheck", "TimeWindowCheck"]
    assert core["peer"]["authentication"]["timewindow"] == "5s"


def test_time_window_is_that_of_the_description(folder: NetworkFolder) -> None:
    text = folder.description.read_text().replace("time_window_s: 5", "time_window_s: 900")
    folder.description.write_text(text)
    generate(folder, load(folder.description), now_ms=now_ms(), found=True)
    windows = {
        settings(folder, peer.name, "core.yaml")["peer"]["authentication"]["timewindow"]
        for _, peer in load(folder.description).peers()
    }
    assert windows == {"900s"}


def test_a_contract_that_hangs_holds_the_ledger_for_five_seconds_at_most(core: Any) -> None:
    assert core["chaincode"]["executetimeout"] == "5s"


def test_purged_private_data_go_with_the_block(core: Any) -> None:
    assert core["ledger"]["pvtdataStore"]["purgeInterval"] == 1


def test_peers_find_one_another_again_in_a_second(core: Any) -> None:
    gossip = core["peer"]["gossip"]
    assert (gossip["reconnectInterval"], gossip["aliveTimeInterval"]) == ("1s", "1s")
    assert gossip["bootstrap"].split() == ["127.0.0.1:7009", "127.0.0.1:7014"], "both of the organisation"
    assert gossip["externalEndpoint"] == core["peer"]["address"] == "127.0.0.1:7009"


def test_private_values_wait_for_their_second_keeper(core: Any) -> None:
    assert core["peer"]["gossip"]["pvtData"]["pushAckTimeout"] == "3s"


def test_no_docker_engine_is_looked_for(core: Any) -> None:
    assert core["vm"]["endpoint"] == ""


def test_contracts_run_where_the_builder_says(made: NetworkFolder, core: Any) -> None:
    (builder,) = core["chaincode"]["externalBuilders"]
    assert (builder["path"], builder["propagateEnvironment"]) == (str(made.builder), [CONFIGURATION])


def test_everything_of_a_peer_is_behind_tls_but_its_health(core: Any, made: NetworkFolder) -> None:
    tls = core["peer"]["tls"]
    assert tls["enabled"] is True
    organisation = made.organisation_path("supervisor")
    assert tls["cert"]["file"] == str(organisation / "tls" / "peer0" / "cert.pem")
    assert core["operations"]["listenAddress"] == "127.0.0.1:7011"
    assert core["metrics"]["provider"] == "prometheus"


def test_peers_take_messages_as_large_as_the_contracts_send(core: Any, orderer: Any) -> None:
    assert core["peer"]["maxRecvMsgSize"] == core["peer"]["maxSendMsgSize"] == 100 * MIB
    assert orderer["General"]["MaxRecvMsgSize"] == orderer["General"]["MaxSendMsgSize"] == 100 * MIB


def test_history_and_health_can_be_asked_for(core: Any, orderer: Any) -> None:
    assert core["ledger"]["history"]["enableHistoryDatabase"] is True
    assert orderer["Operations"]["ListenAddress"] == "127.0.0.1:7021"
    assert orderer["Metrics"]["Provider"] == "prometheus"


def test_nobody_without_a_certificate_has_an_orderer_join_channels(orderer: Any, made: NetworkFolder) -> None:
    admin = orderer["Admin"]
    assert (admin["ListenAddress"], admin["TLS"]["Enabled"]) == ("127.0.0.1:7020", True)
    assert admin["TLS"]["ClientAuthRequired"] is True
    assert admin["TLS"]["ClientRootCAs"] == [str(made.organisation_path("supervisor") / "tlsca" / "cert.pem")]


def test_orderers_begin_without_a_system_channel_and_know_one_another_by_certificate(orderer: Any) -> None:
    assert orderer["General"]["BootstrapMethod"] == "none"
    assert orderer["ChannelParticipation"]["Enabled"] is True
    assert orderer["General"]["Cluster"]["ClientCertificate"] == orderer["General"]["TLS"]["Certificate"]
    assert orderer["General"]["TLS"]["Enabled"] is True


@pytest.mark.parametrize("node", ["peer0.platform", "peer1.supervisor", "orderer0.trader"])
def test_every_file_that_settings_name_is_there(made: NetworkFolder, node: str) -> None:
    name = "core.yaml" if node.startswith("peer") else "orderer.yaml"
    missing = [text for text in _texts(settings(made, node, name)) if text.endswith(".pem") and not _exists(text)]
    assert not missing


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in below for text in _texts(one)]


def _exists(text: str) -> bool:

    return Path(text).is_absolute() and Path(text).is_file()


@pytest.mark.parametrize("node", ["peer0.platform", "orderer0.platform"])
def test_nodes_tell_roles_by_units_and_have_one_key(made: NetworkFolder, node: str) -> None:
    msp = made.node(node) / "msp"
    units = yaml.safe_load((msp / "config.yaml").read_bytes())["NodeOUs"]
    assert units["Enable"] is True
    told = {one["OrganizationalUnitIdentifier"] for name, one in units.items() if name != "Enable"}
    assert told == {role.value for role in Role}
    assert {path.name for path in msp.iterdir()} == {"cacerts", "tlscacerts", "signcerts", "keystore", "config.yaml"}
    identity = made.organisation_path("platform") / "identities" / node.partition(".")[0]
    assert (msp / "signcerts" / "cert.pem").read_bytes() == (identity / "cert.pem").read_bytes()
    assert (msp / "keystore" / "key.pem").read_bytes() == (identity / "key.pem").read_bytes()


def test_a_peer_knows_the_servers_of_odd_and_even_sequences_apart(made: NetworkFolder) -> None:
    plan, peer = next(load(made.description).peers())
    places = native(made, plan.name, peer.name, peer.host)
    given = json.loads(chaincode_environment(peer, places, host="10.0.0.1")[CONFIGURATION])
    assert given[address_variable(1)] == given[address_variable(3)] == "10.0.0.1:7004"
    assert given[address_variable(2)] == "10.0.0.1:7005"
    assert given["client_key"] == places.tls_key, "a file: keys stand in no environment"
    assert not [value for value in given.values() if "PRIVATE" in value]
