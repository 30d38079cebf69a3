"""What an organisation tells the others of itself, as a file: names, authorities' certificates, addresses of nodes.

JSON, nothing in it is secret. How the others know that it is hers is their affair: the summary that
`countermark network` prints of it shows the fingerprints to compare.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.network import documents
from countermark.network.errors import IdentityError
from countermark.network.identities import Msp
from countermark.network.identities.certificates import load_certificate
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import Orderer, OrganisationPlan, Part, Peer
from countermark.network.topology.names import DOMAIN, HOST, MSP_ID, NAME, NODE
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

_LARGEST = 1 << 20
_LONGEST_CERTIFICATE = 16_384
_MOST = 64
"""Nodes of one kind, and certificates of one authority."""


@dataclass(frozen=True, slots=True)
class OrdererCertificates:
    """Certificates (PEM) by which the other orderers know one: who signs its blocks, and its TLS."""

    identity: bytes
    tls: bytes


@dataclass(frozen=True, slots=True)
class OrganisationDefinition:
    """The public half of an organisation."""

    plan: OrganisationPlan
    msp: Msp
    orderers: Mapping[str, OrdererCertificates]
    """By the orderer's name."""

    def dumps(self) -> bytes:
        """Return it as the file's bytes, as `parse` reads them."""
        plan = self.plan
        document = {
            "name": plan.name,
            "msp_id": plan.msp_id,
            "domain": plan.domain,
            "part": plan.part.value,
            "root_certs": [one.decode() for one in self.msp.root_certs],
            "tls_root_certs": [one.decode() for one in self.msp.tls_root_certs],
            "peers": [{"name": one.name, "host": one.host, "port": one.port} for one in plan.peers],
            "orderers": [
                {
                    "name": one.name,
                    "host": one.host,
                    "port": one.port,
                    "identity": self.orderers[one.name].identity.decode(),
                    "tls": self.orderers[one.name].tls.decode(),
                }
                for one in plan.orderers
            ],
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def load(path: Path) -> OrganisationDefinition:
    """Return the definition in the file `path`.

    Raises:
        TopologyError: It cannot be read or is malformed.
    """
    try:
        data = documents.read(path, longest=_LARGEST)
    except documents.DocumentError as error:
        raise TopologyError("no_definition", error.detail) from error
    try:
        return parse(data, path)
    except TopologyError as error:
        raise TopologyError(error.code, f"{path}: {error.detail}") from error


def parse(data: bytes, path: Path) -> OrganisationDefinition:
    """Return the definition in `data`, which stands, or will stand, in the file `path`.

    Raises:
        TopologyError: It is malformed.
    """
    try:
        return of_members(documents.parse(data, MEMBERS, longest=_LARGEST), path)
    except documents.DocumentError as error:
        raise _malformed(error.detail) from error


def of_members(members: Mapping[str, Any], path: Path) -> OrganisationDefinition:
    """Return the definition with these `MEMBERS`, parsed already.

    Raises:
        TopologyError: Its nodes are not its own, or one stands twice.
    """
    name, msp_id, nodes = members["name"], members["msp_id"], (*members["peers"], *members["orderers"])
    names = [node["name"] for node in nodes]
    if len(set(names)) != len(names):
        raise _malformed("a node's name stands twice")
    for node in names:
        if not node.endswith(f".{name}"):
            raise _malformed(f"{node} is no node of {name}")
    plan = OrganisationPlan(
        name=name,
        msp_id=msp_id,
        domain=members["domain"],
        part=Part(members["part"]),
        # Of another's nodes nothing is told but where others reach them.
        peers=tuple(Peer(one["name"], one["host"], one["port"], 0, 0, (0, 0)) for one in members["peers"]),
        orderers=tuple(Orderer(one["name"], one["host"], one["port"], 0, 0) for one in members["orderers"]),
        definition=path,
    )
    msp = Msp(msp_id, tuple(members["root_certs"]), tuple(members["tls_root_certs"]))
    certificates = {one["name"]: OrdererCertificates(one["identity"], one["tls"]) for one in members["orderers"]}
    return OrganisationDefinition(plan, msp, certificates)


def _certificate(value: object) -> bytes:
    pem = str(fields.text(_LONGEST_CERTIFICATE)(value)).encode()
    try:
        load_certificate(pem)
    except IdentityError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, str(error)) from error
    return pem


_certificates = fields.sequence(_certificate, shortest=1, longest=_MOST)
_NODE: Mapping[str, fields.Parser] = {"name": NODE.parse, "host": HOST.parse, "port": fields.integer(1, 65_535)}
MEMBERS: Mapping[str, fields.Parser] = {
    "name": NAME.parse,
    "msp_id": MSP_ID.parse,
    "domain": DOMAIN.parse,
    "part": fields.choice(*Part),
    "root_certs": _certificates,
    "tls_root_certs": _certificates,
    "peers": fields.sequence(fields.nested(_NODE), longest=_MOST),
    "orderers": fields.sequence(
        fields.nested({**_NODE, "identity": _certificate, "tls": _certificate}), longest=_MOST
    ),
}
"""What stands in a definition."""


def _malformed(detail: str) -> TopologyError:
    return TopologyError("malformed_definition", detail)
