"""Cutting and committing blocks: the orderer's and the committing peer's part, one thread, in order."""

from collections.abc import Sequence
from typing import NamedTuple

from countermark.network.blocks import data_hash, header_hash, parse_block
from countermark.network.blocks.building import build_block, with_validation_codes
from countermark.network.blocks.codes import Code
from countermark.network.embedded.ledger.chain import Applied, Ledger, apply
from countermark.network.embedded.ledger.private import PrivateWrites
from countermark.network.embedded.ledger.state import StateUpdate
from countermark.network.embedded.validation import UNAUTHENTIC, Checked, Validator, conflict
from countermark.network.identities import SigningIdentity


class Outcome(NamedTuple):
    """How a transaction ended: the block that has it, and its validation code."""

    tx_id: str
    block: int
    code: int


class Committer:
    """Makes a block of envelopes, validates them, and commits the block; signs as `orderer`."""

    def __init__(self, ledger: Ledger, validator: Validator, orderer: SigningIdentity) -> None:
        self._ledger = ledger
        self._validator = validator
        self._orderer = orderer

    def commit(self, envelopes: Sequence[bytes]) -> list[Outcome]:
        """Commit `envelopes` (common.Envelope) as the next block and return how those ended that have an id.

        A repeated id is not among them: its outcome is that of the first transaction which used it.

        Raises:
            LedgerError: The block could not be written. Nothing has changed.
        """
        tip = self._ledger.tip
        number = tip.number + 1
        codes: list[int] = []
        outcomes: list[Outcome] = []
        private: list[PrivateWrites] = []
        with self._ledger.state.update() as update:
            for position, raw in enumerate(envelopes):
                checked = self._validator.check(raw)
                code = _decide(checked, update)
                applied = Applied(checked.tx_id, checked.timestamp_ms, checked.rwset, code)
                private.extend(apply(update, (number, position), applied))
                codes.append(code)
                if code is not Code.DUPLICATE_TXID and code not in UNAUTHENTIC:
                    outcomes.append(Outcome(checked.tx_id, number, code))
            block = build_block(number, tip.header_hash, envelopes, last_config=0, orderer=self._orderer)
            digest = header_hash(number, tip.header_hash, data_hash(envelopes))
            self._ledger.append(with_validation_codes(block, codes), digest, update, private)
        return outcomes


def commit_genesis(ledger: Ledger, block: bytes) -> None:
    """Commit `block`, the channel's configuration, as block 0.

    Raises:
        LedgerError: It could not be written.
        EnvelopeError: It is no block.
    """
    parsed = parse_block(block)
    with ledger.state.update() as update:
        for position, one in enumerate(parsed.transactions):
            apply(update, (0, position), Applied(one.tx_id, one.timestamp_ms, one.rwset, Code.VALID))
        data = with_validation_codes(block, [Code.VALID] * len(parsed.transactions))
        ledger.append(data, parsed.header_hash, update, [])


def _decide(checked: Checked, update: StateUpdate) -> Code:
    """Return the verdict on `checked`: what its bytes say, then whether its id is new, then what it read."""
    if checked.code in UNAUTHENTIC:
        return checked.code
    if update.has_transaction(checked.tx_id):
        return Code.DUPLICATE_TXID
    if checked.code is not Code.VALID:
        return checked.code
    return conflict(checked.rwset, update.view)
