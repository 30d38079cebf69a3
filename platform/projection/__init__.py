"""Keeps the ledger-derived tables equal to the ledger: block and checkpoint in one database transaction."""

from countermark.platform.projection.comparison import Change, Difference, compare
from countermark.platform.projection.digest import ledger_digest
from countermark.platform.projection.errors import ProjectionError
from countermark.platform.projection.projector import Projector, Rebuilt
from countermark.platform.projection.reading import Checkpoint, read_checkpoint, wait_for_block

__all__ = [
    "Change",
    "Checkpoint",
    "Difference",
    "ProjectionError",
    "Projector",
    "Rebuilt",
    "compare",
    "ledger_digest",
    "read_checkpoint",
    "wait_for_block",
]
