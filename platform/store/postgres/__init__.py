"""PostgreSQL on this machine without an installation: the binaries of a wheel, started by ourselves.

For development, demos, tests and small installations; any other server is named by `DATABASE_URL`.
"""

from countermark.platform.store.postgres.location import discard, folders
from countermark.platform.store.postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "discard", "folders"]
