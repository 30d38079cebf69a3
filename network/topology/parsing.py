"""network.yaml, read strictly: the schema is documented in docs/network.md."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from countermark.network.blocks import OutOf, Policy, SignedBy
from countermark.network.genesis import Batch
from countermark.network.topology import definitions
from countermark.network.topology.checks import check
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import (
    LONGEST_WINDOW_S,
    Consensus,
    Mode,
    Orderer,
    OrganisationPlan,
    Part,
    Peer,
    Topology,
)
from countermark.network.topology.names import CHAINCODE, CHANNEL, DOMAIN, HOST, MSP_ID, NAME, RESERVED, VERSION, Form
from countermark.network.topology.yaml_tree import LARGEST, Mapping, Value, parse

E = TypeVar("E", Mode, Consensus, Part)

_MOST = 64
"""Organisations, and nodes of one organisation."""


@dataclass(slots=True)
class _Reading:
    """What one reading of a description gathers."""

    folder: Path
    """Files that are named lie relative to it."""
    awaiting: bool
    """Whether definitions may be missing yet."""
    awaited: list[Path] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)


def load(path: Path, *, awaiting: bool = False) -> Topology:
    """Return the network that the file `path` describes; files that it names lie relative to it.

    With `awaiting`, definitions of other organisations may be missing yet.

    Raises:
        TopologyError: It cannot be read, is malformed, or describes what cannot be; says the line.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise TopologyError("no_description", f"{path}: {error.strerror}") from error
    try:
        return parse_topology(text, path.parent, awaiting=awaiting)
    except TopologyError as error:
        place = f"{path}, line {error.line}" if error.line else str(path)
        raise TopologyError(error.code, f"{place}: {error.detail.removeprefix(f'line {error.line}: ')}") from error


def parse_topology(text: bytes, folder: Path, *, awaiting: bool = False) -> Topology:
    """Return the network that `text` describes; files that it names lie relative to `folder`.

    With `awaiting`, definitions of other organisations may be missing yet.

    Raises:
        TopologyError: It is malformed or describes what cannot be.
    """
    reading = _Reading(folder, awaiting)
    top = parse(text).mapping()
    reading.lines = {f"{key}:": value.line for key, value in top.members.items()}
    chaincode = top.take("chaincode", Value.mapping)
    topology = Topology(
        name=top.take("network", _form(NAME)),
        mode=top.optional("mode", _choice(Mode), Mode.NATIVE),
        channel=top.take("channel", _form(CHANNEL)),
        chaincode=chaincode.take("name", _form(CHAINCODE)),
        version=chaincode.take("version", _form(VERSION)),
        consensus=top.optional("consensus", _choice(Consensus), Consensus.RAFT),
        batch=top.optional("batch", _batch, Batch()),
        # Peers of Fabric count in seconds here, and the market's guard does.
        time_window_s=top.take("time_window_s", lambda value: value.integer(1, LONGEST_WINDOW_S)),
        organisations=top.take("organisations", lambda value: _organisations(value, reading)),
        endorsement=top.optional("endorsement", _policy, None),
        lines=reading.lines,
    )
    chaincode.finish()
    top.finish()
    topology = replace(topology, awaited=tuple(reading.awaited))
    check(topology)
    return topology


def _organisations(value: Value, reading: _Reading) -> tuple[OrganisationPlan, ...]:
    found = [_organisation(one.mapping(), reading) for one in value.items()]
    if len(found) > _MOST:
        raise value.refuse("too_many", f"more than {_MOST}")
    return tuple(one for one in found if one is not None)


def _organisation(members: Mapping, reading: _Reading) -> OrganisationPlan | None:
    if "definition" in members.members:
        elsewhere = members.take("definition", lambda value: _elsewhere(value, reading))
        members.finish()
        return elsewhere
    lines = reading.lines
    name = members.take("name", lambda value: _unique(value, _form(NAME)(value), lines))
    organisation = OrganisationPlan(
        name=name,
        msp_id=members.take("msp_id", _form(MSP_ID)),
        domain=members.take("domain", _form(DOMAIN)),
        part=members.optional("part", _choice(Part), Part.MEMBER),
        peers=members.optional("peers", lambda value: tuple(_peer(one, name, lines) for one in _nodes(value)), ()),
        orderers=members.optional(
            "orderers", lambda value: tuple(_orderer(one, name, lines) for one in _nodes(value)), ()
        ),
    )
    members.finish()
    return organisation


