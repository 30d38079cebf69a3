"""Small ledgers of real blocks, signed by a real consortium, and what somebody might forge in them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from countermark.network.blocks import (
    Block,
    PrivateHashes,
    Read,
    ReadWriteSet,
    Write,
    build_block,
    parse_block,
    with_validation_codes,
)
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.envelopes import (
    EndorsedTransaction,
    Endorsement,
    Envelope,
    Outcome,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.network.identities import SigningIdentity
from countermark.protocol import intents
from countermark.protocol.accounts import AccountKey
from tests.support.market import actor
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network, now_ms

MARKET = f"{CHANNEL}/{CHAINCODE}"
BOTH = ("platform", "supervisor")

Version = tuple[int, int]


@dataclass(frozen=True)
class Act:
    """One transaction to be: what is called, what it read, and what it writes (None deletes)."""

    function: str
    args: tuple[bytes, ...] = ()
    reads: tuple[tuple[str, Version | None], ...] = ()
    writes: tuple[tuple[str, Any], ...] = ()
    endorsers: tuple[str, ...] = BOTH
    private: tuple[PrivateHashes, ...] = ()
    status: int = 200
    channel: str = CHANNEL
    chaincode: str = CHAINCODE
    namespace: str = CHAINCODE

    def results(self) -> bytes:
        rwset = ReadWriteSet(
            reads=tuple(Read(CHAINCODE, key, version) for key, version in self.reads),
            writes=tuple(
                Write(CHAINCODE, key, b"" if value is None else json.dumps(value).encode(), value is None)
                for key, value in self.writes
            ),
            private_hashes=self.private,
        )
        return encode_public(self.namespace, rwset)


def by(who: str | AccountKey, function: str, params: dict[str, Any], **more: Any) -> Act:
    """The act for which `who` signs an intent."""
    return Act(function, (intent(who, function, params), b"{}"), **more)


def intent(who: str | AccountKey, function: str, params: dict[str, Any], **changes: Any) -> bytes:
    key = actor(who).key if isinstance(who, str) else who
    given = {"market": MARKET, "issued_at_ms": now_ms(), **changes}
    return intents.sign(key, action=function, params=params, **given).encode()


def envelope(network: Network, act: Act, creator: SigningIdentity | None = None) -> bytes:
    """Return `act` as a transaction: proposed, endorsed, signed."""
    client = creator or network.client()
    args = [act.function.encode(), *act.args]
    proposal = build_proposal(client, act.channel, act.chaincode, args, now_ms=now_ms())
    outcome = Outcome(Response(act.status, b"{}"), act.results(), act.chaincode, "1.0")
    payload = build_response_payload(proposal, outcome).serialized
    endorsements = [endorse(network.peer(name), payload) for name in act.endorsers]
    return sign_payload(client, assemble(proposal, payload, endorsements)).serialized


def build(
    network: Network,
    number: int,
    previous: bytes,
    envelopes: Sequence[bytes],
    codes: Sequence[int] = (),
    orderer: SigningIdentity | None = None,
) -> Block:
    data = build_block(number, previous, envelopes, last_config=0, orderer=orderer or network.orderer)
    return parse_block(with_validation_codes(data, codes or [0] * len(envelopes)))


@dataclass
class Chain:
    """Blocks from the genesis block on, each built on the one before."""

    network: Network
    blocks: list[Block]

    @classmethod
    def founded(cls, network: Network) -> "Chain":
        return cls(network, [network.genesis()])

    def add(
        self, *transactions: Act | bytes, codes: Sequence[int] = (), orderer: SigningIdentity | None = None
    ) -> "Chain":
        envelopes = [one if isinstance(one, bytes) else envelope(self.network, one) for one in transactions]
        previous = self.blocks[-1].header_hash
        self.blocks.append(build(self.network, len(self.blocks), previous, envelopes, codes, orderer))
        return self

    def remade(self, number: int, change: Callable[[list[bytes]], list[bytes]]) -> list[Block]:
        """Return the blocks with the envelopes of one changed, and from there on hashes and orderer made good."""
        forged = self.blocks[:number]
        for old in self.blocks[number:]:
            envelopes = [one.raw for one in old.transactions]
            envelopes = change(envelopes) if old.number == number else envelopes
            forged.append(build(self.network, old.number, forged[-1].header_hash, envelopes))
        return forged


def altered(network: Network, raw: bytes, old: bytes, new: bytes, *, signer: str) -> bytes:
    """Return the transaction `raw` with `old` in its results made `new`, endorsed anew by `signer` alone.

    The other organisations' endorsements stay as they are; the creator submits it again.
    """
    parsed = EndorsedTransaction.parse(Envelope.parse(raw))
    payload = parsed.response.serialized.replace(old, new)
    assert len(old) == len(new)
    assert payload != parsed.response.serialized
    own = network.peer(signer)
    endorsements = [endorse(own, payload) if one.endorser == own.serialized else one for one in parsed.endorsements]
    return _submitted(network, parsed, payload, endorsements)


def reendorsed(network: Network, raw: bytes, change: Callable[[list[Endorsement]], Sequence[Endorsement]]) -> bytes:
    """Return the transaction `raw` with other endorsements, submitted again by its creator."""
    parsed = EndorsedTransaction.parse(Envelope.parse(raw))
    return _submitted(network, parsed, parsed.response.serialized, change(list(parsed.endorsements)))


def _submitted(
    network: Network, parsed: EndorsedTransaction, payload: bytes, endorsements: Sequence[Endorsement]
) -> bytes:
    # Of a proposal, `assemble` needs the header and the public payload, which the transaction has too.
    return sign_payload(network.client(), assemble(parsed, payload, endorsements)).serialized  # type: ignore[arg-type]


def with_codes(original: Block, *codes: int) -> Block:
    return parse_block(with_validation_codes(original.serialized, codes))
