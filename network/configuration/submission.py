"""A signed update goes to the orderers, and comes back in a block of its own."""

import time
from collections.abc import Sequence

from countermark.network.blocks import Block
from countermark.network.blocks.configs import SignedUpdate, last_update
from countermark.network.client import LedgerError, OrdererClient, Retry
from countermark.network.configuration.envelopes import update_envelope
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.errors import ConfigurationError
from countermark.network.identities import SigningIdentity

WAIT_S = 60.0
"""Seconds in which the block must come."""


def submit_update(
    orderers: Sequence[OrdererClient],
    update: ConfigUpdate,
    signed: SignedUpdate,
    submitter: SigningIdentity,
    *,
    timeout: float = WAIT_S,
) -> Block:
    """Hand the `signed` `update` to the first of `orderers` that takes it, and return the block that it came in.

    Whether the signatures are enough, `check_complete` says before.

    Raises:
        ConfigurationError: The orderers refused it (``update_refused``), or another update came first
            (``overtaken``): then it is to be made anew.
        LedgerError: None of them is there, or the block did not come in `timeout` seconds: it may come yet.
    """
    envelope = update_envelope(update, signed, submitter, now_ms=time.time_ns() // 1_000_000)
    failure: LedgerError | None = None
    start = 0
    for orderer in orderers:
        try:
            start = start or orderer.newest_block().number + 1
            orderer.broadcast(envelope)
        except LedgerError as error:
            if error.retry is not Retry.NEVER:
                failure = error
                continue
            # One that did not answer may have ordered it, and then it is refused by the next.
            if failure is None or (block := _find(orderer, start, update)) is None:
                raise ConfigurationError("update_refused", error.detail) from error
            return block
        return _await(orderer, start, update, timeout)
    if failure is None:
        raise ConfigurationError("no_orderer", "there is no orderer to give the update to")
    raise failure


def _find(orderer: OrdererClient, start: int, update: ConfigUpdate) -> Block | None:
    """Return the block that brought `update`, if there is one from number `start` on."""
    numbers = range(start, orderer.newest_block().number + 1)
    return next((block for block in map(orderer.block, numbers) if last_update(block) == update.serialized), None)


def _await(orderer: OrdererClient, start: int, update: ConfigUpdate, timeout: float) -> Block:
    for block in orderer.blocks(start, timeout=timeout):
        found = last_update(block)
        if found == update.serialized:
            return block
        if found is not None:
            raise ConfigurationError("overtaken", f"another update came first, in block {block.number}")
    raise AssertionError("blocks without an end have ended")
