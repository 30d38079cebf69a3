"""Requests of one seller that meet: whatever the platform certifies is what the buyer gets."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from countermark.platform.relay import upload as upload_module
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import text
from countermark.platform.trades import Delivery
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.platform import World
from tests.support.relay import Relay, seal_for
from tests.support.stores import Stored


@pytest.fixture(params=Delivery, ids=str)
def relay(database: Database, tmp_path: Path, stored: Stored, request: pytest.FixtureRequest) -> Relay:
    world = World(database, tmp_path, store=stored.store)
    trade = world.market.bring_to("EVIDENCED" if request.param is Delivery.REMEDY else "FUNDED")
    return Relay(world, trade, *seal_for(world, trade), delivery=request.param)


def _before_the_seal(relay: Relay, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let `act` happen once, when all bytes have come in and the object is about to be sealed."""
    objects = relay.world.objects
    seal = objects.seal

    def first_act(name: str, size: int) -> None:
        monkeypatch.setattr(objects, "seal", seal)
        act()
        seal(name, size)

    monkeypatch.setattr(objects, "seal", first_act)


def _deliver(relay: Relay) -> bytes:
    relay.submit("seller")
    assert relay.job.run_once() == 1
    assert relay.relayed
    return relay.fetch()


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("start", [0, 1000], ids=["begun anew", "rewound"])
def test_second_request_before_the_seal_leaves_no_other_bytes_than_the_certified(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, start: int
) -> None:
    half = len(relay.package) // 2
    relay.put(stop=half)
    _before_the_seal(relay, monkeypatch, lambda: relay.put(start=start, data=[bytes(half)]))
    with pytest.raises(MarketError) as refused:
        relay.put(start=half)
    assert refused.value.code is ErrorCode.UPLOAD_OFFSET
    (row,) = relay.world.rows(tables.packages)
    assert (row.state, relay.world.objects.size(row.object_name)) == ("UPLOADING", start + half)
    relay.put()
    assert _deliver(relay) == relay.package


@pytest.mark.requirement("R39")
def test_other_bytes_of_the_same_length_before_the_seal_are_measured(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.submit("seller")
    relay.put(stop=1000)
    rest = len(relay.package) - 1000
    objects, (row,) = relay.world.objects, relay.world.rows(tables.packages)
    _before_the_seal(relay, monkeypatch, lambda: objects.append(row.object_name, 1000, [bytes(rest)]))
    with pytest.raises(MarketError) as refused:
        relay.put(start=1000)
    assert refused.value.code in (ErrorCode.PACKAGE_MALFORMED, ErrorCode.PACKAGE_ROOT_MISMATCH)
    assert relay.world.rows(tables.packages) == []
    relay.put()
    assert relay.job.run_once() == 1
    assert relay.fetch() == relay.package


def test_last_piece_that_arrives_twice_completes_once(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    relay.put(stop=1000)
    again: list[Any] = []
    _before_the_seal(relay, monkeypatch, lambda: again.append(relay.put(start=1000)))
    assert relay.put(start=1000) == again[0]
    assert again[0].complete
    assert _deliver(relay) == relay.package


def test_piece_of_an_upload_that_was_begun_anew_leaves_nothing(relay: Relay, stored: Stored) -> None:
    started, go_on = Event(), Event()

    def slow() -> Iterator[bytes]:
        yield relay.package[:1000]
        started.set()
        assert go_on.wait(30)
        yield relay.package[1000:]

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(relay.put, data=slow())
        assert started.wait(30)
        assert relay.put(stop=10).received == 10
        go_on.set()
        with pytest.raises(MarketError) as refused:
            late.result()
    assert refused.value.code is ErrorCode.UPLOAD_OFFSET
    assert stored.sizes(f"packages/{relay.trade}") == [10]


def test_two_first_requests_at_once_leave_one_object(relay: Relay, stored: Stored) -> None:
    def put(_number: int) -> None:
        try:
            relay.put(stop=1000)
        except MarketError as error:
            if error.code is not ErrorCode.UPLOAD_OFFSET:
                raise

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(put, range(12)))
    assert stored.sizes(f"packages/{relay.trade}") == [1000]


def test_upload_that_has_not_seen_the_commitment_does_not_take_the_certified_package_away(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seller begins anew at the moment when he commits: the relay certifies what stays, or nothing yet."""
    relay.put()
    looked, go_on = Event(), Event()
    load = upload_module.load_market

    def late(connection: Any) -> Any:
        looked.set()
        assert go_on.wait(30)
        return load(connection)

    monkeypatch.setattr(upload_module, "load_market", late)
    anew = Thread(target=relay.put, kwargs={"stop": 1000})
    anew.start()
    assert looked.wait(30)
    relay.submit("seller")
    certify = Thread(target=relay.job.run_once)
    certify.start()
    while certify.is_alive() and not _somebody_waits(relay.world.database):
        certify.join(0.01)
    go_on.set()
    anew.join()
    certify.join()
    monkeypatch.undo()
    assert not relay.relayed
    relay.put()
    assert relay.job.run_once() == 1
    assert relay.fetch() == relay.package


def test_upload_that_fails_to_begin_anew_leaves_the_old_package(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.put()

    def fail(*_args: object) -> None:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE)

    monkeypatch.setattr(upload_module.PackageUpload, "_begin", fail)
    with pytest.raises(MarketError, match="database_unavailable"):
        relay.put()
    monkeypatch.undo()
    assert _deliver(relay) == relay.package


def _somebody_waits(database: Database) -> bool:
    with database.begin() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())
