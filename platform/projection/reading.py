"""How far the projection has come, and waiting until it has come far enough."""

import time
from dataclasses import dataclass

from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, select
from countermark.platform.store.tables import checkpoint


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last block applied and the hash of its header."""

    block_number: int
    block_hash: bytes


def read_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint, None before the first block."""
    row = connection.execute(select(checkpoint.c.block_number, checkpoint.c.block_hash)).one_or_none()
    return None if row is None else Checkpoint(row.block_number, bytes(row.block_hash))


def wait_for_block(database: Database, number: int, *, timeout_s: float) -> bool:
    """Return whether block `number` is applied, waiting up to `timeout_s` seconds: so one reads one's own writes.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    deadline = time.monotonic() + timeout_s
    if _reached(database, number):
        return True
    if timeout_s <= 0:
        return False
    with database.listener(channels.BLOCKS) as listener:
        while not _reached(database, number):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            listener.wait(left)
    return True


def _reached(database: Database, number: int) -> bool:
    with database.begin() as connection:
        last = read_checkpoint(connection)
    return last is not None and last.block_number >= number
