"""A ledger with the embedded peer's rules in one process, and transactions made by hand for it."""

from collections.abc import Sequence
from pathlib import Path

from countermark.network.blocks import parse_block, read_config
from countermark.network.blocks.codes import Code
from countermark.network.blocks.rwsets import PrivateHashes, RangeQuery, Read, ReadWriteSet, Write
from countermark.network.embedded.committing import Committer, commit_genesis
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.material import generate
from countermark.network.embedded.membership import Membership
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.embedded.simulation import Simulation
from countermark.network.embedded.validation import Validator
from countermark.network.envelopes import (
    Endorsement,
    Outcome,
    Proposal,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.network.identities import SigningIdentity

NAMESPACE = "countermark"
PLATFORM, SUPERVISOR, TRADER = "platform", "supervisor", "trader"
NOW_MS = 1_800_000_000_000


class World:
    """Material in `directory` and a ledger beside it; `reopen` does what a restart of the process does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.material = generate(directory)
        self.definition = self.material.settings.definition
        genesis = self.material.layout.genesis_file.read_bytes()
        self.membership = Membership(read_config(parse_block(genesis)).organisations)
        self.validator = Validator("market", self.definition, self.membership)
        self.ledger = Ledger.open(self.material.layout.ledger)
        if self.ledger.height == 0:
            commit_genesis(self.ledger, genesis)

    def reopen(self) -> "World":
        self.ledger.close()
        return World(self.directory)

    def identity(self, organisation: str, name: str) -> SigningIdentity:
        return self.material.organisation(organisation).identity(name)

    def commit(self, *envelopes: bytes) -> list[Code]:
        """Commit one block and return the codes in it."""
        committer = Committer(self.ledger, self.validator, self.identity("orderer", "orderer0"))
        committer.commit(envelopes)
        return self.codes(self.ledger.height - 1)

    def codes(self, number: int) -> list[Code]:
        return [Code(one.validation_code) for one in parse_block(self.ledger.block(number)).transactions]

    @property
    def client(self) -> SigningIdentity:
        return self.identity(PLATFORM, "gateway")

    def value(self, key: str) -> bytes | None:
        with self.ledger.state.snapshots.take() as view:
            found = view.get(NAMESPACE, "", key.encode())
        return found.value if found else None

    def proposal(
        self, *, client: SigningIdentity | None = None, channel: str = "market", chaincode: str = NAMESPACE
    ) -> Proposal:
        return build_proposal(client or self.client, channel, chaincode, [b"made"], now_ms=NOW_MS)

    def transaction(
        self,
        rwset: ReadWriteSet,
        *,
        proposal: Proposal | None = None,
        client: SigningIdentity | None = None,
        endorsers: Sequence[str] = (PLATFORM, SUPERVISOR),
        status: int = 200,
        version: str = "1.0",
        namespace: str = NAMESPACE,
    ) -> bytes:
        """Return a signed envelope with this read-write set, endorsed by the peers of `endorsers`."""
        proposal = proposal or self.proposal(client=client)
        outcome = Outcome(
            response=Response(status, b"made"),
            results=encode_public(namespace, rwset),
            chaincode=proposal.header.chaincode,
            version=version,
        )
        payload = build_response_payload(proposal, outcome).serialized
        endorsements = [endorse(self.identity(name, "peer0"), payload) for name in endorsers]
        return self.envelope(proposal, payload, endorsements, client=client)

    def envelope(
        self,
        proposal: Proposal,
        response_payload: bytes,
        endorsements: Sequence[Endorsement],
        *,
        client: SigningIdentity | None = None,
    ) -> bytes:
        return sign_payload(client or self.client, assemble(proposal, response_payload, endorsements)).serialized


def writing(**values: str) -> ReadWriteSet:
    """Return a set that writes `values` by key and reads nothing; an empty value deletes."""
    writes = [Write(NAMESPACE, key, value.encode(), not value) for key, value in sorted(values.items())]
    return ReadWriteSet(writes=tuple(writes))


def reading(key: str, version: tuple[int, int] | None, **values: str) -> ReadWriteSet:
    """Return a set that read `key` at `version` and writes `values`."""
    return ReadWriteSet(reads=(Read(NAMESPACE, key, version),), writes=writing(**values).writes)


def ranging(
    start: str, end: str, found: Sequence[tuple[str, tuple[int, int]]], *, exhausted: bool = True
) -> ReadWriteSet:
    """Return a set that read the range and found these keys at these versions."""
    reads = tuple(Read(NAMESPACE, key, version) for key, version in found)
    query = RangeQuery(NAMESPACE, start, end, exhausted, reads)
    return ReadWriteSet(ranges=(query,), writes=writing(result="x").writes)


def private(hashes: PrivateHashes, **values: str) -> ReadWriteSet:
    """Return a set with what happened in one private collection, and public writes."""
    return ReadWriteSet(writes=writing(**values).writes, private_hashes=(hashes,))


def write_private(
    world: World, proposal: Proposal, value: bytes, *, key: str = "secret", purge: bool = False
) -> bytes:
    """Return a transaction that writes `key` in `fingerprints`, its private part staged."""
    with world.ledger.state.snapshots.take() as view:
        simulation = Simulation(
            view, world.ledger.private, world.definition, creator_msp="PlatformMSP", peer_msp="PlatformMSP"
        )
        if purge:
            simulation.purge_private("fingerprints", key)
        else:
            simulation.put_private("fingerprints", key, value)
        results = simulation.results()
    assert results.private is not None
    world.ledger.private.stage(proposal.tx_id, results.private, height=world.ledger.height)
    return world.transaction(results.rwset, proposal=proposal)


def read_private(
    world: World, *, key: str = "secret", creator: str = "PlatformMSP", peer: str = "PlatformMSP"
) -> bytes | None:
    with world.ledger.state.snapshots.take() as view:
        simulation = Simulation(view, world.ledger.private, world.definition, creator_msp=creator, peer_msp=peer)
        return simulation.get_private("fingerprints", key)
