"""The real contracts on a ledger in memory whose transactions become real blocks, signed by a real consortium."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from countermark.chaincode.registry import handler
from countermark.chaincode.result import Result
from countermark.chaincode.testing import Ledger
from countermark.network.blocks import (
    Block,
    PrivateHashes,
    PrivateRead,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    Write,
    build_block,
    parse_block,
    with_validation_codes,
)
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.envelopes import (
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
from countermark.protocol.errors import MarketError
from tests.support.backends import Committed, certificate
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Market
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network

ORGANISATIONS = {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "trader"}


class SignedLedger:
    """A backend of the contract suite. `keep` gets the bytes of each block, from the genesis block on.

    Each transaction is a block of its own, but for those of one `together`, which must not depend on each other.
    """

    def __init__(self, network: Network, keep: Callable[[bytes], None]) -> None:
        self.market = f"{CHANNEL}/{CHAINCODE}"
        self.network = network
        self._ledger = Ledger(handler)
        self._keep = keep
        self._waiting: list[tuple[Result, bytes]] | None = None
        genesis = network.genesis()
        self.genesis = genesis.header_hash
        self._tip = genesis
        keep(genesis.serialized)

    @property
    def now_ms(self) -> int:
        return self._ledger.now_ms

    def wait(self, seconds: float) -> None:
        self._ledger.now_ms += round(seconds * 1000)

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        client = self._signer(msp, "admin" if unit == "admin" else "gateway")
        call = [function.encode(), *(argument.encode() for argument in args)]
        proposal = build_proposal(client, CHANNEL, CHAINCODE, call, now_ms=self.now_ms)
        result = self._ledger.endorse(
            msp, function, *args, transient=transient, certificate=certificate(unit), tx_id=proposal.tx_id
        )
        self._check(result)
        made = (result, self._envelope(proposal, result, client))
        if self._waiting is None:
            self._commit([made])
        else:
            self._waiting.append(made)
        return Committed(result.tx_id, json.loads(result.response.payload))

    def evaluate(self, msp: str, function: str, *args: str) -> Any:
        result = self._ledger.evaluate(msp, function, *args)
        self._check(result)
        return json.loads(result.response.payload)

    def hold(self, msp: str, function: str, *args: str, transient: Mapping[str, bytes] | None = None) -> object:
        raise NotImplementedError  # blocks are made at once here: nothing is held back

    def release(self, envelope: object) -> str:
        raise NotImplementedError  # as nothing is held

    @contextmanager
    def together(self) -> Iterator[None]:
        """Put what is submitted meanwhile into one block."""
        self._waiting = []
        yield
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._commit(waiting)

    def _commit(self, made: list[tuple[Result, bytes]]) -> None:
        committed = self._ledger.commit(*(result for result, _ in made))
        assert all(one.committed for one in committed), [one.validation for one in committed]
        data = build_block(
            self._tip.number + 1,
            self._tip.header_hash,
            [envelope for _, envelope in made],
            last_config=0,
            orderer=self._orderer,
        )
        data = with_validation_codes(data, [0] * len(made))
        self._tip = parse_block(data)
        self._keep(data)

    @property
    def tip(self) -> Block:
        """The last block."""
        return self._tip

    @staticmethod
    def _check(result: Result) -> None:
        if not result.ok:
            error = MarketError.from_json(result.response.message)
            assert error is not None, result.response.message
            raise error

    @cached_property
    def _orderer(self) -> SigningIdentity:
        return self.network.orderer

    @cached_property
    def _signers(self) -> dict[tuple[str, str], SigningIdentity]:
        return {
            (msp, name): self.network.organisations[short].identity(name)
            for msp, short in ORGANISATIONS.items()
            for name in ("peer0", "gateway", "admin")
        }

    def _signer(self, msp: str, name: str) -> SigningIdentity:
        return self._signers[msp, name]

    def _envelope(self, proposal: Proposal, result: Result, client: SigningIdentity) -> bytes:
        response = Response(result.response.status, result.response.payload)
        outcome = Outcome(response, encode_public(CHAINCODE, _rwset(result)), CHAINCODE, "1.0")
        payload = build_response_payload(proposal, outcome).serialized
        endorsements = [endorse(self._signer(msp, "peer0"), payload) for msp in (PLATFORM, SUPERVISOR)]
        return sign_payload(client, assemble(proposal, payload, endorsements)).serialized


def _rwset(result: Result) -> ReadWriteSet:
    effects = result.effects
    private: dict[str, PrivateHashes] = {}
    for collection in sorted({one for one, _ in (*effects.private_reads, *effects.private_writes)}):
        private[collection] = PrivateHashes(
            CHAINCODE,
            collection,
            tuple(
                PrivateRead(_hash(key.encode()), version)
                for (name, key), version in sorted(effects.private_reads.items())
                if name == collection
            ),
            tuple(
                PrivateWrite(_hash(key.encode()), _hash(write.value or b""), write.value is None, write.purge)
                for (name, key), write in sorted(effects.private_writes.items())
                if name == collection
            ),
            b"s" * 32,
        )
    return ReadWriteSet(
        reads=tuple(Read(CHAINCODE, key, version) for key, version in sorted(effects.reads.items())),
        writes=tuple(Write(CHAINCODE, key, value or b"", value is None) for key, value in effects.writes.items()),
        ranges=tuple(
            RangeQuery(
                CHAINCODE,
                one.start,
                one.end,
                not one.page_size or len(one.met) < one.page_size,
                tuple(Read(CHAINCODE, key, version) for key, version in one.met),
            )
            for one in effects.ranges
        ),
        private_hashes=tuple(private.values()),
    )


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sell(market: Market, count: int, *, in_one: int = 10, first: int = 0) -> None:
    """Have `count` contracts registered, sold and confirmed, `in_one` at a time, each act of theirs in one block.

    They are numbered from `first` on, which tells the data of one from those of another.
    """
    backend = market.backend
    assert isinstance(backend, SignedLedger)
    for start in range(first, first + count, in_one):
        numbers = range(start, min(start + in_one, first + count))
        with backend.together():
            listings = [market.list_data(data=b"data of %d" % number)["id"] for number in numbers]
        params = [market.pay_params(listing) for listing in listings]
        with backend.together():
            coins = [market.fund(market.buyer, int(one["price"]) + int(one["bond"])) for one in params]
        with backend.together():
            trades = [
                market.ask(market.buyer, "trade.pay", one, coin)["id"]
                for one, coin in zip(params, coins, strict=True)
            ]
        with backend.together():
            charges = [market.sign_act("trade.charge", trade) for trade in trades]
        with backend.together():
            for who, token, attached in charges:
                market.send_token(token, "trade.charge", attached, msp=who.msp)
        for function in ("trade.send", "trade.relay", "trade.ack", "trade.check", "trade.confirm"):
            with backend.together():
                for trade in trades:
                    market.act(function, trade)
