"""A job has one holder at a time, and one that lost it can be told apart by its fence."""

from concurrent.futures import ThreadPoolExecutor

from countermark.platform.store.engine import Database
from countermark.platform.store.leases import acquire, release

LONG = 60_000


def test_a_lease_has_one_holder(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
    assert acquire(database, "anchor", holder="two", duration_ms=LONG) is None
    assert acquire(database, "deadlines", holder="two", duration_ms=LONG)


def test_of_many_that_ask_at_once_one_gets_it(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: acquire(database, "anchor", holder=f"h{n}", duration_ms=LONG), range(8)))
    assert sum(lease is not None for lease in got) == 1


def test_to_renew_keeps_the_fence(database: Database) -> None:
    first = acquire(database, "anchor", holder="one", duration_ms=LONG)
    assert first
    assert acquire(database, "anchor", holder="one", duration_ms=LONG) == first


def test_a_lease_that_has_run_out_is_anybodys_under_a_higher_fence(database: Database) -> None:
    first = acquire(database, "anchor", holder="one", duration_ms=0)
    second = acquire(database, "anchor", holder="two", duration_ms=LONG)
    assert first
    assert second
    assert second.fence > first.fence


def test_what_was_given_up_is_free(database: Database) -> None:
    first = acquire(database, "anchor", holder="one", duration_ms=LONG)
    assert first
    release(database, first)
    assert acquire(database, "anchor", holder="two", duration_ms=LONG)


def test_an_old_holder_cannot_give_up_what_another_has_taken(database: Database) -> None:
    first = acquire(database, "anchor", holder="one", duration_ms=0)
    assert first
    assert acquire(database, "anchor", holder="two", duration_ms=LONG)
    release(database, first)
    assert acquire(database, "anchor", holder="three", duration_ms=LONG) is None
