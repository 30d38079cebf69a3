"""What an organisation tells the others of itself, as a file: names, authorities' certificates, addresses of nodes.

JSON, nothing in it is secret. How the others know that it is hers is their affair: the summary that
`countermark network` prints of it shows the fingerprints to compare.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.network.errors import IdentityError
from countermark.network.identities import Msp
from countermark.network.identities.certificates import load_certificate
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import Orderer, OrganisationPlan, Part, Peer
from countermark.network.topology.names import DOMAIN, HOST, MSP_ID, NAME, NODE, Form

_LARGEST = 1 << 20
_MEMBERS = {"name", "msp_id", "domain", "part", "root_certs", "tls_root_certs", "peers", "orderers"}
_PEER = {"name", "host", "port"}
_ORDERER = {*_PEER, "identity", "tls"}


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
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise TopologyError("no_definition", f"{path}: {error.strerror}") from error
    try:
        return parse(data, path)
    except TopologyError as error:
        raise TopologyError(error.code, f"{path}: {error.detail}") from error


def parse(data: bytes, path: Path) -> OrganisationDefinition:
    """Return the definition in `data`, which stands, or will stand, in the file `path`.

    Raises:
        TopologyError: It is malformed.
    """
    if len(data) > _LARGEST:
        raise _malformed("too long")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _malformed("not JSON") from error
    members = _object(document, _MEMBERS)
    msp_id = _text(members["msp_id"], MSP_ID)
    name = _text(members["name"], NAME)
    if members["part"] not in list(Part):
        raise _malformed("part is platform, supervisor or member")
    peers = [_object(one, _PEER) for one in _list(members["peers"])]
    nodes = [_object(one, _ORDERER) for one in _list(members["orderers"])]
    names = [_node(one, name) for one in (*peers, *nodes)]
    if len(set(names)) != len(names):
        raise _malformed("a node's name stands twice")
    plan = OrganisationPlan(
        name=name,
        msp_id=msp_id,
        domain=_text(members["domain"], DOMAIN),
        part=Part(members["part"]),
        peers=tuple(_peer(one, name) for one in peers),
        orderers=tuple(
            Orderer(_node(one, name), _text(one["host"], HOST), _port(one["port"]), 0, 0) for one in nodes
        ),
        definition=path,
    )
    msp = Msp(
        msp_id,
        root_certs=_certificates(members["root_certs"]),
        tls_root_certs=_certificates(members["tls_root_certs"]),
    )
    certificates = {
        _node(one, name): OrdererCertificates(_certificate(one["identity"]), _certificate(one["tls"]))
        for one in nodes
    }
    return OrganisationDefinition(plan, msp, certificates)


def _peer(members: Mapping[str, Any], organisation: str) -> Peer:
    return Peer(_node(members, organisation), _text(members["host"], HOST), _port(members["port"]), 0, 0, (0, 0))


def _node(members: Mapping[str, Any], organisation: str) -> str:
    name = _text(members["name"], NODE)
    if not name.endswith(f".{organisation}"):
        raise _malformed(f"{name} is no node of {organisation}")
    return name


def _object(value: object, members: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != members:
        raise _malformed(f"an object with {', '.join(sorted(members))} is expected")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _malformed("a list is expected")
    return value


def _text(value: object, form: Form) -> str:
    if not isinstance(value, str) or not form.fits(value):
        raise _malformed(f"{form.what} is expected")
    return value


def _port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65_535:
        raise _malformed("a port is expected")
    return value


def _certificates(value: object) -> tuple[bytes, ...]:
    found = tuple(_certificate(one) for one in _list(value))
    if not found:
        raise _malformed("a certificate is missing")
    return found


def _certificate(value: object) -> bytes:
    if not isinstance(value, str):
        raise _malformed("a certificate in PEM is expected")
    pem = value.encode(errors="replace")
    try:
        load_certificate(pem)
    except IdentityError as error:
        raise _malformed(str(error)) from error
    return pem


def _malformed(detail: str) -> TopologyError:
    return TopologyError("malformed_definition", detail)
