"""Parts of applications that wait for theirs: sealed fingerprints in the object store, each bound to one account.

A row is there before its object is, so whatever becomes of an upload, the row leads to what it left behind. What no
application has taken in a day goes (`PartsRetentionJob`), and what one has taken goes with its decision.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import keep
from countermark.platform.store.quotas import Quota, RateLimitedError
from countermark.platform.store.sql import Connection, Row, and_, delete, func, select, update, upsert
from countermark.protocol import canonical, parts
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey, open_sealed

KEPT_MS = 86_400_000
"""How long a part waits for its application after it was last sent."""

WAITING_BYTES = 512 << 20
"""Most bytes that may wait for one account: the parts of some 25,000 pictures."""

LEAST_BYTES = 64 << 10
"""As so many bytes a smaller part counts: it takes a row and an object as well."""

_SPENT_MS = 0
"""When a part was last sent that an application has taken: so long ago that it goes."""


class PartsMissingError(MarketError):
    """An application names parts that are not here; ``missing`` are their digests, in its order."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            ErrorCode.PARTS_MISSING, f"{len(missing)} parts are not here: send them, and then this again"
        )
        self.missing = tuple(missing)


def object_name(account: str, digest: str) -> str:
    """Return the name of the object that holds a part."""
    return f"fingerprint-parts/{account}/{digest.removeprefix('sha256:')}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A part that is here: its name, its bytes, when it goes unless it is sent again, and whether it is new."""

    digest: str
    size: int
    until_ms: int
    fresh: bool = False


class Parts:
    """Keeps parts, and opens them for applications. May be shared between threads."""

    def __init__(
        self,
        *,
        database: Database,
        objects: ObjectStore,
        keys: Mapping[int, EncryptionKey],
        market: str,
        clock: Callable[[], int],
        most_bytes: int = WAITING_BYTES,
        writes: Quota | None = None,
    ) -> None:
        """Create the store.

        Args:
            database: the platform's tables.
            objects: where parts lie.
            keys: the platform's encryption keys by version.
            market: channel/chaincode.
            clock: gives the time in ms since the epoch.
            most_bytes: how many may wait for one account.
            writes: what an account may ask, by whatever way.
        """
        self._database = database
        self._objects = objects
        self._keys = keys
        self._market = market
        self._clock = clock
        self._most_bytes = most_bytes
        self._writes = writes

    def keep(self, account: str, digest: str, message: dict[str, Any]) -> Kept:
        """Keep the sealed ``message`` as the part ``digest`` of ``account``; one that is here stays a day longer.

        Raises:
            MarketError: UNKNOWN_ACCOUNT, RATE_LIMITED when too much waits or is sent; MALFORMED_REQUEST when it has
                another digest or is no part; TOO_LARGE; SEALED_MALFORMED, SEALED_UNDECRYPTABLE, UNKNOWN_KEY_VERSION.
        """
        now_ms = self._clock()
        with self._database.begin() as connection:
            _check_account(connection, account)
            if self._writes is not None:
                self._writes.spend(connection, account, now_ms=now_ms)
        data = canonical.dumps(message)
        if len(data) > parts.MAX_BYTES:
            raise MarketError(ErrorCode.TOO_LARGE, f"a part has at most {parts.MAX_BYTES} bytes")
        if parts.digest_of(message) != digest:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "the message has another digest than the path says")
        # Whoever sends what nobody can read is told so now, not when he applies.
        self._read(message)
        with self._database.begin() as connection:
            known = self._reserve(connection, account, digest, len(data), now_ms)
        if not known:
            keep(self._objects, object_name(account, digest), data)
            with self._database.begin() as connection:
                done = update(_TABLE).where(_this(account, digest)).values(stored=True)
                if connection.execute(done).rowcount == 0:
                    raise MarketError(ErrorCode.CONFLICT, "the part was taken while it was sent")
        return Kept(digest, len(data), now_ms + KEPT_MS, fresh=not known)

    def find(self, account: str, digest: str) -> Kept:
        """Return the part ``digest`` of ``account``.

        Raises:
            MarketError: NOT_FOUND; nobody is told of another account's.
        """
        with self._database.begin() as connection:
            row = connection.execute(select(_TABLE).where(_this(account, digest), _TABLE.c.stored)).one_or_none()
        if row is None or row.sent_ms == _SPENT_MS:
            raise MarketError(ErrorCode.NOT_FOUND, "no such part waits")
        return Kept(digest, row.size, row.sent_ms + KEPT_MS)

    def open(self, account: str, digests: Sequence[str]) -> Iterator[bytes]:
        """Return the fingerprints in the parts ``digests`` of ``account``, in their order.

        One part at a time is read.

        Raises:
            PartsMissingError: at once, not at the first fingerprint, when any is not here; later, one that went
                meanwhile.
            MarketError: STORE_UNAVAILABLE; UNKNOWN_KEY_VERSION of a part that has outlived the platform's key.
        """
        with self._database.begin() as connection:
            mine = select(_TABLE.c.digest).where(
                _TABLE.c.account == account, _TABLE.c.stored, _TABLE.c.digest.in_(list(digests))
            )
            here = set(connection.execute(mine).scalars())
        missing = [digest for digest in digests if digest not in here]
        if missing:
            raise PartsMissingError(missing)
        return self._opened(account, digests)

    def _opened(self, account: str, digests: Sequence[str]) -> Iterator[bytes]:
        for digest in digests:
            try:
                data = b"".join(self._objects.read(object_name(account, digest)))
            except MarketError as error:
                if error.code is not ErrorCode.NOT_FOUND:
                    raise
                raise PartsMissingError([digest]) from error
            yield from self._read(canonical.loads(data))

    def _read(self, message: object) -> list[bytes]:
        return parts.parse(open_sealed(self._keys, message, kind=parts.KIND, market=self._market))

    def _reserve(self, connection: Connection, account: str, digest: str, size: int, now_ms: int) -> bool:
        """Make or renew the row of a part; return whether its object is here already."""
        # One at a time of an account: of two that fit alone both together may not.
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"parts/{account}", 0))))
        renew = update(_TABLE).where(_this(account, digest)).values(sent_ms=now_ms).returning(_TABLE.c.stored)
        stored = connection.execute(renew).scalar_one_or_none()
        if stored is not None:
            return bool(stored)
        counted = max(size, LEAST_BYTES)
        waiting = select(
            func.coalesce(func.sum(func.greatest(_TABLE.c.size, LEAST_BYTES)), 0), func.min(_TABLE.c.sent_ms)
        )
        used, oldest_ms = connection.execute(waiting.where(_TABLE.c.account == account)).one()
        if used + counted > self._most_bytes:
            wait_ms = max(KEPT_MS - (now_ms - (oldest_ms or 0)), 1000)
            raise RateLimitedError("fingerprint_parts", self._most_bytes, window_ms=KEPT_MS, wait_ms=wait_ms)
        new = upsert(_TABLE).values(account=account, digest=digest, size=size, stored=False, sent_ms=now_ms)
        connection.execute(new)
        return False


