"""Object stores: where packages and other large sealed things lie."""

from countermark.platform.store.objects.folder import FolderStore
from countermark.platform.store.objects.opening import open_store
from countermark.platform.store.objects.s3 import S3Store
from countermark.platform.store.objects.writing import keep

__all__ = ["FolderStore", "S3Store", "keep", "open_store"]
