"""Every write to the ledger goes through a row that is saved before anything leaves this gateway.

`Outbox` keeps the rows, `Submitter` drives them to an end: prepare → endorse → save the signed envelope → submit →
commit status. After a crash, or when an answer was lost, the row says what may have left, and the ledger is asked
for that same transaction id. A new transaction is made only when the old one is dead: it was never endorsed and
signed, or a block holds it as invalid.
"""

from countermark.platform.store.outbox.entry import Entry, IntentKey, Request, Spend, State
from countermark.platform.store.outbox.queue import Outbox
from countermark.platform.store.outbox.submitter import Submitter
from countermark.platform.store.outbox.trimming import forget_calls

__all__ = ["Entry", "IntentKey", "Outbox", "Request", "Spend", "State", "Submitter", "forget_calls"]
