"""The compose file of a network: one container for each orderer, peer and chaincode server of a folder.

It says nothing that docker-compose 1.28 or `docker compose` does not know. docker/compose.yaml, with the platform's
own processes, is another project on the same network of the engine.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from countermark.network.compose.places import BUILDER, CONFIGURATION, DATA
from countermark.network.native.servers import InUse, server_name
from countermark.network.nodes.material import chaincode_name, parity_host
from countermark.network.nodes.owner import Owner
from countermark.network.topology import Orderer, OrganisationPlan, Peer, Topology

Service = dict[str, Any]

IMAGES: Final = {
    "orderer": "${FABRIC_ORDERER_IMAGE:-hyperledger/fabric-orderer:3.1.5}",
    "peer": "${FABRIC_PEER_IMAGE:-hyperledger/fabric-peer:3.1.5}",
}
_HEAD: Final = """\
# Made by `countermark network` from network.yaml: change that. Images and limits may be set by what
# docker/.env.example names.
"""
_PUBLISH: Final = "${COUNTERMARK_LEDGER_PUBLISH:-127.0.0.1}"
_HERE: Final = "127.0.0.1"
_CHAINCODE: Final = "/etc/countermark"


def document(topology: Topology, uses: list[InUse], images: Mapping[int, str], owner: Owner) -> dict[str, Any]:
    """Return the file for the nodes of `topology` here, with chaincode servers for the packages `uses`.

    Args:
        topology: The network.
        uses: The packages.
        images: By sequence, what their servers run.
        owner: The account of all containers.
    """
    services: dict[str, Service] = {}
    for _, orderer in topology.orderers():
        services[orderer.name] = _orderer(orderer)
    for _, peer in topology.peers():
        services[peer.name] = _peer(peer)
    for name, service in _servers(topology, uses, images):
        services[name] = service
    return {
        "services": {name: {**_hardened(owner), **service} for name, service in services.items()},
        "networks": {"ledger": {"name": ledger_name(topology)}},
    }


def ledger_name(topology: Topology) -> str:
    """Return the name of the engine's network in which the nodes are."""
    return f"{topology.name}-ledger"


def dumps(content: Mapping[str, Any]) -> str:
    """Return `content` as YAML, without anchors: whoever reads a service sees all of it."""
    return _HEAD + str(yaml.safe_dump(_copied(content), sort_keys=False, width=118))


def _copied(value: Any) -> Any:
    """Return `value` with no part that stands in it twice, for which YAML would make an anchor."""
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _hardened(owner: Owner) -> Service:
    return {
        "user": str(owner),
        "init": True,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
        "tmpfs": ["/tmp:mode=1777"],  # noqa: S108 - of a container
        "logging": {"driver": "json-file", "options": {"max-size": "50m", "max-file": "5"}},
        "pids_limit": 1024,
    }


def _orderer(orderer: Orderer) -> Service:
    return {
        "image": IMAGES["orderer"],
        "command": ["orderer"],
        "volumes": _volumes(orderer.name),
        "networks": {"ledger": {"aliases": [orderer.host]}},
        "ports": [
            _published(_PUBLISH, orderer.port),
            _published(_HERE, orderer.admin),
            _published(_HERE, orderer.operations),
        ],
        "mem_limit": "${ORDERER_MEMORY:-1g}",
        "cpus": "${ORDERER_CPUS:-2.0}",
        "healthcheck": _asked(orderer.operations),
    }


def _peer(peer: Peer) -> Service:
    return {
        "image": IMAGES["peer"],
        "command": ["peer", "node", "start"],
        "volumes": [*_volumes(peer.name), f"./builder:{BUILDER}:ro"],
        "networks": {"ledger": {"aliases": [peer.host]}},
        "ports": [_published(_PUBLISH, peer.port), _published(_HERE, peer.operations)],
        "mem_limit": "${PEER_MEMORY:-2g}",
        "cpus": "${PEER_CPUS:-2.0}",
        "healthcheck": _asked(peer.operations),
    }


def _servers(topology: Topology, uses: list[InUse], images: Mapping[int, str]) -> Iterator[tuple[str, Service]]:
    for plan, peer in topology.peers():
        for use in uses:
            yield server_name(peer, use), _server(plan, peer, use, images[use.sequence])


def _server(plan: OrganisationPlan, peer: Peer, use: InUse, image: str) -> Service:
    """Return the server of one package: only its peer is to reach it, so none of its ports is published."""
    port = peer.chaincode[(use.sequence - 1) % 2]
    return {
        "image": image,
        "environment": {
            "CHAINCODE_SERVER_ADDRESS": f"0.0.0.0:{port}",  # within the container
            "CHAINCODE_ID": use.package.id,
            "CHAINCODE_PACKAGE": f"{_CHAINCODE}/package.tar.gz",
            "CHAINCODE_TLS_CERT": f"{_CHAINCODE}/tls/cert.pem",
            "CHAINCODE_TLS_KEY": f"{_CHAINCODE}/tls/key.pem",
            "CHAINCODE_CLIENT_CA": f"{_CHAINCODE}/tls/ca.pem",
        },
        "volumes": [
            f"./nodes/{chaincode_name(peer.name)}:{_CHAINCODE}/tls:ro",
            f"./packages/{use.sequence}.tar.gz:{_CHAINCODE}/package.tar.gz:ro",
        ],
        "networks": {"ledger": {"aliases": [parity_host(plan, peer, use.sequence)]}},
        "mem_limit": "${CHAINCODE_MEMORY:-512m}",
        "cpus": "${CHAINCODE_CPUS:-1.0}",
    }


def _volumes(node: str) -> list[str]:
    return [f"./nodes/{node}:{CONFIGURATION}:ro", f"./nodes/{node}/data:{DATA}"]


def _published(address: str, port: int) -> str:
    return f"{address}:{port}:{port}"


def _asked(operations: int) -> Service:
    """Return the check that asks Fabric's own health endpoint; its images have no program for that but bash."""
    ask = (
        f"exec 3<>/dev/tcp/127.0.0.1/{operations} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 "
        "&& grep -q '^HTTP/1.. 200' <&3"
    )
    return {
        "test": ["CMD", "bash", "-c", ask],
        "interval": "5s",
        "timeout": "5s",
        "retries": 5,
        "start_period": "60s",
    }
