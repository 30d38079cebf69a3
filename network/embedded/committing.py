"""Cutting and committing blocks: the orderer's and the committing peer's part, one thread, in order."""

from collections.abc import Sequence
from typing import NamedTuple

from countermark.faults import Point, reach
from countermark.network.blocks import ReadWriteSet, commit_hash, data_hash, header_hash, parse_block
from countermark.network.blocks.building import build_block, with_validation_codes
from countermark.network.blocks.codes import Code
from countermark.network.embedded.ledger.chain import Applied, Ledger, Tip, apply
from countermark.network.embedded.ledger.private import PrivateWrites
from countermark.network.embedded.ledger.state import StateUpdate
from countermark.network.embedded.validation import Checked, Validator, conflict
from countermark.network.identities import SigningIdentity


class TransactionOutcome(NamedTuple):
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

    def commit(self, envelopes: Sequence[bytes]) -> list[TransactionOutcome]:
        """Commit `envelopes` (common.Envelope) as the next block and return how those ended that have a new id.

        As on Fabric's peers, the outcome that is told of an id is that of the first envelope which claims it.

        Raises:
            StorageError: The block could not be written. Nothing has changed.
        """
        tip = self._ledger.tip
        number = tip.number + 1
        committed: list[tuple[int, ReadWriteSet]] = []
        outcomes: list[TransactionOutcome] = []
        private: list[PrivateWrites] = []
        valid_ids: set[str] = set()
        with self._ledger.state.update() as update:
            for position, raw in enumerate(envelopes):
                checked = self._validator.check(raw)
                known = update.block_of(checked.tx_id) if checked.tx_id else None
                code = _decide(checked, update, valid_ids, used=known is not None and known < number)
                if checked.tx_id and known is None:
                    outcomes.append(TransactionOutcome(checked.tx_id, number, code))
                applied = Applied(checked.tx_id, checked.timestamp_ms, checked.rwset, code)
                private.extend(apply(update, (number, position), applied))
                committed.append((code, checked.rwset))
            block = build_block(number, tip.header_hash, envelopes, last_config=0, orderer=self._orderer)
            running = commit_hash(number, tip.commit_hash, committed)
            data = with_validation_codes(block, [code for code, _ in committed], commit_hash=running)
            digest = header_hash(number, tip.header_hash, data_hash(envelopes))
            self._ledger.append(data, Tip(number, digest, running), update, private)
        reach(Point.BLOCK_COMMITTED)
        return outcomes


def commit_genesis(ledger: Ledger, block: bytes) -> None:
    """Commit `block`, the channel's configuration, as block 0.

    Raises:
        StorageError: It could not be written.
        EnvelopeError: It is no block.
    """
    parsed = parse_block(block)
    with ledger.state.update() as update:
        for position, one in enumerate(parsed.transactions):
            apply(update, (0, position), Applied(one.tx_id, one.timestamp_ms, one.rwset, Code.VALID))
        data = with_validation_codes(block, [Code.VALID] * len(parsed.transactions))
        ledger.append(data, Tip(0, parsed.header_hash), update, [])


def _decide(checked: Checked, update: StateUpdate, valid_ids: set[str], *, used: bool) -> Code:
    """Return the verdict on `checked`, whose id an earlier block has `used`, and note it among those of valid ones.

    The order is Fabric's: its form, then whether an earlier block has its id, then who endorsed it, then whether a
    valid one before it in this block has its id, and at last what it read. So a damaged copy that is ordered just
    before the good one does it no harm, unless a block lies between them.
    """
    if not checked.well_formed:
        return checked.code
    if used:
        return Code.DUPLICATE_TXID
    if checked.code is not Code.VALID:
        return checked.code
    if checked.tx_id in valid_ids:
        return Code.DUPLICATE_TXID
    valid_ids.add(checked.tx_id)
    return conflict(checked.rwset, update.view)
