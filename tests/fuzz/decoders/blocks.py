"""Blocks of a real network of Fabric and what is in them, as projector and auditor read and verify them."""

from random import Random
from typing import Any

from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay
from countermark.network.blocks import (
    Block,
    SignedBy,
    all_of,
    check_well_formed,
    parse_block,
    read_config,
    verify_commit_hash,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
    verify_orderers,
)
from countermark.network.envelopes import Envelope, Header, Proposal, Seek
from countermark.network.errors import NetworkError
from tests.fixtures.fabric_blocks import recorded
from tests.fuzz import bytewise, protobufwise
from tests.fuzz.decoder import Decoder

_GENESIS, *_BLOCKS = recorded()
_CONFIG = read_config(_GENESIS)
_POLICY = all_of(SignedBy("PlatformMSP"), SignedBy("SupervisorMSP"))


def _make(random: Random, raw: list[bytes], parsed: list[tuple[protobufwise.Field, ...]]) -> bytes:
    chosen = random.randrange(len(raw))
    if random.random() < 0.2:
        return bytewise.change(random, raw[chosen], raw)
    return protobufwise.change(random, parsed[chosen], parsed)


def _read(data: bytes) -> None:
    """Read everything that there is in the block, and verify each part whatever is wrong with the others.

    Raises:
        NetworkError: the first thing that does not hold.
    """
    block = parse_block(data)
    problems = [problem for check in _checks(block) if (problem := _problem(check)) is not None]
    if problems:
        raise problems[0]


def _checks(block: Block) -> Any:
    yield lambda: verify_link(block, number=block.number, previous_hash=block.previous_hash)
    yield lambda: verify_data_hash(block)
    yield lambda: verify_orderers(block, _CONFIG)
    yield lambda: verify_commit_hash(block, previous=_GENESIS.commit_hash)
    if block.number == 0:
        yield lambda: read_config(block)
    yield lambda: _replay(block)
    for one in block.transactions:
        yield lambda one=one: (one.function, one.args, one.event, one.reads, one.writes, one.private_hashes)
        yield lambda one=one: verify_creator(block.number, one, _CONFIG.organisations)
        yield lambda one=one: verify_endorsements(block.number, one, _CONFIG.organisations, _POLICY)
        yield lambda one=one: check_well_formed(one.raw)
        yield lambda one=one: Seek.parse(Envelope.parse(one.raw))
        yield lambda one=one: Proposal.parse(one.raw)
        yield lambda one=one: Header.parse(one.raw)


def _replay(block: Block) -> None:
    """Let the auditor meet it as the first block of a ledger, and as the one after the genesis."""
    arguments = {"chaincode": "countermark", "platform": "PlatformMSP", "supervisor": "SupervisorMSP"}
    replay = Replay(genesis=_GENESIS.header_hash, **arguments)
    if block.number:
        replay.apply(_GENESIS)
    replay.apply(block)


def _problem(check: Any) -> Exception | None:
    try:
        check()
    except (NetworkError, AuditError) as error:
        return error
    return None


def decoder() -> Decoder:
    """Return the decoder of blocks."""
    raw = [block.serialized for block in (_GENESIS, *_BLOCKS)]
    parsed = [protobufwise.parse(data) for data in raw]
    assert all(parsed), "every block was taken apart"
    return Decoder(lambda random: _make(random, raw, parsed), _read, (NetworkError, AuditError))
