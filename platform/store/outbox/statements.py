"""The statements of the outbox, built once: most of what one costs here is to write it down.

Values are given at execution, columns under their own names: `of_tx_id` and `of_holder` name a row and who drives it,
`token` tells a new driver apart, and `lease_ms` is how long he has the row to himself.
"""

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock, presence
from countermark.platform.store.outbox.entry import OPEN_STATES
from countermark.platform.store.tables import outbox

_OPEN = outbox.c.state.in_(OPEN_STATES)
_UNHELD = or_(outbox.c.lease_until_ms <= clock.now(), presence.gone(outbox.c.lease_holder))
_OWN: ColumnElement[str] = presence.holder(bindparam("token", type_=Text))
_LEASE_END = clock.now() + bindparam("lease_ms", type_=BigInteger)
INSERT = (
    insert(outbox)
    .values(lease_until_ms=_LEASE_END, created_ms=clock.now(), updated_ms=clock.now())
    .returning(*outbox.c)
)
INSERT_LEASED = INSERT.values(lease_holder=_OWN)
_OF = outbox.c.tx_id == bindparam("of_tx_id")
CHANGE = (
    update(outbox)
    .where(_OF, outbox.c.lease_holder == bindparam("of_holder"), _OPEN)
    .values(updated_ms=clock.now(), lease_until_ms=_LEASE_END)
    .returning(outbox.c.updated_ms)
)
TAKE = (
    update(outbox)
    .where(_OF, _OPEN, _UNHELD)
    .values(lease_holder=_OWN, lease_until_ms=_LEASE_END)
    .returning(*outbox.c)
)
DUE = (
    select(outbox.c.tx_id)
    .where(_OPEN, _UNHELD)
    .order_by(outbox.c.lease_until_ms, outbox.c.created_ms, outbox.c.tx_id)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
)
BY_INTENT = select(outbox).where(
    outbox.c.signer == bindparam("signer"), outbox.c.nonce == bindparam("nonce"), outbox.c.superseded_by.is_(None)
)
LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0)))
