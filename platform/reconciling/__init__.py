"""Compares what the platform's tables say with what the ledger says, and names each thing that differs.

The ledger-derived tables are made once more from the blocks, beside those that are kept (`scratch`), and compared row
by row; private columns with the private collection; the board with its anchors; outbox and board with the acts on the
ledger. Nothing is changed.
"""

from countermark.platform.reconciling.discrepancies import Discrepancy, Said
from countermark.platform.reconciling.reconciliation import Reconciliation, Tally

__all__ = ["Discrepancy", "Reconciliation", "Said", "Tally"]
