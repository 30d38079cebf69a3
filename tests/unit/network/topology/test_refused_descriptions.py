"""A network.yaml that cannot be is refused with the line and the reason, and no other error comes out."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.network.nodes.material import ADMIN, GATEWAY
from countermark.network.topology import Consensus, Mode, TopologyError, load, parse_topology
from countermark.network.topology.names import RESERVED
from tests.support.sizes import size
from tests.unit.network.topology.descriptions import changed, default, line_of
from tests.unit.network.topology.refused import CASES

NOWHERE = Path("nowhere")


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_line_and_reason(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    text = changed(case.old, case.new)
    with pytest.raises(TopologyError, match=case.words) as refused:
        parse_topology(text.encode(), tmp_path)
    assert (refused.value.code, refused.value.line) == (case.code, line_of(text, case.place))
    assert f"line {refused.value.line}: " in refused.value.detail


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"# nothing\n", "empty"),
        (b"just words", "malformed_value"),
        (b"[1, 2]", "malformed_value"),
        (b"\x00\x01\xff\xfe", "not_yaml"),
        (b"\x80abc", "not_yaml"),
        (b"network: \xed\xa0\x80", "not_yaml"),
        (b"network: \x1b[2J", "not_yaml"),
        (b"[" * 50_000, "too_deep"),
        (b"{a: " * 50_000, "too_deep"),
        (b"- " * 50_000, "too_deep"),
        (b"endorsement: " + b"{out_of: 1, of: [" * 200, "too_deep"),
        (b"#" * (1 << 20) + b"\n", "too_large"),
        (b"a: &a [*a]", "alias"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_description_at_all_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(TopologyError) as refused:
        parse_topology(data, NOWHERE)
    assert refused.value.code == code


def test_a_few_bytes_cannot_become_much(tmp_path: Path) -> None:
    """Aliases of aliases of aliases: 10 ** 20 times the same word."""
    lines = ["a0: &a0 lol", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20))]
    with pytest.raises(TopologyError, match="aliases") as refused:
        parse_topology("\n".join(lines).encode(), tmp_path)
    assert refused.value.line == 2


def test_more_organisations_or_nodes_than_a_network_has_are_refused() -> None:
    organisation = "  - {{name: o{0}, msp_id: O{0}, domain: o{0}.example}}\n"
    text = default() + "".join(organisation.format(number) for number in range(64))
    with pytest.raises(TopologyError, match="organisations: more than 64"):
        parse_topology(text.encode(), NOWHERE)
    node = "      - {{name: o{0}, host: a, ports: {{orderer: 1, admin: 2, operations: 3}}}}\n"
    text = default() + "".join(node.format(number + 1) for number in range(64))
    with pytest.raises(TopologyError, match="orderers: more than 64"):
        parse_topology(text.encode(), NOWHERE)


@pytest.mark.parametrize("part", ["platform", "supervisor", "trader"])
def test_an_organisation_that_has_to_endorse_and_has_no_peer_is_refused(part: str) -> None:
    text = default()
    begin = text.index("    peers:", text.index(f"- name: {part}"))
    without = text[:begin] + text[text.index("    orderers:", begin) :]
    expected = "missing_organisation" if part == "trader" else "missing_peer"
    with pytest.raises(TopologyError) as refused:
        parse_topology(without.encode(), NOWHERE)
    assert refused.value.code == expected
    assert refused.value.line == line_of(without, "organisations:" if part == "trader" else f"- name: {part}")


def test_a_member_without_any_node_is_refused() -> None:
    text = default() + "  - {name: idle, msp_id: IdleMSP, domain: idle.example}\n"
    with pytest.raises(TopologyError, match="idle has no peer") as refused:
        parse_topology(text.encode(), NOWHERE)
    assert refused.value.line == line_of(text, "{name: idle")


def test_a_network_that_nothing_orders_for_is_refused() -> None:
    text = re.sub(r"    orderers:\n(?:      .*\n|        .*\n)*", "", default())
    with pytest.raises(TopologyError) as refused:
        parse_topology(text.encode(), NOWHERE)
    assert (refused.value.code, refused.value.line) == ("missing_orderer", line_of(text, "organisations:"))


def test_ports_of_containers_are_all_published_on_one_machine() -> None:
    text = default(Mode.COMPOSE)
    clashing = changed("{orderer: 7019", "{orderer: 7001", text)
    with pytest.raises(TopologyError, match=r"orderer0\.supervisor: port 7001 is taken by peer0\.platform"):
        parse_topology(clashing.encode(), NOWHERE)
    inside = changed("listener: 7010", "listener: 7002", text)
    assert parse_topology(inside.encode(), NOWHERE).mode is Mode.COMPOSE, "that one is not"
    elsewhere = changed("mode: compose", "mode: native", clashing)
    assert parse_topology(elsewhere.encode(), NOWHERE).mode is Mode.NATIVE, "those are two machines"


def test_bft_bears_one_liar_from_four_on() -> None:
    assert parse_topology(default(consensus=Consensus.BFT).encode(), NOWHERE).consensus is Consensus.BFT


def test_names_of_members_are_those_that_nodes_may_not_have() -> None:
    assert {ADMIN, GATEWAY} == RESERVED


def test_a_file_is_named_in_its_refusal_and_its_line(tmp_path: Path) -> None:
    path = tmp_path / "network.yaml"
    path.write_text(changed("mode: native", "mod: native"))
    with pytest.raises(TopologyError, match=rf"unknown_key: {re.escape(str(path))}, line 3: unknown key mod"):
        load(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(TopologyError, match="no_description"):
            load(path)


def test_of_an_endless_file_no_more_is_read_than_a_description_may_have() -> None:
    with pytest.raises(TopologyError, match="too_large"):
        load(Path("/dev/zero"))


# Anything at all

_DEFAULT = default().encode()
_PIECES = [
    b"",
    b"\n",
    b"  ",
    b":",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"&a",
    b"*a",
    b"!!binary ",
    b"\0",
    b'"',
    b"'",
    b"|",
    b"0",
]
_edits = st.lists(
    st.tuples(st.integers(0, len(_DEFAULT)), st.integers(0, 40), st.sampled_from(_PIECES) | st.binary(max_size=8)),
    min_size=1,
    max_size=4,
)


def refusal(data: bytes) -> TopologyError | None:
    """How `data` is refused; no other error may come out."""
    try:
        parse_topology(data, NOWHERE)
    except TopologyError as error:
        return error
    return None


def check_whatever(data: bytes) -> None:
    error = refusal(data)
    breaks = sum(data.count(one) for one in (b"\n", b"\r", b"\x85", b"\xe2\x80"))
    assert error is None or (error.code and 0 <= error.line <= breaks + 1)


@settings(max_examples=size(60, 5_000))
@given(_edits)
def test_a_damaged_description_ends_in_no_other_error(edits: list[tuple[int, int, bytes]]) -> None:
    data = _DEFAULT
    for at, length, piece in edits:
        data = data[:at] + piece + data[at + length :]
    check_whatever(data)


@settings(max_examples=size(60, 5_000))
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")))
def test_random_bytes_end_in_no_other_error(data: bytes) -> None:
    check_whatever(data)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=10), below, max_size=3),
    max_leaves=8,
)


@settings(max_examples=size(60, 5_000))
@given(st.sampled_from(["network", "mode", "channel", "chaincode", "batch", "organisations", "endorsement"]), _values)
def test_any_value_under_a_known_key_ends_in_no_other_error(key: str, value: object) -> None:

    text = re.sub(rf"^{key}:.*\n(?:  .*\n)*", "", default(), flags=re.MULTILINE)
    check_whatever(f"{text}{key}: {json.dumps(value)}\n".encode())
