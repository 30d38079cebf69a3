"""Every block has the jobs look for work: what was done long ago must not be looked through again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from countermark.platform.contracts.clearing import ClearingJob
from countermark.platform.contracts.deposit import DepositJob
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.relay.checking import CheckJob
from countermark.platform.relay.transmission import RelayJob
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import text
from tests.support.platform import MARKET, World
from tests.support.relay import Relay, seal_for

_LARGE = ("data_contracts", "outbox", "registrations", "trades")
_FILL = text(r"""
    INSERT INTO data_contracts (address, seller, owner, state, record, description, search_text, created_block)
    SELECT 'dc' || n, 's', 's', 'SOLD', '{"guard"\: 5}', 'sealed', 'words', n FROM generate_series(1, 5000) n;
    INSERT INTO trades (id, listing, seller, buyer, state, outcome, price, record, created_tx, created_block,
        updated_tx, updated_block)
    SELECT 'tr' || n, 'dc' || n, 's', 'b', 'SETTLED', 'confirmed', 1, '{"guard"\: 5}', 't', n, 't', n
    FROM generate_series(1, 5000) n;
    INSERT INTO outbox (tx_id, request_id, attempt, function, args, organisations, state, lease_until_ms, created_ms,
        updated_ms)
    SELECT 'tx' || n, 'rq' || n, 1, CASE n % 2 WHEN 0 THEN 'listing.create' ELSE 'trade.pay' END, '{}', '{}',
        CASE n % 2 WHEN 0 THEN 'COMMITTED' ELSE 'REFUSED' END, 0, 0, 0 FROM generate_series(1, 5000) n;
    INSERT INTO registrations (case_number, seller, nonce, intent_digest, address, decision, "overlaps", existing,
        generator, config, fingerprint_root, exact_key, decided_ms, request_id, deposited_ms)
    SELECT 'c' || n, 's', n, 'd', 'dc' || n, 'allowed', '[]', '', 'g', 'c', 'r', 'e' || n, 0, 'rq' || n, 1
    FROM generate_series(1, 5000) n;
""")
"""Contracts, trades and transactions that ended long ago."""


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements of the block, with their values, as the server gets them."""
    seen: list[str] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append(cursor.mogrify(statement, parameters).decode())

    engine = database._connections()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def jobs(database: Database, tmp_path: Path) -> dict[str, LeasedJob[Any]]:
    world = World(database, tmp_path)
    trade = world.market.bring_to("FUNDED")
    relay = Relay(world, trade, *seal_for(world, trade))
    made: list[LeasedJob[Any]] = [
        PublicationJob(database, columns=world.columns),
        ClearingJob(database),
        DepositJob(database, objects=world.objects, box=world.box, market=MARKET, clock=world.clock),
        RelayJob(world.acting, world.board, relay.upload),
        CheckJob(world.acting, world.board),
        WatchdogJob(world.acting),
    ]
    with database.begin() as connection:
        connection.execute(_FILL)
        connection.execute(text("ANALYZE"))
    return {job.name: job for job in made}


@pytest.mark.parametrize(
    "name", ["publication", "registration-clearing", "fingerprint-deposit", "relay", "check", "watchdog"]
)
def test_a_job_looks_at_what_is_to_be_done_alone(
    database: Database, jobs: dict[str, LeasedJob[Any]], name: str
) -> None:
    with statements(database) as seen:
        assert list(jobs[name].find()) == []
    assert seen
    with database.begin() as connection:
        for statement in seen:
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}").scalars())
            assert not any(f"Seq Scan on {table}" in plan for table in _LARGE), plan
