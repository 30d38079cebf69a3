"""A claim's record, read from the projection: who has a part in it, and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, and_, or_, select
from countermark.platform.views import cursors
from countermark.protocol import fields, times
from countermark.protocol.claims import ClaimState, next_claim_acts
from countermark.protocol.errors import ErrorCode, MarketError


@dataclass(frozen=True, slots=True)
class ClaimView:
    """How far a claim has come by the last block applied; ``record`` is the ledger's."""

    id: str
    claimant: str
    owner: str
    """Whose the contract is now."""
    answered_by: str
    """Whose it was when it was claimed, or who has answered for it."""
    decider: str
    state: ClaimState
    record: Mapping[str, Any] = field(repr=False)

    def role(self, account: str) -> str:
        """Return "claimant", "owner" or "supervisor"; "sale" of those whose trade waits for its end, or has waited.

        Who owns the contract after it has ended has no part in it.

        Raises:
            MarketError: UNKNOWN_CLAIM for anybody else.
        """
        sale = self.record["sale"] or {}
        roles = {
            **dict.fromkeys((sale[name] for name in ("seller", "buyer") if sale), "sale"),
            **({} if self.state.final else {self.owner: "owner"}),
            self.answered_by: "owner",
            self.claimant: "claimant",
            self.decider: "supervisor",
        }
        if account not in roles:
            raise _unknown()
        return roles[account]

    @property
    def allowed(self) -> dict[str, list[str]]:
        """The functions that are possible now, each with the roles that may call them."""
        return {function: sorted(map(str, actors)) for function, actors in next_claim_acts(self.state).items()}


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """Claims of one account, the newest first, and the cursor of the next page, "" on the last."""

    claims: tuple[dict[str, Any], ...] = field(repr=False)
    cursor: str


def find_claim(connection: Connection, claim: str) -> ClaimView | None:
    """Return the claim with this id, None if the last block applied knows none."""
    row = connection.execute(_query().where(tables.claims.c.id == claim)).one_or_none()
    return None if row is None else _view(row)


def load_claim(connection: Connection, claim: str) -> ClaimView:
    """Return the claim with this id.

    Raises:
        MarketError: UNKNOWN_CLAIM.
    """
    view = find_claim(connection, claim)
    if view is None:
        raise _unknown()
    return view


def load_claim_for(connection: Connection, claim: str, *, party: str) -> dict[str, Any]:
    """Return the claim as its ``party`` sees it: the record, what may come next, every step.

    Raises:
        MarketError: UNKNOWN_CLAIM, also for everybody who has no part in it.
    """
    view = load_claim(connection, claim)
    view.role(party)
    return _resources(connection, [view])[0]


def list_claims(
    connection: Connection,
    party: str,
    *,
    open_only: bool = False,
    cursor: str = "",
    limit: int = cursors.LONGEST_PAGE,
) -> ClaimPage:
    """Return a page of the claims in which ``party`` has a part, the newest first.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be.
    """
    table, contracts = tables.claims, tables.data_contracts
    mine = [column == party for column in (table.c.claimant, table.c.owner, table.c.decider)]
    # Whose it is now, after a recovery say, is asked while it waits.
    mine.append(and_(contracts.c.owner == party, table.c.deadline_ms.is_not(None)))
    query = _query().where(or_(*mine))
    if open_only:
        query = query.where(table.c.deadline_ms.is_not(None))
    if cursor:
        block, claim = cursors.decode(cursor, fields.integer(0, 2**53 - 1), fields.text(64))
        query = query.where(
            or_(table.c.created_block < block, (table.c.created_block == block) & (table.c.id < claim))
        )
    rows = connection.execute(query.order_by(table.c.created_block.desc(), table.c.id.desc()).limit(limit + 1)).all()
    page = list(rows[:limit])
    following = cursors.encode(page[-1].created_block, page[-1].id) if len(rows) > limit else ""
    return ClaimPage(tuple(_resources(connection, [_view(row) for row in page])), following)


def _query() -> Any:
    table, contracts = tables.claims, tables.data_contracts
    this = contracts.c.address == table.c.listing
    return select(table, contracts.c.owner.label("owner_now")).outerjoin(contracts, this)


def _resources(connection: Connection, views: list[ClaimView]) -> list[dict[str, Any]]:
    histories: dict[str, list[dict[str, str]]] = {view.id: [] for view in views}
    events = tables.events
    steps = select(events).where(events.c.subject.in_(list(histories))).order_by(events.c.seq)
    for step in connection.execute(steps):
        entry = {"txid": step.tx_id, "function": step.name, "time": times.to_text(step.time_ms)}
        histories[step.subject].append(entry)
    return [
        {
            **view.record,
            "next": {"actors": view.allowed, "deadline": view.record["deadline"]},
            "history": histories[view.id],
        }
        for view in views
    ]


def _unknown() -> MarketError:
    return MarketError(ErrorCode.UNKNOWN_CLAIM, "there is no such claim")


def _view(row: Row[Any]) -> ClaimView:
    return ClaimView(
        id=row.id,
        claimant=row.claimant,
        owner=row.owner_now,
        answered_by=row.owner,
        decider=row.decider,
        state=ClaimState(row.state),
        record=row.record,
    )
