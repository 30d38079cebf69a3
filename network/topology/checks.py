"""What no network can be, however well its description is written: ports that clash, parts that nobody plays."""

from collections.abc import Iterator

from countermark.network.blocks import OutOf, Policy, SignedBy, satisfied
from countermark.network.identities import Member, Role
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import Consensus, Orderer, OrganisationPlan, Part, Peer, Topology

_BFT_LEAST = 4
"""Orderers that it takes to bear one that lies."""


def check(topology: Topology) -> None:
    """Return if `topology` could work.

    Raises:
        TopologyError: It could not; says why, and the line.
    """
    _check_parts(topology)
    _check_msp_ids(topology)
    _check_ports(topology)
    _check_orderers(topology)
    _check_policy(topology)


def _check_parts(topology: Topology) -> None:
    for part in (Part.PLATFORM, Part.SUPERVISOR):
        found = [one for one in topology.organisations if one.part is part]
        if not found:
            raise TopologyError("missing_organisation", f"no organisation has the part {part}")
        if len(found) > 1:
            raise _refuse(topology, found[1].name, "duplicate_part", f"{found[0].name} is the {part} already")
    for one in topology.organisations:
        if not one.peers and (one.part is not Part.MEMBER or not one.orderers):
            raise _refuse(topology, one.name, "missing_peer", f"{one.name} has no peer")
    if len(topology.msp_ids) < 3:
        # The supervisor and one *other* endorse; of two, the other could only be the platform, always.
        raise TopologyError("missing_organisation", "no organisation with peers but platform and supervisor")


def _check_msp_ids(topology: Topology) -> None:
    seen: dict[str, str] = {}
    for one in topology.organisations:
        if one.msp_id in seen:
            raise _refuse(topology, one.name, "duplicate_msp_id", f"{one.msp_id} is the MSP of {seen[one.msp_id]}")
        seen[one.msp_id] = one.name


def _check_ports(topology: Topology) -> None:
    seen: dict[tuple[str, int], str] = {}
    for node in _nodes(topology.organisations):
        for port in node.ports:
            if not port:
                continue  # of another's node, not told
            other = seen.setdefault((node.host, port), node.name)
            if other != node.name or node.ports.count(port) > 1:
                whom = "itself" if other == node.name else other
                raise _refuse(topology, node.name, "port_clash", f"{node.name}: port {port} is taken by {whom}")


def _check_orderers(topology: Topology) -> None:
    count = sum(len(one.orderers) for one in topology.organisations)
    if not count:
        raise TopologyError("missing_orderer", "no organisation runs an orderer")
    if topology.consensus is Consensus.BFT and count < _BFT_LEAST:
        raise TopologyError("missing_orderer", f"BFT wants at least {_BFT_LEAST} orderers, there are {count}")


def _check_policy(topology: Topology) -> None:
    if topology.endorsement is None:
        return
    named = set(_signers(topology.endorsement))
    unknown = named - set(topology.msp_ids)
    if unknown:
        raise TopologyError("impossible_policy", f"endorsement: {', '.join(sorted(unknown))} has no peer here")
    everybody = [Member(msp_id, Role.PEER, "") for msp_id in topology.msp_ids]
    if not satisfied(topology.endorsement, everybody):
        raise TopologyError("impossible_policy", "endorsement: not even all organisations together satisfy it")
    supervisor = topology.part(Part.SUPERVISOR).msp_id
    if satisfied(topology.endorsement, [one for one in everybody if one.msp_id != supervisor]):
        raise TopologyError("impossible_policy", "endorsement: it holds without the supervisor")
    if satisfied(topology.endorsement, [one for one in everybody if one.msp_id == supervisor]):
        raise TopologyError("impossible_policy", "endorsement: the supervisor alone satisfies it")


def _signers(policy: Policy) -> Iterator[str]:
    if isinstance(policy, OutOf):
        for rule in policy.rules:
            yield from _signers(rule)
    elif isinstance(policy, SignedBy):
        yield policy.msp_id


def _nodes(organisations: tuple[OrganisationPlan, ...]) -> Iterator[Peer | Orderer]:
    for one in organisations:
        yield from one.nodes


def _refuse(topology: Topology, name: str, code: str, detail: str) -> TopologyError:
    return TopologyError(code, detail, line=topology.lines.get(name, 0))
