"""Fixtures that all tests share."""

from tests.fixtures.postgres import (
    database,
    empty_database,
    migrated_template,
    postgres_server,
    postgres_url,
)

__all__ = ["database", "empty_database", "migrated_template", "postgres_server", "postgres_url"]
