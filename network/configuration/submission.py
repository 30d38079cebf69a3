"""A signed update goes to the orderers, and comes back in a block of its own."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from countermark.network.blocks import Block
from countermark.network.blocks.configs import SignedUpdate, last_update
from countermark.network.client import LedgerError, OrdererClient, Retry
from countermark.network.configuration.envelopes import update_envelope
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.errors import ConfigurationError
from countermark.network.identities import SigningIdentity
from countermark.network.lifecycle.patience import patiently

WAIT_S = 60.0
"""Seconds in which an orderer must take the update, and in which the block must come."""

T = TypeVar("T")


def submit_update(
    orderers: Sequence[OrdererClient],
    update: ConfigUpdate,
    signed: SignedUpdate,
    submitter: SigningIdentity,
    *,
    timeout: float = WAIT_S,
) -> Block:
    """Hand the `signed` `update` to the first of `orderers` that takes it, and return the block that it came in.

    While none of them does, because no leader is elected or none is there, all are asked again: the same update is
    made once, however often it is handed over. Whether the signatures are enough, `check_complete` says before.

    Raises:
        ConfigurationError: The orderers refused it (``update_refused``), or another update came first
            (``overtaken``): then it is to be made anew.
        LedgerError: None of them took it in `timeout` seconds, or the block did not come in as many: it may come yet.
    """
    if not orderers:
        raise ConfigurationError("no_orderer", "there is no orderer to give the update to")
    envelope = update_envelope(update, signed, submitter, now_ms=time.time_ns() // 1_000_000)
    start = patiently(lambda: _ask(orderers, OrdererClient.newest_block), wait_s=timeout).number + 1
    try:
        orderer = patiently(lambda: _ask(orderers, lambda one: _hand_over(one, envelope)), wait_s=timeout)
    except LedgerError as error:
        if error.retry is not Retry.NEVER:
            raise
        # One that did not answer may have ordered it, and then it is refused when it is handed over again.
        block = _ask(orderers, lambda one: _find(one, start, update))
        if block is None:
            raise ConfigurationError("update_refused", error.detail) from error
        return block
    return _await(orderer, start, update, timeout)


def _ask(orderers: Sequence[OrdererClient], call: Callable[[OrdererClient], T]) -> T:
    """Return what `call` returns for the first of `orderers` that is there."""
    *others, last = orderers
    for orderer in others:
        try:
            return call(orderer)
        except LedgerError as error:
            if error.retry not in (Retry.SAME, Retry.OTHER):
                raise
    return call(last)


def _hand_over(orderer: OrdererClient, envelope: bytes) -> OrdererClient:
    orderer.broadcast(envelope)
    return orderer


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
