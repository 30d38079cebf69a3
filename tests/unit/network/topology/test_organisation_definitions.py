"""An organisation's definition, as it goes to the others: complete, without a secret, and read strictly."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermark.network.topology import TopologyError, parse_topology
from countermark.network.topology.definitions import OrganisationDefinition, load, parse
from tests.unit.network.topology.descriptions import default, line_of, outsider

PLACE = Path("guest.json")
LARGEST = 1 << 20

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> OrganisationDefinition:
    return outsider(tmp_path_factory.mktemp("guest"))


@pytest.fixture
def document(guest: OrganisationDefinition) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(guest.dumps())
    return made


def test_it_is_read_as_it_was_written(guest: OrganisationDefinition) -> None:
    path = guest.plan.definition
    assert path is not None
    assert parse(guest.dumps(), path) == guest
    assert parse(guest.dumps(), path).dumps() == guest.dumps()


def test_it_holds_no_private_key(guest: OrganisationDefinition) -> None:
    assert b"PRIVATE" not in guest.dumps()
    assert guest.dumps().count(b"BEGIN CERTIFICATE") == 4, "two authorities, and two certificates of the orderer"


def _set(member: str, value: object) -> Change:
    return lambda document: document.__setitem__(member, value)


def _node(kind: str, member: str, value: object) -> Change:
    return lambda document: document[kind][0].__setitem__(member, value)


CHANGES: dict[str, Change] = {
    "superfluous member": _set("peer", []),
    "missing member": lambda document: document.pop("domain"),
    "name of another kind": _set("name", 7),
    "name as a path": _set("name", "../guest"),
    "MSP id with a slash": _set("msp_id", "Guest/MSP"),
    "domain of one label": _set("domain", "guest"),
    "unknown part": _set("part", "auditor"),
    "part in a list": _set("part", ["member"]),
    "part as a number": _set("part", 1),
    "peers as an object": _set("peers", {}),
    "peers of texts": _set("peers", ["peer0"]),
    "no authority": _set("root_certs", []),
    "no authority for TLS": _set("tls_root_certs", []),
    "authority that is no certificate": _set("root_certs", ["-----BEGIN CERTIFICATE-----\n"]),
    "authority of another kind": _set("root_certs", [7]),
    "surrogates as a certificate": _set("root_certs", ["\ud800"]),
    "node of another organisation": _node("peers", "name", "peer0.platform"),
    "node without an organisation": _node("peers", "name", "peer0"),
    "node twice": lambda document: document["peers"].append(document["peers"][0]),
    "orderer with a peer's name": _node("orderers", "name", "peer0.guest"),
    "superfluous member of a peer": _node("peers", "identity", ""),
    "host with a port": _node("peers", "host", "a:1"),
    "port 0": _node("peers", "port", 0),
    "port 65536": _node("orderers", "port", 65_536),
    "port as a text": _node("peers", "port", "7051"),
    "true as a port": _node("peers", "port", True),
    "broken port": _node("peers", "port", 7051.5),
    "orderer without certificates": _node("orderers", "tls", ""),
    "orderer with a key for a certificate": _node("orderers", "identity", "-----BEGIN PRIVATE KEY-----\n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_definition_is_refused(document: dict[str, Any], name: str) -> None:
    CHANGES[name](document)
    with pytest.raises(TopologyError) as refused:
        parse(json.dumps(document).encode(), PLACE)
    assert refused.value.code == "malformed_definition"
    assert refused.value.detail


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"{", b"\xff", b"[" * 9_000, b" " * (LARGEST + 1), b'{"a": NaN}', b"1" * 5_000],
    ids=lambda data: repr(data[:10]),
)
def test_what_is_no_definition_is_refused(data: bytes) -> None:
    with pytest.raises(TopologyError, match="malformed_definition"):
        parse(data, PLACE)


def test_no_byte_of_it_can_go_wrong_in_another_way(guest: OrganisationDefinition) -> None:
    data = guest.dumps()

    @given(st.integers(0, len(data)), st.integers(0, 20), st.binary(max_size=4))
    def damage(at: int, length: int, piece: bytes) -> None:
        changed = data[:at] + piece + data[at + length :]
        try:
            definition = parse(changed, PLACE)
        except TopologyError as error:
            assert error.code == "malformed_definition"  # noqa: PT017 - any other error fails the test by itself
        else:
            assert parse(definition.dumps(), PLACE) == definition

    damage()


def test_refusal_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "guest.json"
    with pytest.raises(TopologyError, match=rf"no_definition: {re.escape(str(path))}: No such file"):
        load(path)
    path.write_bytes(b"{}")
    with pytest.raises(TopologyError, match=rf"malformed_definition: {re.escape(str(path))}: name is missing"):
        load(path)


def test_a_description_that_names_it_says_on_which_line(tmp_path: Path) -> None:
    (tmp_path / "guest.json").write_bytes(b"{}")
    text = default() + "  - definition: guest.json\n"
    with pytest.raises(TopologyError, match=r"guest\.json: name is missing") as refused:
        parse_topology(text.encode(), tmp_path)
    assert (refused.value.code, refused.value.line) == ("malformed_definition", line_of(text, "guest.json"))


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [("name", "platform", "malformed_definition"), ("msp_id", "PlatformMSP", "duplicate_msp_id")],
)
def test_it_cannot_stand_for_another_organisation(
    tmp_path: Path, document: dict[str, Any], member: str, value: str, code: str
) -> None:
    (tmp_path / "guest.json").write_text(json.dumps({**document, member: value}))
    text = default() + "  - definition: guest.json\n"
    with pytest.raises(TopologyError) as refused:
        parse_topology(text.encode(), tmp_path)
    assert (refused.value.code, refused.value.line) == (code, line_of(text, "guest.json"))


def test_an_organisation_that_is_here_is_not_taken_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "platform.json").write_bytes(outsider(tmp_path / "keys", name="platform").dumps())
    text = default() + "  - definition: platform.json\n"
    with pytest.raises(TopologyError) as refused:
        parse_topology(text.encode(), tmp_path)
    assert (refused.value.code, refused.value.line) == ("duplicate_name", line_of(text, "platform.json"))


def test_nodes_of_others_do_not_share_an_address(tmp_path: Path, document: dict[str, Any]) -> None:
    document["peers"][0] |= {"host": "127.0.0.1", "port": 7001}
    (tmp_path / "guest.json").write_text(json.dumps(document))
    text = default() + "  - definition: guest.json\n"
    with pytest.raises(TopologyError, match=r"peer0\.guest: port 7001 is taken by peer0\.platform") as refused:
        parse_topology(text.encode(), tmp_path)
    assert refused.value.line == line_of(text, "guest.json")
