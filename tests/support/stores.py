"""The object stores that the platform can have, and what lies in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from countermark.client.errors import ClientError
from countermark.platform.ports import ObjectStore
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import FolderStore, S3Store
from countermark.platform.store.objects.bucket import Bucket, Patience
from countermark.platform.store.objects.index import Index
from countermark.platform.store.objects.location import BucketLocation
from countermark.platform.store.objects.tables import object_pieces, stored_objects
from countermark.platform.store.sql import select
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.s3_server import S3Server

PATIENT = Patience(connect_s=30, silence_s=60, transfer_s=120)
"""For tests of what a service does that answers, on a machine that may be busy."""


T = TypeVar("T")


def until_it_works(act: Callable[[], T], times: int = 50) -> T:
    """Do `act` again while the store is away, as every client does; on a busy machine it may be so for a while."""
    for _ in range(times - 1):
        try:
            return act()
        except (MarketError, ClientError) as error:
            if error.code != ErrorCode.STORE_UNAVAILABLE:
                raise
    return act()


class Stored(Protocol):
    """A store, and a look behind it."""

    @property
    def store(self) -> ObjectStore: ...

    def sizes(self, prefix: str) -> list[int]:
        """The sizes of all objects below `prefix`; that nothing else takes room there was checked."""
        ...


@dataclass(frozen=True)
class InFolder:
    folder: Path

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder)

    def sizes(self, prefix: str) -> list[int]:
        return [path.stat().st_size for path in (self.folder / prefix).iterdir()]


@dataclass(frozen=True)
class InBucket:
    server: S3Server
    location: BucketLocation
    database: Database
    patience: Patience = PATIENT

    @property
    def store(self) -> S3Store:
        """The store as a process of its own has it."""
        return S3Store(Bucket(self.location, self.patience), Index(self.database))

    def sizes(self, prefix: str) -> list[int]:
        columns = stored_objects.c
        with self.database.begin() as connection:
            rows = connection.execute(
                select(columns.name, columns.incarnation, columns.size).where(columns.name.startswith(f"{prefix}/"))
            ).all()
            pieces = connection.execute(select(object_pieces.c.incarnation, object_pieces.c.token)).all()
        named = {
            f"{row.name}/{row.incarnation}/{piece.token}"
            for row in rows
            for piece in pieces
            if piece.incarnation == row.incarnation
        }
        assert {key.removeprefix(self.location.prefix) for key in self.held(prefix)} == named
        return [row.size for row in rows]

    def held(self, prefix: str = "") -> list[str]:
        """What lies in the bucket below `prefix`, named by the index or not."""
        below = self.location.prefix + prefix
        return [key for key in self.server.keys(self.location) if key.startswith(below)]
