"""Small ledgers of real blocks, signed by a real consortium, and what somebody might forge in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from countermark.audit.errors import AuditError
from countermark.audit.money import count_money
from countermark.audit.replay import Replay
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
from countermark.protocol import canonical, intents, times
from countermark.protocol.accounts import AccountKey
from tests.support.market import actor
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network, now_ms

MARKET = f"{CHANNEL}/{CHAINCODE}"
BOTH = ("platform", "supervisor")

Version = tuple[int, int]


@dataclass(frozen=True)
class Act:
    """One transaction to be: what is called, what it read, and what it writes (None deletes).

    In keys and values `{tx}` stands for its id, `{time}` for its time, `{later}` for `later_s` seconds after that.
    """

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
    later_s: int = 0

    def results(self, tx_id: str, time_ms: int) -> bytes:
        def fill(text: str) -> str:
            later = times.to_text(time_ms + self.later_s * 1000)
            return text.replace("{tx}", tx_id).replace("{time}", times.to_text(time_ms)).replace("{later}", later)

        rwset = ReadWriteSet(
            reads=tuple(Read(CHAINCODE, key, version) for key, version in self.reads),
            writes=tuple(
                Write(CHAINCODE, fill(key), fill(_text(value)).encode(), value is None) for key, value in self.writes
            ),
            private_hashes=self.private,
        )
        return encode_public(self.namespace, rwset)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return canonical.dumps(value).decode()


def by(who: str | AccountKey, function: str, params: dict[str, Any], **more: Any) -> Act:
    """The act for which `who` signs an intent, of which it keeps the outcome."""
    token = intent(who, function, params)
    signed = intents.parse(token.decode(), market=MARKET)
    outcome = {"cancelled": False, "digest": signed.digest, "response": {}, "tx": "{tx}"}
    writes = ((f"intent/{signed.signer}/{signed.nonce}", outcome), *more.pop("writes", ()))
    return Act(function, (token, b"{}"), writes=writes, **more)


def moving(*spent: str, **made: tuple[str, int]) -> tuple[tuple[str, Any], ...]:
    """The writes that spend coins and make others: owner and minor units by id, in which `_` stands for a dot."""
    return (
        *((f"coin/{coin}", None) for coin in spent),
        *((f"spent/{coin}", {"tx": "{tx}"}) for coin in spent),
        *(
            (f"coin/{coin.replace('_', '.')}", {"owner": owner, "amount": str(amount)})
            for coin, (owner, amount) in made.items()
        ),
    )


def pay(who: str | AccountKey = "buyer", amount: int = 100) -> Act:
    """A payment to the seller that is in order, out of what the buyer has left in the chain of the fixture."""
    seller, buyer = actor("seller").address, actor("buyer").address
    return by(
        who,
        "coin.transfer",
        {"to": seller, "amount": str(amount)},
        reads=(("coin/b.1", (4, 0)),),
        writes=moving("b.1", c_0=(seller, amount), c_1=(buyer, 700 - amount)),
    )


def opened(name: str) -> Act:
    """The opening of the account of that name."""
    address = actor(name).address
    key = {"version": 1, "key": actor(name).encryption.public}
    account = {
        "address": address,
        "encryption_key": key,
        "state": "OPEN",
        **dict.fromkeys(("recovery", "sponsor", "frozen_by", "deadline"), ""),
        **dict.fromkeys(("opened_at", "updated_at"), "{time}"),
    }
    return by(name, "account.open", {"encryption_key": key}, writes=((f"account/{address}", account),))


def intent(who: str | AccountKey, function: str, params: dict[str, Any], **changes: Any) -> bytes:
    key = actor(who).key if isinstance(who, str) else who
    given = {"market": MARKET, "issued_at_ms": now_ms(), **changes}
    return intents.sign(key, action=function, params=params, **given).encode()


def envelope(network: Network, act: Act, creator: SigningIdentity | None = None) -> bytes:
    """Return `act` as a transaction: proposed, endorsed, signed."""
    client = creator or network.client()
    args, now = [act.function.encode(), *act.args], now_ms()
    proposal = build_proposal(client, act.channel, act.chaincode, args, now_ms=now)
    results = act.results(proposal.tx_id, now)
    outcome = Outcome(Response(act.status, b"{}"), results, act.chaincode, "1.0")
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
    last_config: int = 0,
) -> Block:
    data = build_block(number, previous, envelopes, last_config=last_config, orderer=orderer or network.orderer)
    return parse_block(with_validation_codes(data, codes or [0] * len(envelopes)))


@dataclass
class Chain:
    """Blocks from the genesis block on, each built on the one before."""

    network: Network
    blocks: list[Block]

    def __post_init__(self) -> None:
        self.genesis = self.blocks[0].header_hash

    @classmethod
    def founded(cls, network: Network) -> "Chain":
        return cls(network, [network.genesis()])

    def replay(self, blocks: list[Block] | None = None) -> Replay:
        """Replay `blocks`, else those of the chain, to the end, the money included, by the chain's genesis block."""
        audit = Replay(genesis=self.genesis, chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP")
        audit.apply_all(self.blocks if blocks is None else blocks)
        count_money(audit)
        return audit

    def found(self, blocks: list[Block] | None = None) -> tuple[str, int, int]:
        """Return what a replay finds wrong: its code, and number of the block and position of the transaction."""
        with pytest.raises(AuditError) as caught:
            self.replay(blocks)
        return caught.value.code, caught.value.block, caught.value.transaction

    def add(
        self, *transactions: Act | bytes, codes: Sequence[int] = (), orderer: SigningIdentity | None = None
    ) -> "Chain":
        envelopes = [one if isinstance(one, bytes) else envelope(self.network, one) for one in transactions]
        return self.append(envelopes, codes, orderer, last_config=self.blocks[-1].last_config)

    def append(
        self,
        envelopes: Sequence[bytes],
        codes: Sequence[int] = (),
        orderer: SigningIdentity | None = None,
        *,
        last_config: int,
    ) -> "Chain":
        number, previous = len(self.blocks), self.blocks[-1].header_hash
        self.blocks.append(build(self.network, number, previous, envelopes, codes, orderer, last_config))
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
