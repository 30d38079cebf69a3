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

from countermark.cli.up.data import CHAINCODE, DataFolder
from countermark.gateway import keys
from countermark.network.blocks import parse_block
from countermark.network.blocks.rwsets import ReadWriteSet, Write
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.projection import Projector
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres, folders
from countermark.platform.store.secrets import SecretBox
from countermark.protocol import canonical
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description
from tests.support.embedded_ledger import World

IN_ONE = 100
"""Contracts of one transaction."""
_NOW_MS = 1_760_000_000_000


def seed(data: DataFolder, model: Mapping[str, Any], first: int, count: int) -> None:
    """Add `count` contracts, numbered from `first` on, each like the ledger's record `model`."""
    addresses = [f"dc1{_name(number)}" for number in range(first, first + count)]
    world = World(data.network)
    with (
        closing(world.ledger) as ledger,
        EmbeddedPostgres(data.postgres) as server,
        closing(Database(server.url)) as database,
    ):
        _insert_private(database, data, addresses)
        start = ledger.height
        for some in _parts(addresses, IN_ONE * 10):
            world.commit(*[world.transaction(_writes(model, part)) for part in _parts(some, IN_ONE)])
        projector = Projector(database, chaincode=CHAINCODE)
        for number in range(start, ledger.height):
            projector.apply(parse_block(ledger.block(number)))


def _name(number: int) -> str:
    """Return 52 characters of base32, as an address has them."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    digest = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return "".join(alphabet[byte & 31] for byte in digest + digest)[:51] + "a"


def _writes(model: Mapping[str, Any], addresses: list[str]) -> ReadWriteSet:
    records = {
        f"listing/{address}": canonical.dumps({**model, "address": address, "exact_key": address})
        for address in addresses
    }
    keys = {f"exact/{address}": b'{"status":"live"}' for address in addresses}
    writes = (Write(CHAINCODE, key, value, False) for key, value in sorted((keys | records).items()))
    return ReadWriteSet(writes=tuple(writes))


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
