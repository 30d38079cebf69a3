"""Keeps the ledger-derived tables equal to the ledger: block and checkpoint in one database transaction."""

from countermark.platform.projection.digest import ledger_digest
from countermark.platform.projection.errors import ProjectionError
from countermark.platform.projection.projector import Projector
from countermark.platform.projection.reading import Checkpoint, read_checkpoint, wait_for_block

__all__ = ["Checkpoint", "ProjectionError", "Projector", "ledger_digest", "read_checkpoint", "wait_for_block"]
