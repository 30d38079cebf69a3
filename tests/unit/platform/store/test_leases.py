"""A job has one holder at a time."""

import time
from concurrent.futures import ThreadPoolExecutor

from countermark.platform.store.engine import Database
from countermark.platform.store.leases import acquire, release

LONG = 60_000


def test_a_lease_has_one_holder(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
    assert not acquire(database, "anchor", holder="two", duration_ms=LONG)
    assert acquire(database, "deadlines", holder="two", duration_ms=LONG)


def test_of_many_that_ask_at_once_one_gets_it(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: acquire(database, "anchor", holder=f"h{n}", duration_ms=LONG), range(8)))
    assert sum(got) == 1


def test_its_holder_renews_it(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=0)
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
    assert not acquire(database, "anchor", holder="two", duration_ms=LONG)


def test_a_lease_that_has_run_out_is_anybodys(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=0)
    assert acquire(database, "anchor", holder="two", duration_ms=LONG)
    assert not acquire(database, "anchor", holder="one", duration_ms=LONG)


def test_what_was_given_up_is_free(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
    release(database, "anchor", holder="one")
    assert acquire(database, "anchor", holder="two", duration_ms=LONG)


def test_an_old_holder_cannot_give_up_what_another_has_taken(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=0)
    assert acquire(database, "anchor", holder="two", duration_ms=LONG)
    release(database, "anchor", holder="one")
    assert not acquire(database, "anchor", holder="three", duration_ms=LONG)


def test_a_lease_ends_with_the_process_that_holds_it(database: Database) -> None:
    """Its connections end with a process: nobody waits for one that was killed."""
    killed = Database(database._url.render_as_string(hide_password=False))
    assert acquire(killed, "anchor", holder="one", duration_ms=LONG)
    assert not acquire(database, "anchor", holder="two", duration_ms=LONG)
    killed.close()
    # The server takes a moment to end a session; each look is a round trip to it.
    give_up = time.monotonic() + 30
    while not acquire(database, "anchor", holder="two", duration_ms=LONG):
        assert time.monotonic() < give_up


def test_a_lease_ends_with_its_holder_whoever_else_holds_another(database: Database) -> None:
    killed = Database(database._url.render_as_string(hide_password=False))
    assert acquire(killed, "anchor", holder="one", duration_ms=LONG)
    assert acquire(database, "deadlines", holder="two", duration_ms=LONG)
    killed.close()
    give_up = time.monotonic() + 30
    while not acquire(database, "anchor", holder="two", duration_ms=LONG):
        assert time.monotonic() < give_up


def test_a_process_that_was_cut_off_takes_its_own_lease_up_again(database: Database) -> None:
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
    database.close()
    assert acquire(database, "anchor", holder="one", duration_ms=LONG)