def spend(connection: Connection, account: str, digests: Iterable[str]) -> None:
    """Let the parts ``digests`` of ``account`` go: an application that named them was decided on."""
    taken = and_(_TABLE.c.account == account, _TABLE.c.digest.in_(list(digests)))
    connection.execute(update(_TABLE).where(taken).values(sent_ms=_SPENT_MS))


class PartsRetentionJob(LeasedJob[Row[Any]]):
    """Removes parts that no application has taken in a day, and those that one has; items are their rows."""

    name: ClassVar[str] = "fingerprint-parts"

    def __init__(self, database: Database, *, objects: ObjectStore, clock: Callable[[], int]) -> None:
        super().__init__(database)
        self._objects = objects
        self._clock = clock

    def find(self) -> Iterable[Row[Any]]:
        """Return the parts whose time is over."""
        with self.database.begin() as connection:
            return connection.execute(select(_TABLE).where(self._over())).all()

    def handle(self, item: Row[Any]) -> bool:
        """Remove one part."""
        with self.database.begin() as connection:
            # Locked: whoever sends it again now waits, and then finds that it is not here.
            this = select(_TABLE).where(_this(item.account, item.digest), self._over()).with_for_update()
            if connection.execute(this).one_or_none() is None:
                return False
            # Before the row: should that not be committed, deleting again does no harm.
            self._objects.delete(object_name(item.account, item.digest))
            connection.execute(delete(_TABLE).where(_this(item.account, item.digest)))
        return True

    def describe(self, item: Row[Any]) -> str:
        """Return the part's digest."""
        return str(item.digest)

    def _over(self) -> Any:
        return _TABLE.c.sent_ms <= self._clock() - KEPT_MS


_TABLE = tables.fingerprint_parts


def _this(account: str, digest: str) -> Any:
    return and_(_TABLE.c.account == account, _TABLE.c.digest == digest)


def _check_account(connection: Connection, account: str) -> None:
    accounts = tables.accounts
    if connection.execute(select(accounts.c.address).where(accounts.c.address == account)).one_or_none() is None:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "only an opened account may send parts")
