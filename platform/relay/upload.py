"""Take a seller's encrypted package in, resumably, and finish it at once or not at all (step (14)).

The bytes go into an object that nobody can read until it is sealed, and nobody can change afterwards. When all bytes
are there it is sealed, and only then measured, so that what was measured is what stays: it must frame a package of
this very trade, and give the root that the seller committed to where `trade.send`, or `trade.remedy`, has been
committed. Otherwise it is thrown away, and the seller may upload again. An upload that begins anew gets another
object. Which object counts is decided by the row in `packages`; a process that dies anywhere leaves UPLOADING, from
which `resume` goes on.
"""

import secrets
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from countermark.faults import Point, reach
from countermark.platform.contracts.market import load_market
from countermark.platform.ports import ObjectStore
from countermark.platform.relay.judging import Step, judge, seller_only
from countermark.platform.relay.packages import WHOLE, find_package, folder, is_same, lock_package
from countermark.platform.relay.streams import capped, reader
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, Row, delete, update, upsert
from countermark.platform.trades import Delivery, TradeView, load_trade
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSummary, measure

_ITS_FAULT = frozenset({ErrorCode.PACKAGE_MALFORMED, ErrorCode.PACKAGE_WRONG_TRADE, ErrorCode.PACKAGE_ROOT_MISMATCH})
"""Codes of a measurement that speak of the package; any other speaks of what it could not be read from."""


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

    def status(self, trade: str, *, account: str, delivery: Delivery = Delivery.FIRST) -> UploadStatus:
        """Return from which offset ``account``, the trade's seller, goes on.

        Raises:
            MarketError: UNKNOWN_TRADE for anybody else; NOT_FOUND before the first byte.
        """
        with self._database.begin() as connection:
            row = find_package(connection, trade, delivery)
            seller_only(load_trade(connection, trade), account)
        if row is None or row.state == "DELETED":
            raise MarketError(ErrorCode.NOT_FOUND, "nothing was uploaded")
        return self._status(row)

    def check(self, trade: str, *, account: str, start: int, total: int, delivery: Delivery = Delivery.FIRST) -> None:
        """Refuse bytes that `receive` would refuse as things stand now, before anybody takes them in.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR, WRONG_STATE, TOO_LARGE, PACKAGE_ROOT_MISMATCH, UPLOAD_OFFSET.
        """
        with self._database.begin() as connection:
            row = find_package(connection, trade, delivery)
            step = _judge(connection, trade, delivery, row, account=account, start=start, total=total)[1]
        if step is Step.GO_ON and row is not None and start > (held := self._objects.size(row.object_name)):
            raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{held} bytes are held")

    def receive(
        self,
        trade: str,
        *,
        account: str,
        start: int,
        total: int,
        data: Iterable[bytes],
        delivery: Delivery = Delivery.FIRST,
    ) -> UploadStatus:
        """Take the bytes from offset ``start`` on of a package of ``total`` bytes, and finish it with the last one.

        Bytes that arrived before ``data`` broke off are kept. The same range may be sent again.

        Raises:
            MarketError: as `check`, UPLOAD_OFFSET too when the upload has begun anew meanwhile; when complete
                PACKAGE_MALFORMED, PACKAGE_WRONG_TRADE or PACKAGE_ROOT_MISMATCH, after which nothing of it is kept.
        """
        view, step, row = self._place(trade, delivery, account=account, start=start, total=total)
        if step is Step.NOTHING:
            return self._status(row)
        # All bytes may be here while the end of the work is missing: a process died in between.
        if start < total:
            self._append(row, start, capped(data, total - start))
        if self._objects.size(row.object_name) < total:
            return self._status(row)
        return self._finish(view, row)

    def resume(self, trade: str, delivery: Delivery = Delivery.FIRST) -> bool:
        """Finish the upload of a package of ``trade`` if all its bytes are here, and return whether it is complete.

        Raises:
            MarketError: as `receive` does at the end of a package.
        """
        with self._database.begin() as connection:
            row = find_package(connection, trade, delivery)
            view = load_trade(connection, trade)
        if row is None or row.state != "UPLOADING":
            return row is not None and row.state in WHOLE
        if self._objects.size(row.object_name) < row.size:
            return False
        self._finish(view, row)
        return True

    def _place(
        self, trade: str, delivery: Delivery, *, account: str, start: int, total: int
    ) -> tuple[TradeView, Step, Row[Any]]:
        """Return the trade, and the row of the upload that the bytes belong to: a new one where they begin one."""
        with self._database.begin() as connection:
            row = lock_package(connection, trade, delivery)
            view, step = _judge(connection, trade, delivery, row, account=account, start=start, total=total)
            if step is not Step.BEGIN:
                assert row is not None
                return view, step, row
            fresh = self._begin(connection, trade, delivery, total)
        if row is not None:
            # Only now: before the commit the row still named it. What a process that dies here leaves behind goes
            # with the trade's retention.
            self._objects.delete(row.object_name)
        return view, step, fresh

    def _begin(self, connection: Connection, trade: str, delivery: Delivery, total: int) -> Row[Any]:
        fresh = {
            "object_name": f"{folder(trade)}/{secrets.token_hex(8)}",
            "size": total,
            "root": None,
            "state": "UPLOADING",
            "created_ms": self._clock(),
            "completed_ms": None,
        }
        statement = (
            upsert(tables.packages)
            .values(trade=trade, delivery=delivery, **fresh)
            .on_conflict_do_update(index_elements=["trade", "delivery"], set_=fresh)
        )
        return connection.execute(statement.returning(*tables.packages.c)).one()

    def _append(self, row: Row[Any], start: int, data: Iterable[bytes]) -> None:
        try:
            self._objects.append(row.object_name, start, data)
        except MarketError as error:
            if error.code is ErrorCode.NOT_FOUND:
                raise _begun_anew() from error
            # Sealed: another request has brought the rest meanwhile, and what it brought is measured.
            if error.code is not ErrorCode.WRONG_STATE:
                raise
        finally:
            superseded = not self._counts(row)
            if superseded:
                self._objects.delete(row.object_name)
        if superseded:
            raise _begun_anew()

    def _counts(self, row: Row[Any]) -> bool:
        with self._database.begin() as connection:
            now = find_package(connection, row.trade, Delivery(row.delivery))
        return now is not None and now.object_name == row.object_name and now.state != "DELETED"

    def _finish(self, view: TradeView, row: Row[Any]) -> UploadStatus:
        reach(Point.BYTES_STORED)
        try:
            self._objects.seal(row.object_name, row.size)
            reach(Point.OBJECT_SEALED)
            root = self._measure(view, row).root
        except MarketError as error:
            if error.code is ErrorCode.NOT_FOUND:
                raise _begun_anew() from error
            raise
        complete = {"state": "COMPLETE", "root": root, "completed_ms": self._clock()}
        with self._database.begin() as connection:
            packages = tables.packages
            connection.execute(update(packages).where(is_same(row), packages.c.state == "UPLOADING").values(complete))
            now = find_package(connection, row.trade, Delivery(row.delivery))
        if now is None or now.object_name != row.object_name:
            raise _begun_anew()
        return self._status(now)

    def _measure(self, view: TradeView, row: Row[Any]) -> PackageSummary:
        header = PackageHeader(trade=view.id, buyer=view.buyer, seller=view.seller, listing=view.listing)
        try:
            with closing(reader(self._objects.read(row.object_name))) as source:
                summary = measure(source, header=header)
            committed = view.committed(Delivery(row.delivery)).root
            if committed and summary.root != committed:
                raise MarketError(
                    ErrorCode.PACKAGE_ROOT_MISMATCH, "these are not the bytes that the seller committed to"
                )
        except MarketError as error:
            if error.code in _ITS_FAULT:
                self._discard(row)
            raise
        return summary

    def _discard(self, bad: Row[Any]) -> None:
        """Forget an upload that came to nothing; one that counts as complete, or a newer one, stays."""
        with self._database.begin() as connection:
            row = lock_package(connection, bad.trade, Delivery(bad.delivery))
            if row is None or row.object_name != bad.object_name or row.state != "UPLOADING":
                return
            # Before the row goes: should that not be committed, the upload goes on from nothing.
            self._objects.delete(row.object_name)
            connection.execute(delete(tables.packages).where(is_same(row)))

    def _status(self, row: Row[Any]) -> UploadStatus:
        complete = row.state != "UPLOADING"
        received = row.size if complete else min(self._objects.size(row.object_name), row.size)
        return UploadStatus(row.trade, row.size, received, complete, row.root or "")


def _judge(
    connection: Connection,
    trade: str,
    delivery: Delivery,
    row: Row[Any] | None,
    *,
    account: str,
    start: int,
    total: int,
) -> tuple[TradeView, Step]:
    """Return the trade and what bytes from ``start`` on mean for it; ``row`` was read, or locked, before."""
    view = load_trade(connection, trade)
    seller_only(view, account)
    most = load_market(connection).limits.package_bytes
    return view, judge(view, row, delivery=delivery, start=start, total=total, most=most)


def _begun_anew() -> MarketError:
    return MarketError(ErrorCode.UPLOAD_OFFSET, "the upload has begun anew meanwhile")
