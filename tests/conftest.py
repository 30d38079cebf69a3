"""Fixtures that all tests share."""

from tests.fixtures.absent import pytest_collection_modifyitems, pytest_terminal_summary
from tests.fixtures.fabric import native_markets
from tests.fixtures.postgres import (
    database,
    empty_database,
    migrated_template,
    postgres_server,
    postgres_url,
)

__all__ = [
    "database",
    "empty_database",
    "migrated_template",
    "native_markets",
    "postgres_server",
    "postgres_url",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
]
