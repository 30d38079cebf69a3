"""Read what is on the market: browse descriptions and prices (9-1), show one contract (R33).

Shown are the ledger's record and the description with its salt, so that a reader checks the description against the
commitment ``c_d`` himself. Never shown: anything of a fingerprint (R34).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.publication import is_public
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import ColumnElement, Connection, Row, or_, select, tuple_
from countermark.protocol import canonical, fields
from countermark.protocol.description import Description
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import ListingState

LONGEST_PAGE = 100
MOST_WORDS = 16
"""Words of a query that are looked at."""


@dataclass(frozen=True, slots=True)
class ListingView:
    """A contract as anybody may see it once it has been on the market.

    ``record`` is the ledger's; ``description`` and ``salt_d`` are None once they were erased, or where nobody has
    told them yet.
    """

    address: str
    seller: str
    owner: str
    state: str
    price: int
    record: Mapping[str, Any] = field(repr=False)
    description: Description | None
    salt_d: bytes | None
    created_block: int
    created_tx: str
    updated_tx: str

    @property
    def held(self) -> bool:
        """Whether a legal hold lies on it."""
        return bool(self.record.get("held"))

    @property
    def erased(self) -> bool:
        """Whether its opening was purged."""
        return bool(self.record.get("erased"))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which listings to show: in ``state`` ("" for any), of ``owner``, up to ``max_price`` units, with ``words``."""

    state: str = ListingState.LISTED
    owner: str = ""
    max_price: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Listings, the newest first, and the cursor of the next page, "" on the last."""

    listings: tuple[ListingView, ...]
    cursor: str


class Catalogue:
    """Reads listings. May be shared between threads."""

    def __init__(self, *, database: Database, columns: PrivateColumns) -> None:
        self._database = database
        self._columns = columns

    def browse(
        self, filters: Filters | None = None, *, cursor: str = "", limit: int = LONGEST_PAGE, viewer: str = ""
    ) -> Page:
        """Return a page of at most ``limit`` listings.

        Args:
            filters: which ones; those on the market where None.
            cursor: of the page before, "" for the first.
            limit: 1 to `LONGEST_PAGE`.
            viewer: who also sees those of his own that were never on the market, "" for nobody.

        Raises:
            MarketError: MALFORMED_REQUEST for a cursor or limit that cannot be.
        """
        if not 1 <= limit <= LONGEST_PAGE:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, f"a page has 1 to {LONGEST_PAGE} listings")
        contracts = tables.data_contracts
        place = tuple_(contracts.c.created_block, contracts.c.address)
        query = (
            select(contracts)
            .where(*_conditions(filters or Filters(), viewer))
            .order_by(contracts.c.created_block.desc(), contracts.c.address.desc())
            .limit(limit + 1)
        )
        if cursor:
            query = query.where(place < tuple_(*_parse_cursor(cursor)))
        with self._database.autocommit() as connection:
            rows = connection.execute(query).all()
        listings = tuple(self._view(row) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(listings, "" if last is None else _cursor(last))

    def show(self, address: str, *, viewer: str = "") -> ListingView:
        """Return one contract; one that was never on the market only to ``viewer``, when it is his.

        Raises:
            MarketError: UNKNOWN_LISTING.
        """
        with self._database.autocommit() as connection:
            return self.find(connection, address, viewer=viewer)

    def find(self, connection: Connection, address: str, *, viewer: str = "") -> ListingView:
        """Return one contract as `show` does, in the caller's transaction.

        Raises:
            MarketError: UNKNOWN_LISTING.
        """
        contracts = tables.data_contracts
        query = select(contracts).where(contracts.c.address == address, contracts.c.state.is_not(None))
        row = connection.execute(query.where(_visible(viewer))).one_or_none()
        if row is None:
            raise MarketError(ErrorCode.UNKNOWN_LISTING, "no listing has such an address")
        return self._view(row)

    def _view(self, row: Row[Any]) -> ListingView:
        untold = row.description is None
        return ListingView(
            address=row.address,
            seller=row.seller,
            owner=row.owner,
            state=row.state,
            price=row.price,
            record=row.record,
            description=None if untold else self._columns.description(row),
            salt_d=None if untold else self._columns.salt_d(row),
            created_block=row.created_block,
            created_tx=row.created_tx,
            updated_tx=row.updated_tx,
        )


def _visible(viewer: str) -> ColumnElement[bool]:
    contracts = tables.data_contracts
    own = [contracts.c.seller == viewer, contracts.c.owner == viewer] if viewer else []
    return or_(is_public(), *own)


def _conditions(filters: Filters, viewer: str) -> list[Any]:
    contracts = tables.data_contracts
    conditions: list[Any] = [contracts.c.state.is_not(None), _visible(viewer)]
    if filters.state:
        conditions.append(contracts.c.state == filters.state)
    if filters.owner:
        conditions.append(contracts.c.owner == filters.owner)
    if filters.max_price is not None:
        conditions.append(contracts.c.price <= filters.max_price)
    words = filters.words.casefold().split()[:MOST_WORDS]
    conditions.extend(contracts.c.search_text.contains(word, autoescape=True) for word in words)
    return conditions


def _cursor(row: Row[Any]) -> str:
    return b64u(canonical.dumps([row.created_block, row.address]))


def _parse_cursor(cursor: str) -> tuple[int, str]:
    place = canonical.loads(unb64u(cursor))
    if not isinstance(place, list) or len(place) != 2:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "not a cursor of this list")
    block, address = place
    return fields.integer(0, 2**53 - 1)(block), fields.text(64)(address)
