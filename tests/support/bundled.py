"""Bundles of any blocks, good or forged, and what can be done to their records."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO

from fabric_protos.common import common_pb2

from countermark.audit.bundles import Manifest, Subject, Verdict, verify
from countermark.audit.bundles.records import MAGIC, BundleWriter
from countermark.audit.roots import Roots
from countermark.network.blocks import Block, read_config
from countermark.network.identities.certificates import load_certificate
from tests.support.market import PLATFORM, SUPERVISOR
from tests.unit.network.consortium import CHAINCODE, CHANNEL

Record = tuple[bytes, bytes]
"""Letter and contents."""


def manifest(subject: Subject, *, channel: str = CHANNEL, chaincode: str = CHAINCODE) -> Manifest:
    return Manifest(channel, chaincode, PLATFORM, SUPERVISOR, subject)


def bundled(blocks: Sequence[Block], subject: Subject | None = None, about: Manifest | None = None) -> bytes:
    """Return the bundle that somebody makes of `blocks` who checks nothing."""
    out = BytesIO()
    subject = subject or Subject("blocks", first=0, last=max(0, len(blocks) - 1))
    writer = BundleWriter(out, about or manifest(subject))
    for block in blocks:
        writer.add(serialized(block))
    writer.end()
    return out.getvalue()


def judged(data: bytes, *, genesis: bytes = b"", roots: Roots | None = None, market: str = "") -> Verdict:
    return verify(BytesIO(data), genesis=genesis, roots=roots, market=market)[0]


def serialized(block: Block) -> bytes:
    """Return the bytes of `block` as its members are: a test may have changed these."""
    wire = common_pb2.Block.FromString(block.serialized)
    wire.header.number, wire.header.previous_hash, wire.header.data_hash = (
        *(block.number, block.previous_hash),
        block.data_hash,
    )
    del wire.data.data[:]
    wire.data.data.extend(one.raw for one in block.transactions)
    if block.number:
        signatures = common_pb2.Metadata(value=block.signed_metadata)
        for one in block.orderer_signatures:
            assert one.consenter is None
            signatures.signatures.add(signature_header=one.header, signature=one.signature)
        wire.metadata.metadata[0] = signatures.SerializeToString()
        wire.metadata.metadata[2] = bytes(one.validation_code for one in block.transactions)
    return bytes(wire.SerializeToString(deterministic=True))


def roots_of(block: Block) -> Roots:
    """Return the roots that a genesis block names."""
    config = read_config(block)
    members, orderers = (
        {
            msp_id: frozenset(load_certificate(pem).fingerprint for pem in consortium.msp(msp_id).root_certs)
            for msp_id in consortium.msp_ids
        }
        for consortium in (config.organisations, config.orderers)
    )
    return Roots(members, orderers)


def taken_apart(data: bytes) -> list[Record]:
    """Return the records of a bundle."""
    stream, records = zlib.decompress(data[len(MAGIC) :]), []
    while stream:
        length = int.from_bytes(stream[1:5], "big")
        records.append((stream[:1], stream[5 : 5 + length]))
        stream = stream[5 + length :]
    return records


def put_together(records: Iterable[Record]) -> bytes:
    """Return the file of `records`."""
    stream = b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in records)
    return MAGIC + zlib.compress(stream)


def sealed(records: Sequence[Record]) -> bytes:
    """Return the file of `records`, which end with a closing that is right for what stands before it."""
    content = b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in records)
    count = sum(kind == b"B" for kind, _ in records)
    closing = count.to_bytes(8, "big") + hashlib.sha256(content).digest()
    return put_together([*records, (b"E", closing)])
