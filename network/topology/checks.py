"""What no network can be, however well its description is written: ports that clash, parts that nobody plays."""

from collections.abc import Iterator

from countermark.network.blocks import OutOf, Policy, SignedBy, satisfied
from countermark.network.identities import Member, Role
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import LOOPBACK, Consensus, Part, Topology

_BFT_LEAST = 4
"""Orderers that it takes to bear one that lies."""


def check(topology: Topology) -> None:
    """Return if `topology` could work; of one that awaits definitions, if it could when they come.

    Raises:
        TopologyError: It could not; says why, and the line.
    """
    _check_msp_ids(topology)
    _check_ports(topology)
    if topology.awaited:
        return
    _check_parts(topology)
    _check_orderers(topology)
    _check_policy(topology)


def _check_parts(topology: Topology) -> None:
    for part in (Part.PLATFORM, Part.SUPERVISOR):
        found = [one for one in topology.organisations if one.part is part]
        if not found:
            raise _refuse(topology, "organisations:", "missing_organisation", f"no organisation has the part {part}")
        if len(found) > 1:
            raise _refuse(topology, found[1].name, "duplicate_part", f"{found[0].name} is the {part} already")
    for one in topology.organisations:
        if not one.peers and (one.part is not Part.MEMBER or not one.orderers):
            raise _refuse(topology, one.name, "missing_peer", f"{one.name} has no peer")
    if len(topology.msp_ids) < 3:
        # The supervisor and one *other* endorse; of two, the other could only be the platform, always.
        detail = "no organisation with peers but platform and supervisor"
        raise _refuse(topology, "organisations:", "missing_organisation", detail)


def _check_msp_ids(topology: Topology) -> None:
    seen: dict[str, str] = {}
    for one in topology.organisations:
        if one.msp_id in seen:
            raise _refuse(topology, one.name, "duplicate_msp_id", f"{one.msp_id} is the MSP of {seen[one.msp_id]}")
        seen[one.msp_id] = one.name


def _check_ports(topology: Topology) -> None:
    seen: dict[tuple[str, int], str] = {}
    for plan in topology.organisations:
        for node in plan.nodes:
            for port in node.ports:
                if not port:
                    continue  # of another's node, not told
                here = plan.here and port in node.published
                host = _address(topology.reached(node.host) if here else node.host)
                other = seen.setdefault((host, port), node.name)
                if other != node.name or node.ports.count(port) > 1:
                    whom = "itself" if other == node.name else other
                    # Where another organisation's definition is at fault, its own line is all there is.
                    line = node.name if node.name in topology.lines else plan.name
                    raise _refuse(topology, line, "port_clash", f"{node.name}: port {port} is taken by {whom}")


def _address(host: str) -> str:
    return LOOPBACK if host == "localhost" else host


def _check_orderers(topology: Topology) -> None:
    count = sum(len(one.orderers) for one in topology.organisations)
    if not count:
        raise _refuse(topology, "organisations:", "missing_orderer", "no organisation runs an orderer")
    if topology.consensus is Consensus.BFT and count < _BFT_LEAST:
        detail = f"BFT wants at least {_BFT_LEAST} orderers, there are {count}"
        raise _refuse(topology, "consensus:", "missing_orderer", detail)


def _check_policy(topology: Topology) -> None:
    if topology.endorsement is None:
        return
    named = set(_signers(topology.endorsement))
    unknown = named - set(topology.msp_ids)
    if unknown:
        raise _impossible(topology, f"{', '.join(sorted(unknown))} has no peer here")
    everybody = [Member(msp_id, Role.PEER, "") for msp_id in topology.msp_ids]
    if not satisfied(topology.endorsement, everybody):
        raise _impossible(topology, "not even all organisations together satisfy it")
    supervisor = topology.part(Part.SUPERVISOR).msp_id
    if satisfied(topology.endorsement, [one for one in everybody if one.msp_id != supervisor]):
        raise _impossible(topology, "it holds without the supervisor")
    if satisfied(topology.endorsement, [one for one in everybody if one.msp_id == supervisor]):
        raise _impossible(topology, "the supervisor alone satisfies it")


def _signers(policy: Policy) -> Iterator[str]:
    if isinstance(policy, OutOf):
        for rule in policy.rules:
            yield from _signers(rule)
    elif isinstance(policy, SignedBy):
        yield policy.msp_id


def _impossible(topology: Topology, detail: str) -> TopologyError:
    return _refuse(topology, "endorsement:", "impossible_policy", f"endorsement: {detail}")


def _refuse(topology: Topology, name: str, code: str, detail: str) -> TopologyError:
    return TopologyError(code, detail, line=topology.lines.get(name, 0))
