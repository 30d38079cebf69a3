"""Fixtures that all tests share."""

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures import forking, order
from tests.fixtures.absent import pytest_collection_modifyitems
from tests.fixtures.closing_lines import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from tests.fixtures.fabric import native_markets
from tests.fixtures.objects import s3_server, stored
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
    "forking",
    "migrated_template",
    "native_markets",
    "postgres_server",
    "postgres_url",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "s3_server",
    "stored",
]


def pytest_configure(config: pytest.Config) -> None:
    """Register what has a hook of its own where this file has one already, or of a plugin that may be absent."""
    config.pluginmanager.register(order, "order")
    if config.pluginmanager.hasplugin("xdist"):
        from tests.fixtures import scheduling

        config.pluginmanager.register(scheduling, "scheduling")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As shells leave it to what runs in the background: programs that tests start would never be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)


# The same examples in every run, and none fails because the machine is busy.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
