"""Object stores: where packages and other large sealed things lie."""

from countermark.platform.store.objects.folder import FolderStore
from countermark.platform.store.objects.writing import keep

__all__ = ["FolderStore", "keep"]
