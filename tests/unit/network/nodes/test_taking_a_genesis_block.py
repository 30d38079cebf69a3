"""Who did not found the channel follows only a block that says what his own description does."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2

from countermark.network.blocks.building import build_block
from countermark.network.errors import IdentityError
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.founding import take_genesis
from countermark.network.nodes.generation import Generated, generate
from countermark.network.nodes.material import make_genesis
from countermark.network.topology import TopologyError, load
from tests.support.clock import now_ms
from tests.support.trees import tree
from tests.unit.network.nodes.operators import NAMES, separate_folders
from tests.unit.network.topology.descriptions import outsider

Edit = Callable[[Any], None]


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NetworkFolder]:
    """The platform has founded; the others wait."""
    folders = separate_folders(tmp_path_factory.mktemp("operators"))
    founder = folders["platform"]
    assert make_genesis(founder, load(founder.description), now_ms=now_ms())
    return folders


@pytest.fixture
def block(operators: dict[str, NetworkFolder]) -> bytes:
    return operators["platform"].genesis.read_bytes()


@pytest.fixture
def trader(operators: dict[str, NetworkFolder], tmp_path: Path) -> NetworkFolder:
    copy = NetworkFolder(tmp_path / "trader")
    shutil.copytree(operators["trader"].path, copy.path)
    return copy


def take(folder: NetworkFolder, block: bytes) -> None:
    take_genesis(folder, load(folder.description), block)


def refused(folder: NetworkFolder, block: bytes, words: str, code: str = "other_genesis") -> None:
    before = tree(folder.path)
    with pytest.raises(TopologyError, match=words) as refusal:
        take(folder, block)
    assert refusal.value.code == code
    assert tree(folder.path) == before


@pytest.mark.parametrize("name", ["supervisor", "trader"])
def test_the_founders_block_is_taken_whoever_stands_first_in_a_description(
    operators: dict[str, NetworkFolder], tmp_path: Path, block: bytes, name: str
) -> None:
    folder = NetworkFolder(tmp_path / name)
    shutil.copytree(operators[name].path, folder.path)
    for _ in range(2):
        take(folder, block)
    assert folder.genesis.read_bytes() == block
    made = generate(folder, load(folder.description), now_ms=now_ms(), found=True)
    assert made == Generated(founded=False, waiting=False)
    assert folder.genesis.read_bytes() == block


def test_no_folder_holds_keys_of_two_organisations(operators: dict[str, NetworkFolder]) -> None:
    for name, folder in operators.items():
        assert [path.name for path in (folder.path / "organisations").iterdir()] == [name]
        received = [path.read_bytes() for path in (folder.path / "received").iterdir()]
        assert len(received) == 2
        assert not [data for data in received if b"PRIVATE" in data]


def test_keys_come_before_the_others_definitions(tmp_path: Path, operators: dict[str, NetworkFolder]) -> None:
    folder = NetworkFolder(tmp_path)
    folder.description.write_text(operators["trader"].description.read_text())
    topology = load(folder.description, awaiting=True)
    assert [one.name for one in topology.organisations] == ["trader"]
    assert topology.awaited == tuple(tmp_path / "received" / f"{name}.json" for name in NAMES if name != "trader")
    with pytest.raises(TopologyError, match=r"received/platform\.json: No such file"):
        load(folder.description)


@pytest.mark.parametrize("data", [b"", b"\0", b"block", b"\x0a\x00" * 50], ids=repr)
def test_what_is_no_block_is_refused(trader: NetworkFolder, data: bytes) -> None:
    refused(trader, data, "malformed_genesis", "malformed_genesis")


def test_a_cut_block_is_refused(trader: NetworkFolder, block: bytes) -> None:
    refused(trader, block[:-1], "malformed_genesis", "malformed_genesis")


def remade(block: bytes, edit: Edit, *, number: int = 0, channel: str = "") -> bytes:
    """The block with another configuration, as its founder could make it."""
    envelope = common_pb2.Envelope.FromString(common_pb2.Block.FromString(block).data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    edit(config.config.channel_group)
    payload.data = config.SerializeToString()
    if channel:
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        header.channel_id = channel
        payload.header.channel_header = header.SerializeToString()
    envelope.payload = payload.SerializeToString()
    return build_block(number, b"", [envelope.SerializeToString()], last_config=0, orderer=None)


def same(_: Any) -> None:
    """Change nothing."""


def test_the_same_configuration_in_another_block_is_taken_once(trader: NetworkFolder, block: bytes) -> None:
    take(trader, remade(block, same))
    refused(trader, remade(block, same, channel="market") + b"\x22\x00", "is another block")


@pytest.mark.parametrize(("number", "channel"), [(1, ""), (0, "fair")])
def test_another_block_or_channel_is_refused(trader: NetworkFolder, block: bytes, number: int, channel: str) -> None:
    changed = remade(block, same, number=number, channel=channel)
    refused(trader, changed, "not block 0 of the channel market", "malformed_genesis")


def stranger(root: Any) -> None:
    """Somebody whom the others were not told of."""
    groups = root.groups["Application"].groups
    groups["GuestMSP"].CopyFrom(groups["TraderMSP"])
    _rename(groups["GuestMSP"], "GuestMSP")


def _rename(group: Any, msp_id: str) -> None:
    outer = msp_config_pb2.MSPConfig.FromString(group.values["MSP"].value)
    inner = msp_config_pb2.FabricMSPConfig.FromString(outer.config)
    inner.name = msp_id
    outer.config = inner.SerializeToString()
    group.values["MSP"].value = outer.SerializeToString()


def test_an_organisation_that_nobody_was_told_of_is_found(trader: NetworkFolder, block: bytes) -> None:
    refused(trader, remade(block, stranger), "it knows GuestMSP, whom the description does not")


def other_root(msp_id: str, *kinds: str) -> Edit:
    """As if the founder had put an authority of his own in the place of somebody else's."""

    def edit(root: Any) -> None:
        for kind in kinds or ("Application", "Orderer"):
            groups = root.groups[kind].groups
            groups[msp_id].values["MSP"].value = groups["PlatformMSP"].values["MSP"].value
            _rename(groups[msp_id], msp_id)

    return edit


