"""Changes of a channel's configuration: the files that organisations hand round, and blocks that claim one."""

from random import Random

from countermark.audit.errors import AuditError
from countermark.network.blocks import parse_block, read_config, verify_config
from countermark.network.blocks.configs import last_update
from countermark.network.configuration import (
    ConfigUpdate,
    compute_update,
    describe,
    dump_signature,
    dump_update,
    load_signature,
    load_update,
    merge_signatures,
    missing,
    sign_update,
    with_anchor_peers,
    with_batch,
    with_consenter,
    without_organisation,
)
from countermark.network.errors import NetworkError
from countermark.network.genesis import Batch, Consenter, Endpoint
from countermark.network.identities import CertificateAuthority, Role, SigningIdentity
from countermark.network.identities.signing import load_key
from tests.fixtures.fabric_blocks import JOINED, recorded
from tests.fuzz import jsonwise, protobufwise
from tests.fuzz.decoder import Decoder
from tests.fuzz.parties import NOW_MS

BLOCKS = recorded(JOINED)
BEFORE = read_config(BLOCKS[0])
JOIN = next(block for block in BLOCKS[1:] if block.transactions[0].kind == "config")
EDITS = (
    without_organisation(BEFORE, "TraderMSP"),
    with_batch(BEFORE, Batch(max_messages=9)),
    with_anchor_peers(BEFORE, "TraderMSP", (Endpoint("peer", 1),)),
    with_consenter(BEFORE, Consenter(Endpoint("orderer", 1), b"client", b"server")),
)


def _read_update(data: bytes) -> None:
    update = ConfigUpdate(BEFORE.channel, data)
    describe(BEFORE, update)
    missing(BEFORE, update, [])


def _read(case: tuple[str, bytes]) -> None:
    kind, data = case
    match kind:
        case "update":
            _read_update(data)
        case "block":
            verify_config(parse_block(data), BEFORE)
        case "file":
            _read_update(load_update(data).serialized)
        case "signature":
            signature = load_signature(data)
            update = ConfigUpdate(BEFORE.channel, UPDATES[0])
            merge_signatures(BEFORE, update, [signature], at_ms=NOW_MS)


_JOINING = last_update(JOIN)
assert _JOINING is not None
UPDATES = [_JOINING, *(compute_update(BEFORE, after).serialized for after in EDITS)]


def decoder() -> Decoder:
    """Return the decoder of changes of a configuration."""
    parsed = [protobufwise.parse(data) for data in (*UPDATES, JOIN.serialized)]
    assert all(parsed), "every message was taken apart"
    pair = CertificateAuthority.create("ca", "platform.example").issue("admin", Role.ADMIN)
    stranger = SigningIdentity("PlatformMSP", pair.certificate_pem, load_key(pair.key_pem))
    updates = [ConfigUpdate(BEFORE.channel, data) for data in UPDATES]
    files = [dump_update(one).encode() for one in updates]
    signatures = [dump_signature(sign_update(one, stranger)).encode() for one in updates]

    def make(random: Random) -> tuple[str, bytes]:
        kind = random.choice(("update", "update", "block", "file", "signature"))
        if kind in ("update", "block"):
            chosen = parsed[-1] if kind == "block" else random.choice(parsed[:-1])
            return kind, protobufwise.change(random, chosen, parsed)
        corpus = files if kind == "file" else signatures
        return kind, jsonwise.change(random, random.choice(corpus), corpus)

    return Decoder(make, _read, (NetworkError, AuditError))
