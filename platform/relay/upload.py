"""Take a seller's encrypted package in, resumably, and finish it at once or not at all (step (14)).

The bytes go into an object that nobody can read until it is sealed. It is sealed only when all bytes are there, frame
a package of this very trade, and give the root that the seller committed to where `trade.send` has been committed;
otherwise they are thrown away, and the seller may upload again. Which upload counts is decided by the row in
`packages`, which changes in one statement.
"""

import secrets
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from countermark.platform.contracts.market import load_market
from countermark.platform.ports import ObjectStore
from countermark.platform.relay.streams import capped, reader
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, Row, select, update, upsert
from countermark.platform.trades import TradeView, load_trade
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSummary, measure
from countermark.protocol.transitions import TradeState

UPLOADABLE = frozenset({TradeState.FUNDED, TradeState.UPLOADED})


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """How much of a package is here; sizes in bytes. ``root`` is "" until the package is complete."""

    trade: str
    size: int
    received: int
    complete: bool
    root: str


class PackageUpload:
    """Receives packages. May be shared between threads and processes."""

    def __init__(self, *, database: Database, objects: ObjectStore, clock: Callable[[], int]) -> None:
        """Create a receiver; ``clock`` gives the time in ms since the epoch."""
        self._database = database
        self._objects = objects
        self._clock = clock

    def status(self, trade: str, *, account: str) -> UploadStatus:
        """Return from which offset ``account``, the trade's seller, goes on.

        Raises:
            MarketError: UNKNOWN_TRADE for anybody else; NOT_FOUND before the first byte.
        """
        with self._database.begin() as connection:
            _seller_only(load_trade(connection, trade), account)
            row = _row(connection, trade)
        if row is None or row.state == "DELETED":
            raise MarketError(ErrorCode.NOT_FOUND, "nothing was uploaded")
        return self._status(row)

    def receive(self, trade: str, *, account: str, start: int, total: int, data: Iterable[bytes]) -> UploadStatus:
        """Take the bytes from offset ``start`` on of a package of ``total`` bytes, and finish it with the last one.

        Bytes that arrived before ``data`` broke off are kept. The same range may be sent again.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_STATE, TOO_LARGE, UPLOAD_OFFSET; when complete PACKAGE_MALFORMED,
                PACKAGE_WRONG_TRADE or PACKAGE_ROOT_MISMATCH, after which nothing of it is kept.
        """
        with self._database.begin() as connection:
            view = load_trade(connection, trade)
            _seller_only(view, account)
            row = self._open(connection, view, start=start, total=total)
        if row.state == "COMPLETE":
            return self._status(row)
        # All bytes may be here while the end of the work is missing: a process died in between.
        if start < total:
            try:
                self._objects.append(row.object_name, start, capped(data, total - start))
            finally:
                self._set(row, received=min(self._objects.size(row.object_name), total))
        received = min(self._objects.size(row.object_name), total)
        if received == total:
            return self._finish(view, row)
        return UploadStatus(trade, total, received, complete=False, root="")

    def resume(self, trade: str) -> bool:
        """Finish the upload of ``trade`` if all its bytes are here, and return whether it is complete.

        Raises:
            MarketError: as `receive` does at the end of a package.
        """
        with self._database.begin() as connection:
            view = load_trade(connection, trade)
            row = _row(connection, trade)
        if row is None or row.state != "UPLOADING":
            return row is not None and row.state in ("COMPLETE", "RELEASED")
        if self._objects.size(row.object_name) < row.size:
            return False
        self._finish(view, row)
        return True

    def _open(self, connection: Connection, view: TradeView, *, start: int, total: int) -> Row[Any]:
        """Return the row of the upload that the bytes belong to, a new one where they begin one."""
        packages = tables.packages
        row = _row(connection, view.id, lock=True)
        if row is not None and row.state == "COMPLETE" and _is_done(view, row, start=start, total=total):
            return row
        if view.state not in UPLOADABLE:
            raise MarketError(ErrorCode.WRONG_STATE, f"no package is taken in state {view.state}")
        most = load_market(connection).limits.package_bytes
        if not 0 < total <= most:
            raise MarketError(ErrorCode.TOO_LARGE, f"a package has at most {most} bytes")
        if view.package_size and view.package_size != total:
            raise MarketError(ErrorCode.PACKAGE_ROOT_MISMATCH, f"the committed package has {view.package_size} bytes")
        if not 0 <= start <= total:
            raise MarketError(ErrorCode.UPLOAD_OFFSET, "the range begins behind the package's end")
        if row is not None and row.state == "UPLOADING" and row.size == total:
            return row
        if start != 0:
            raise MarketError(ErrorCode.UPLOAD_OFFSET, "the upload begins at 0")
        if row is not None:
            self._objects.delete(row.object_name)
        fresh = {
            "object_name": f"packages/{view.id}/{secrets.token_hex(8)}",
            "size": total,
            "received": 0,
            "root": None,
            "state": "UPLOADING",
            "created_ms": self._clock(),
            "completed_ms": None,
        }
        connection.execute(
            upsert(packages)
            .values(trade=view.id, **fresh)
            .on_conflict_do_update(index_elements=["trade"], set_=fresh)
        )
        created = _row(connection, view.id)
        assert created is not None
        return created

    def _finish(self, view: TradeView, row: Row[Any]) -> UploadStatus:
        try:
            summary = self._measure(view, row.object_name)
        except MarketError as error:
            if error.code is not ErrorCode.STORE_UNAVAILABLE:
                self._discard(row)
            raise
        self._objects.seal(row.object_name)
        self._set(row, state="COMPLETE", received=row.size, root=summary.root, completed_ms=self._clock())
        return UploadStatus(view.id, row.size, row.size, complete=True, root=summary.root)

    def _measure(self, view: TradeView, name: str) -> PackageSummary:
        header = PackageHeader(trade=view.id, buyer=view.buyer, seller=view.seller, listing=view.listing)
        with closing(reader(self._objects.read_unsealed(name))) as source:
            summary = measure(source, header=header)
        if view.package_root and summary.root != view.package_root:
            raise MarketError(ErrorCode.PACKAGE_ROOT_MISMATCH, "these are not the bytes that the seller committed to")
        return summary

    def _discard(self, row: Row[Any]) -> None:
        with self._database.begin() as connection:
            packages = tables.packages
            connection.execute(packages.delete().where(_same(row)))
        self._objects.delete(row.object_name)

    def _set(self, row: Row[Any], **values: object) -> None:
        with self._database.begin() as connection:
            connection.execute(update(tables.packages).where(_same(row)).values(**values))

    def _status(self, row: Row[Any]) -> UploadStatus:
        complete = row.state != "UPLOADING"
        received = row.size if complete else min(self._objects.size(row.object_name), row.size)
        return UploadStatus(row.trade, row.size, received, complete, row.root or "")


def _row(connection: Connection, trade: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(tables.packages).where(tables.packages.c.trade == trade)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _same(row: Row[Any]) -> Any:
    """Match the row only while it is still about the same object: a newer upload is not touched by an older one."""
    packages = tables.packages
    return (packages.c.trade == row.trade) & (packages.c.object_name == row.object_name)


def _is_done(view: TradeView, row: Row[Any], *, start: int, total: int) -> bool:
    """Return whether the complete package needs no more bytes: it is the committed one, or its end is sent again."""
    if view.package_root:
        return bool(row.root == view.package_root)
    return bool(total == row.size and start > 0)


def _seller_only(view: TradeView, account: str) -> None:
    if view.role(account) != "seller":
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the seller uploads the package")