@pytest.mark.parametrize("msp_id", ["TraderMSP", "SupervisorMSP"])
def test_an_exchanged_authority_is_found_and_named(trader: NetworkFolder, block: bytes, msp_id: str) -> None:
    places = ", ".join(f"Channel/{kind}/{msp_id}/MSP" for kind in ("Application", "Orderer"))
    refused(trader, remade(block, other_root(msp_id)), f"not say what the description does: {places}$")


@pytest.mark.parametrize("kind", ["Application", "Orderer"])
def test_an_authority_exchanged_in_one_place_only_is_no_configuration(
    trader: NetworkFolder, block: bytes, kind: str
) -> None:
    refused(trader, remade(block, other_root("TraderMSP", kind)), "two versions of its MSP", "malformed_genesis")


def weaker(root: Any) -> None:
    policy = root.groups["Application"].policies["Admins"].policy
    meta = policies_pb2.ImplicitMetaPolicy(rule=policies_pb2.ImplicitMetaPolicy.ANY, sub_policy="Admins")
    policy.value = meta.SerializeToString()


def left_out(root: Any) -> None:
    del root.groups["Application"].policies["LifecycleEndorsement"]


def own_changes(root: Any) -> None:
    root.groups["Application"].mod_policy = "/Channel/Application/PlatformMSP/Admins"


def slower(root: Any) -> None:
    value = root.groups["Orderer"].values["BatchTimeout"]
    value.value = orderer_pb2.BatchTimeout(timeout="60s").SerializeToString()


def older(root: Any) -> None:
    capabilities = configuration_pb2.Capabilities()
    capabilities.capabilities["V2_0"].SetInParent()
    root.groups["Application"].values["Capabilities"].value = capabilities.SerializeToString()


def one_orderer_less(root: Any) -> None:
    del root.groups["Orderer"].groups["TraderMSP"]


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (weaker, "Channel/Application/Admins"),
        (left_out, "Channel/Application/LifecycleEndorsement"),
        (own_changes, "Channel/Application"),
        (slower, "Channel/Orderer/BatchTimeout"),
        (older, "Channel/Application/Capabilities"),
        (one_orderer_less, "Channel/Orderer/TraderMSP"),
    ],
)
def test_whatever_else_the_founder_has_written_differently_is_found(
    trader: NetworkFolder, block: bytes, edit: Edit, place: str
) -> None:
    refused(trader, remade(block, edit), place)


def test_a_description_with_other_settings_is_not_what_was_founded(trader: NetworkFolder, block: bytes) -> None:
    text = trader.description.read_text()
    trader.description.write_text(text.replace("timeout_ms: 200", "timeout_ms: 300"))
    refused(trader, block, "Channel/Orderer/BatchTimeout")


def test_keys_that_are_missing_are_not_made_for_a_block_that_knows_others(
    trader: NetworkFolder, block: bytes
) -> None:
    shutil.rmtree(trader.organisation_path("trader"))
    with pytest.raises(IdentityError, match="no_organisation"):
        take(trader, block)
    assert not trader.genesis.exists()


def test_keys_made_anew_are_not_those_that_the_block_knows(trader: NetworkFolder, block: bytes) -> None:
    shutil.rmtree(trader.organisation_path("trader"))
    generate(trader, load(trader.description), now_ms=now_ms(), found=False)
    refused(trader, block, "Channel/Application/TraderMSP/MSP")


@pytest.fixture
def guest(operators: dict[str, NetworkFolder], tmp_path: Path) -> NetworkFolder:
    """The folder of an organisation that joins later, whose description says more than the block does."""
    folder = NetworkFolder(tmp_path / "guest")
    shutil.copytree(operators["platform"].path / "received", folder.path / "received")
    own = operators["platform"].definition("platform").read_bytes()
    (folder.path / "received" / "platform.json").write_bytes(own)
    newcomer = outsider(tmp_path / "keys", orderers=False)
    (folder.path / "received" / "guest.json").write_bytes(newcomer.dumps())
    head = operators["trader"].description.read_text().partition("  - name: ")[0]
    names = (*NAMES, "guest")
    folder.description.write_text(head + "".join(f"  - definition: received/{name}.json\n" for name in names))
    return folder


def test_who_joins_later_takes_it_too(guest: NetworkFolder, block: bytes) -> None:
    take(guest, block)
    assert guest.genesis.read_bytes() == block


def test_who_joins_later_is_not_shown_another_authority_either(guest: NetworkFolder, block: bytes) -> None:
    changed = remade(block, other_root("TraderMSP"))
    refused(guest, changed, "Channel/Application/TraderMSP/MSP, Channel/Orderer/TraderMSP/MSP$")
