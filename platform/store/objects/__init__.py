"""Object stores: where packages and other large sealed things lie."""

from countermark.platform.store.objects.folder import FolderStore

__all__ = ["FolderStore"]
