"""Fills a stopped platform with contracts, as if they had been registered long ago: ledger, state and tables.

Each block holds transactions that write a hundred contracts each, endorsed by platform and supervisor, so the peer's
state and the ledger-derived columns come about as always. What the gate would have written, the private columns and
the decision with its outbox row, is written by hand.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from countermark.cli.up.data import CHAINCODE, CHANNEL, DataFolder
from countermark.gateway import keys
from countermark.network.blocks import parse_block, read_config
from countermark.network.blocks.rwsets import ReadWriteSet, Write
from countermark.network.embedded.committing import Committer
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.material import Material, generate
from countermark.network.embedded.membership import Membership
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.embedded.validation import Validator
from countermark.network.envelopes import (
    Outcome,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.projection import Projector
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres, folders
from countermark.platform.store.secrets import SecretBox
from countermark.protocol import canonical
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description

IN_ONE = 100
"""Contracts of one transaction."""
_NOW_MS = 1_760_000_000_000


def seed(data: DataFolder, model: Mapping[str, Any], first: int, count: int) -> None:
    """Add `count` contracts, numbered from `first` on, each like the ledger's record `model`."""
    material = generate(data.network, channel=CHANNEL, chaincode=CHAINCODE)
    addresses = [f"dc1{_name(number)}" for number in range(first, first + count)]
    with EmbeddedPostgres(data.postgres) as server, closing(Database(server.url)) as database:
        _insert_private(database, data, addresses)
        with closing(Ledger.open(material.layout.ledger)) as ledger:
            start = ledger.height
            _commit(material, ledger, model, addresses)
            projector = Projector(database, chaincode=CHAINCODE)
            for number in range(start, ledger.height):
                projector.apply(parse_block(ledger.block(number)))


def _name(number: int) -> str:
    """Return 52 characters of base32, as an address has them."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    digest = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return "".join(alphabet[byte & 31] for byte in digest + digest)[:51] + "a"


def _commit(material: Material, ledger: Ledger, model: Mapping[str, Any], addresses: list[str]) -> None:
    membership = Membership(read_config(parse_block(material.layout.genesis_file.read_bytes())).organisations)
    validator = Validator(CHANNEL, material.settings.definition, membership)
    committer = Committer(ledger, validator, material.organisation("orderer").identity("orderer0"))
    for some in _parts(addresses, IN_ONE * 10):
        committer.commit([_envelope(material, model, part) for part in _parts(some, IN_ONE)])


def _envelope(material: Material, model: Mapping[str, Any], addresses: list[str]) -> bytes:
    client = material.organisation("platform").identity("gateway")
    proposal = build_proposal(client, CHANNEL, CHAINCODE, [b"listing.create"], now_ms=_NOW_MS)
    writes = [
        Write(CHAINCODE, key, value, False)
        for address in addresses
        for key, value in (
            (f"exact/{address}", b'{"status":"live"}'),
            (f"listing/{address}", canonical.dumps({**model, "address": address, "exact_key": address})),
        )
    ]
    outcome = Outcome(
        response=Response(200, b"{}"),
        results=encode_public(CHAINCODE, ReadWriteSet(writes=tuple(sorted(writes, key=lambda write: write.key)))),
        chaincode=CHAINCODE,
        version=material.settings.definition.version,
    )
    payload = build_response_payload(proposal, outcome).serialized
    peers = [material.organisation(name).identity("peer0") for name in ("platform", "supervisor")]
    endorsements = [endorse(peer, payload) for peer in peers]
    return sign_payload(client, assemble(proposal, payload, endorsements)).serialized


def _insert_private(database: Database, data: DataFolder, addresses: list[str]) -> None:
    columns = PrivateColumns(SecretBox({1: keys.load(data.gateway / "keys.json").table}, 1))
    for some in _parts(addresses, 1000):
        with database.begin() as connection:
            for address in some:
                columns.insert(connection, address, _opening(address), now_ms=_NOW_MS)
            connection.execute(
                tables.data_contracts.update()
                .where(tables.data_contracts.c.address.in_(some))
                .values(search_text="a photograph\nimage/jpeg")
            )
            connection.execute(tables.outbox.insert(), [_outbox(address) for address in some])
            connection.execute(tables.registrations.insert(), [_registration(address) for address in some])


def _opening(address: str) -> Opening:
    return Opening(
        root=hashlib.sha256(address.encode()).digest(),
        exact=os.urandom(32),
        description=Description("image/jpeg", 1, 100_000, title="A photograph"),
        salt_f=os.urandom(32),
        salt_d=os.urandom(32),
        salt_exact=os.urandom(32),
        items=1,
    )


def _outbox(address: str) -> dict[str, Any]:
    return {
        "tx_id": secrets.token_hex(32),
        "request_id": address,
        "attempt": 1,
        "function": "listing.create",
        "args": [b"intent"],
        "organisations": ["PlatformMSP", "SupervisorMSP"],
        "state": "COMMITTED",
        "envelope": os.urandom(6000),
        "signer": f"seller of {address}",
        "nonce": address,
        "intent_digest": address,
        "lease_until_ms": 0,
        "created_ms": _NOW_MS,
        "updated_ms": _NOW_MS,
    }


def _registration(address: str) -> dict[str, Any]:
    return {
        "case_number": address,
        "seller": f"seller of {address}",
        "nonce": address,
        "intent_digest": address,
        "address": address,
        "decision": "allowed",
        "overlaps": [],
        "existing": "",
        "generator": "image/v1",
        "config": "seeded",
        "fingerprint_root": hashlib.sha256(address.encode()).digest(),
        "exact_key": address,
        "decided_ms": _NOW_MS,
        "request_id": address,
        "deposited_ms": _NOW_MS,
    }


def _parts(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def postmaster(data: Path) -> int:
    """Return the process id of the running database of a data folder."""
    (folder, *_) = folders(data)
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