def _elsewhere(value: Value, reading: _Reading) -> OrganisationPlan | None:
    """Return an organisation by its definition; None if that is yet to come."""
    name = value.text()
    if "\0" in name:
        raise value.refuse("malformed_value", "a file's name is expected")
    path = reading.folder / name
    if reading.awaiting and not path.exists():
        reading.awaited.append(path)
        return None
    try:
        plan = definitions.load(path).plan
    except TopologyError as error:
        raise value.refuse(error.code, error.detail) from error
    _unique(value, plan.name, reading.lines)
    return plan


def _unique(value: Value, name: str, lines: dict[str, int]) -> str:
    """Return `name` and note its line, which is that of `value`."""
    if name in lines:
        raise value.refuse("duplicate_name", f"{name} stands twice")
    lines[name] = value.line
    return name


def _nodes(value: Value) -> list[Value]:
    nodes = list(value.items())
    if len(nodes) > _MOST:
        raise value.refuse("too_many", f"more than {_MOST}")
    return nodes


def _peer(value: Value, organisation: str, lines: dict[str, int]) -> Peer:
    members = value.mapping()
    ports = members.take("ports", Value.mapping)
    peer = Peer(
        name=_node_name(members, organisation, lines),
        host=members.take("host", _form(HOST)),
        port=ports.take("peer", _port),
        listener=ports.take("listener", _port),
        operations=ports.take("operations", _port),
        chaincode=ports.take("chaincode", _two_ports),
    )
    ports.finish()
    members.finish()
    return peer


def _orderer(value: Value, organisation: str, lines: dict[str, int]) -> Orderer:
    members = value.mapping()
    ports = members.take("ports", Value.mapping)
    orderer = Orderer(
        name=_node_name(members, organisation, lines),
        host=members.take("host", _form(HOST)),
        port=ports.take("orderer", _port),
        admin=ports.take("admin", _port),
        operations=ports.take("operations", _port),
    )
    ports.finish()
    members.finish()
    return orderer


def _node_name(members: Mapping, organisation: str, lines: dict[str, int]) -> str:
    def named(value: Value) -> str:
        name = f"{_form(NAME)(value)}.{organisation}"
        if value.text() in RESERVED:
            raise value.refuse("malformed_value", f"{value.text()} is a member of every organisation, and no node")
        return _unique(value, name, lines)

    return members.take("name", named)


def _port(value: Value) -> int:
    return value.integer(1, 65_535)


def _two_ports(value: Value) -> tuple[int, int]:
    ports = [_port(one) for one in value.items()]
    if len(ports) != 2:
        raise value.refuse("malformed_value", "two ports are expected: of this chaincode and of its successor")
    return (ports[0], ports[1])


def _batch(value: Value) -> Batch:
    members = value.mapping()
    usual = Batch()
    batch = Batch(
        timeout_ms=members.optional("timeout_ms", lambda one: one.integer(10, 60_000), usual.timeout_ms),
        max_messages=members.optional("max_messages", lambda one: one.integer(1, 100_000), usual.max_messages),
    )
    members.finish()
    return batch


def _policy(value: Value) -> Policy:
    """Return a policy: an MSP id, whose peer is to sign, or `{out_of: n, of: [...]}`."""
    if not value.is_mapping:
        return SignedBy(_form(MSP_ID)(value))
    members = value.mapping()
    rules = members.take("of", lambda one: [_policy(rule) for rule in one.items()])
    count = members.take("out_of", lambda one: one.integer(1, _MOST))
    members.finish()
    if count > len(rules):
        raise value.refuse("impossible_policy", f"{count} of {len(rules)} rules can never hold")
    return OutOf(count, tuple(rules))


def _form(form: Form) -> Callable[[Value], str]:
    def parser(value: Value) -> str:
        text = value.text()
        if not form.fits(text):
            raise value.refuse("malformed_value", f"{form.what} is expected")
        return text

    return parser


def _choice(kind: type[E]) -> Callable[[Value], E]:
    def parser(value: Value) -> E:
        text = value.text()
        if text not in set(kind):
            raise value.refuse("malformed_value", f"one of {', '.join(kind)} is expected")
        return kind(text)

    return parser
