"""What the platform needs from outside: a ledger, its blocks, a place for large objects, a courier, descriptions.

The gateway wires the real ones in; nothing of the platform knows which kind of ledger it talks to.
"""

from countermark.platform.ports.blocks import Block, BlockSource, ChaincodeEvent, Transaction, Write
from countermark.platform.ports.courier import Courier, DeliveryError
from countermark.platform.ports.descriptions import Described, Descriptions
from countermark.platform.ports.errors import LedgerError, OutcomeUnknownError, RefusedError, UnavailableError
from countermark.platform.ports.ledger import CommitStatus, Endorsed, Ledger, Prepared
from countermark.platform.ports.meter import OutboxMeter, Unmetered
from countermark.platform.ports.objects import ObjectStore

__all__ = [
    "Block",
    "BlockSource",
    "ChaincodeEvent",
    "CommitStatus",
    "Courier",
    "DeliveryError",
    "Described",
    "Descriptions",
    "Endorsed",
    "Ledger",
    "LedgerError",
    "ObjectStore",
    "OutboxMeter",
    "OutcomeUnknownError",
    "Prepared",
    "RefusedError",
    "Transaction",
    "UnavailableError",
    "Unmetered",
    "Write",
]
