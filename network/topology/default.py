"""The network.yaml that `generate` writes where there is none: three organisations, as protocol.md has them."""

from collections.abc import Iterator, Sequence

from countermark.network.topology.invitation import Invitation
from countermark.network.topology.model import Consensus, Mode

_ORGANISATIONS = (
    ("platform", "PlatformMSP", "platform", 1),
    ("supervisor", "SupervisorMSP", "supervisor", 2),
    ("trader", "TraderMSP", "member", 1),
)
"""Name, MSP id, part, and number of peers of each."""
_LOOPBACK = "127.0.0.1"
_PEER_PORTS, _ORDERER_PORTS = 5, 3
_ORDERERS = {Consensus.RAFT: (1, 1, 1), Consensus.BFT: (2, 1, 1)}
"""Orderers of each organisation: BFT bears one that lies, or is away, from four on."""

_HEAD = """\
# A Countermark network. Every key is explained in docs/network.md.
network: countermark
mode: {mode}
channel: market
chaincode: {{name: countermark, version: "1.0"}}
consensus: {consensus}
batch: {{timeout_ms: 200, max_messages: 100}}
# How far a transaction's timestamp may be from a peer's clock. With 5 s, demos and tests see deadlines pass;
# production takes 900. Deadlines of the market follow from it.
time_window_s: 5
organisations:
"""


def port_count(consensus: Consensus) -> int:
    """Return how many ports the default network of this machine takes."""
    peers = sum(count for *_, count in _ORGANISATIONS)
    return peers * _PEER_PORTS + sum(_ORDERERS[consensus]) * _ORDERER_PORTS


def default_text(mode: Mode, consensus: Consensus, ports: Sequence[int]) -> str:
    """Return the text of the file; `ports` are free ones, `port_count` of them.

    Natively everything is on the loopback address; containers are reached by their names.
    """
    taken = iter(ports)
    text = _HEAD.format(mode=mode, consensus=consensus)
    for (name, msp_id, part, peers), orderers in zip(_ORGANISATIONS, _ORDERERS[consensus], strict=True):
        domain = f"{name}.example"
        text += f"  - name: {name}\n    msp_id: {msp_id}\n    domain: {domain}\n    part: {part}\n    peers:\n"
        for number in range(peers):
            text += _peer(f"peer{number}", _host(mode, f"peer{number}.{domain}"), taken)
        text += "    orderers:\n"
        for number in range(orderers):
            text += _orderer(f"orderer{number}", _host(mode, f"orderer{number}.{domain}"), taken)
    return text


NEWCOMER_PORTS = _PEER_PORTS
"""Ports of an organisation that joins with one peer."""


def newcomer_text(
    invitation: Invitation, *, name: str, msp_id: str, domain: str, host: str, ports: Sequence[int]
) -> str:
    """Return the network.yaml of an organisation that joins with one peer on `host`; `ports` are `NEWCOMER_PORTS`."""
    text = (
        f"# {name} in the network {invitation.network}. Every key is explained in docs/network.md.\n"
        f"network: {invitation.network}\nchannel: {invitation.channel}\n"
        f'chaincode: {{name: {invitation.chaincode}, version: "{invitation.version}"}}\n'
        f"time_window_s: {invitation.time_window_s}\norganisations:\n"
        f"  - name: {name}\n    msp_id: {msp_id}\n    domain: {domain}\n    peers:\n"
    )
    text += _peer("peer0", host, iter(ports))
    return text + "".join(f"  - definition: {one.plan.definition}\n" for one in invitation.organisations)


def _host(mode: Mode, domain_name: str) -> str:
    return _LOOPBACK if mode is Mode.NATIVE else domain_name


def _peer(name: str, host: str, ports: Iterator[int]) -> str:
    peer, listener, operations, first, second = (next(ports) for _ in range(_PEER_PORTS))
    return (
        f"      - name: {name}\n        host: {host}\n        ports: {{peer: {peer}, listener: {listener}, "
        f"operations: {operations}, chaincode: [{first}, {second}]}}\n"
    )


def _orderer(name: str, host: str, ports: Iterator[int]) -> str:
    orderer, admin, operations = (next(ports) for _ in range(_ORDERER_PORTS))
    return (
        f"      - name: {name}\n        host: {host}\n"
        f"        ports: {{orderer: {orderer}, admin: {admin}, operations: {operations}}}\n"
    )
