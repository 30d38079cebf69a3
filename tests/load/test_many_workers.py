"""Many processes on one database: each row has its effect once, none waits for ever, and the dead hold nothing up."""

import itertools
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from countermark.gateway.ledger import FabricLedger
from countermark.network.embedded.ordering import Batching
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import IntentKey, Outbox, Request
from countermark.platform.store.sql import func, insert, select, text
from countermark.platform.store.tables import coins, outbox
from tests.support.embedded import EmbeddedNetwork, embedded_network
from tests.support.figures import show
from tests.support.processes import Process
from tests.support.sizes import size
from tests.support.workers.coins import OWNER, STUCK_PAYMENTS
from tests.support.workers.outbox import BOX, STUCK_ROWS

WORKERS = 4
ROWS = size(200, 5_000)
COINS = size(100, 2_500)
LEASE_MS = 2_000
FAR_MS = 2**50
AMOUNT = 10
PATIENCE_S = 1_500


@contextmanager
def workers(program: str, *arguments: str) -> Iterator[list[Process]]:
    started = [
        Process([sys.executable, "-m", f"tests.support.workers.{program}", *arguments]) for _ in range(WORKERS)
    ]
    try:
        yield started
    finally:
        for one in started:
            one.end(signal.SIGKILL)


def die_in_the_middle(program: str, *arguments: str, times: int = 1) -> None:
    """Run a process of the program until `times` of its threads are in the middle of their work, and kill it."""
    victim = Process([sys.executable, "-m", f"tests.support.workers.{program}", *arguments, "--stuck"])
    try:
        victim.wait_count("^stuck$", times)
    finally:
        victim.end(signal.SIGKILL)


def shares(started: Sequence[Process]) -> list[int]:
    """Return how much each of the workers has done, once all have ended of themselves."""
    for one in started:
        assert one.process.wait(PATIENCE_S) == 0, "".join(one.lines)
    return [int(one.wait_line(r"^done (\d+)").group(1)) for one in started]


def url_of(database: Database) -> str:
    return database._url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path_factory.mktemp("ledger"), batching=Batching(window_ms=5)) as network:
        yield network


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_rows_of_the_outbox_are_ordered_once_whoever_dies_with_them(
    database: Database, network: EmbeddedNetwork
) -> None:
    client = network.client("platform")
    queue = Outbox(FabricLedger(client), BOX)
    with database.begin() as connection:
        for number in range(ROWS):
            intent = IntentKey("did:key:me", str(number), f"sha256:{number}", FAR_MS)
            queue.enqueue(connection, Request("add", (b"row/%d" % number, b"1"), intent=intent))
        connection.execute(outbox.update().values(lease_until_ms=0))
    profile = network.directory / "connection" / "platform.json"
    arguments = ("outbox", url_of(database), str(profile), "--lease-ms", str(LEASE_MS))
    die_in_the_middle(*arguments, times=STUCK_ROWS)
    with workers(*arguments) as started:
        done = shares(started)
    with database.begin() as connection:
        newest = select(outbox.c.state, func.count()).where(outbox.c.superseded_by.is_(None)).group_by(outbox.c.state)
        assert [tuple(row) for row in connection.execute(newest)] == [("COMMITTED", ROWS)]
    effects = [client.evaluate("get", [f"row/{number}"]) for number in range(ROWS)]
    assert effects == [b"1"] * ROWS
    show(
        f"outbox by {WORKERS} processes: {ROWS:,} rows, {STUCK_ROWS} of them in the hands of one that was killed; "
        f"each ordered once; turns at a row of each process {done}"
    )


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_job_of_a_dead_worker_is_taken_over_and_each_item_done_once(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE work (item int PRIMARY KEY, holder text, began_ms float8, ended_ms float8, "
                "effects int NOT NULL DEFAULT 0)"
            )
        )
        connection.execute(text("INSERT INTO work (item) SELECT generate_series(1, :rows)"), {"rows": ROWS})
    die_in_the_middle("jobs", url_of(database))
    with workers("jobs", url_of(database)) as started:
        done = shares(started)
    assert sum(done) == ROWS
    with database.begin() as connection:
        items = connection.execute(text("SELECT * FROM work ORDER BY began_ms")).all()
    assert [item.effects for item in items] == [1] * ROWS
    # One worker at a time: none begins before another has ended.
    assert all(
        one.ended_ms <= other.began_ms for one, other in itertools.pairwise(items) if one.holder != other.holder
    )
    show(f"job by {WORKERS} processes: {ROWS:,} items, after one that was killed; each done once; shares {done}")


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_coins_are_reserved_once_and_those_of_a_dead_process_are_free_again(database: Database) -> None:
    rows = [
        {"id": f"{secrets.token_hex(32)}.0", "owner": OWNER, "amount": AMOUNT, "created_tx": "t", "created_block": 1}
        for _ in range(COINS)
    ]
    with database.begin() as connection:
        connection.execute(insert(coins), rows)
        connection.execute(text("CREATE TABLE picked (coin text PRIMARY KEY, holder text NOT NULL)"))
    arguments = ("coins", url_of(database), str(AMOUNT), str(COINS))
    die_in_the_middle(*arguments)
    with workers(*arguments) as started:
        done = shares(started)
    assert sum(done) == COINS
    with database.begin() as connection:
        picked = connection.execute(text("SELECT coin FROM picked")).scalars().all()
    assert sorted(picked) == sorted(row["id"] for row in rows)
    show(
        f"coins by {WORKERS} processes: {COINS:,} coins, {STUCK_PAYMENTS} of them reserved by one that was killed; "
        f"none reserved twice, none lost; payments of each process {done}"
    )
