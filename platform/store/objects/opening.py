"""Open the object store that a configuration names."""

from pathlib import Path

from countermark.platform.ports import ObjectStore
from countermark.platform.store.engine import Database
from countermark.platform.store.objects.bucket import Bucket
from countermark.platform.store.objects.folder import FolderStore
from countermark.platform.store.objects.index import Index
from countermark.platform.store.objects.location import parse_location
from countermark.platform.store.objects.s3 import S3Store


def open_store(where: str, *, database: Database) -> ObjectStore:
    """Return the object store at `where`, a folder or `s3://bucket/prefix?endpoint=…&region=…`.

    A bucket is first reached when it is needed; `database` holds its index.

    Raises:
        MarketError: MALFORMED_REQUEST, or STORE_UNAVAILABLE where the folder cannot be made.
    """
    location = parse_location(where)
    if isinstance(location, Path):
        return FolderStore(location)
    return S3Store(Bucket(location), Index(database))
