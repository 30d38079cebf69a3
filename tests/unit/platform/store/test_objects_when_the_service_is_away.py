"""A service that stalls, cuts connections or is not there: an error in bounded time, and it works again by itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from countermark.platform.ports import ObjectStore
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import s3
from countermark.platform.store.objects.bucket import Patience
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.s3_server import S3Server
from tests.support.stores import PATIENT, InBucket, until_it_works
from tests.support.tcp_proxy import Direction, TcpProxy, Way

NAME = "packages/tr1abc/x"
DATA = bytes(range(256)) * 4096

LITTLE = Patience(connect_s=1, silence_s=1, transfer_s=30)
AWAY = [Way.STALLED, Way.RESET, Way.CLOSED]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[TcpProxy]:
    proxy = TcpProxy(s3_server.address)
    yield proxy
    proxy.close()


@pytest.fixture
def place(s3_server: S3Server, database: Database, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch) -> InBucket:
    monkeypatch.setattr(s3, "PIECE", 256 << 10)
    return InBucket(s3_server, s3_server.location(proxy.url), database)


@pytest.fixture(params=AWAY, ids=lambda way: way.value)
def way(request: pytest.FixtureRequest) -> Way:
    way: Way = request.param
    return way


@pytest.fixture
def store(place: InBucket, way: Way) -> ObjectStore:
    """One store all the time, as a process has it: what works again works with the connections that it has."""
    return replace(place, patience=LITTLE if way is Way.STALLED else PATIENT).store


def away(act: Callable[[], object]) -> None:
    with pytest.raises(MarketError) as failed:
        act()
    assert failed.value.code is ErrorCode.STORE_UNAVAILABLE


def test_every_request_to_a_service_that_is_away_ends_and_later_ones_work(
    store: ObjectStore, proxy: TcpProxy, way: Way
) -> None:
    until_it_works(lambda: store.append(NAME, 0, [DATA]))
    store.seal(NAME, len(DATA))
    proxy.turn(way)
    away(store.probe)
    away(lambda: store.read(NAME))
    away(lambda: store.append("packages/tr1abc/y", 0, [DATA]))
    away(lambda: store.clear("packages/tr1other"))
    # What needs the database alone goes on.
    assert store.size(NAME) == len(DATA)
    proxy.turn(Way.OPEN)
    until_it_works(store.probe)
    assert until_it_works(lambda: b"".join(store.read(NAME))) == DATA
    assert until_it_works(lambda: store.append("packages/tr1abc/y", 0, [DATA])) == len(DATA)


def test_an_upload_that_the_service_broke_off_goes_on_with_what_was_kept(
    place: InBucket, store: ObjectStore, proxy: TcpProxy, way: Way
) -> None:
    until_it_works(store.probe)
    proxy.turn_after("up", len(DATA) * 5 // 8, way)
    away(lambda: store.append(NAME, 0, [DATA]))
    kept = store.size(NAME)
    assert 0 < kept < len(DATA)
    proxy.turn(Way.OPEN)
    until_it_works(lambda: store.append(NAME, kept, [DATA[kept:]]))
    store.seal(NAME, len(DATA))
    assert until_it_works(lambda: b"".join(store.read(NAME))) == DATA
    # Whether a piece whose answer was lost is there, nobody knows; it goes with the object.
    until_it_works(lambda: store.delete(NAME))
    assert place.held() == []


def test_a_download_that_the_service_broke_off_gives_no_other_bytes(
    store: ObjectStore, proxy: TcpProxy, way: Way
) -> None:
    until_it_works(lambda: store.append(NAME, 0, [DATA]))
    store.seal(NAME, len(DATA))
    proxy.turn_after("down", len(DATA) * 5 // 8, way)
    came: list[bytes] = []
    away(lambda: came.extend(store.read(NAME)))
    got = b"".join(came)
    assert 0 < len(got) < len(DATA)
    assert got == DATA[: len(got)]
    proxy.turn(Way.OPEN)
    assert until_it_works(lambda: b"".join(store.read(NAME, len(got)))) == DATA[len(got) :]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_one_connection_that_breaks_is_nobodys_business(
    place: InBucket, proxy: TcpProxy, direction: Direction
) -> None:
    """A service closes connections that were kept open; the request is made again on another."""
    store = replace(place, patience=PATIENT).store
    store.append(NAME, 0, [DATA])
    store.seal(NAME, len(DATA))
    proxy.cut_after(direction, 100)
    assert b"".join(store.read(NAME)) == DATA


@pytest.mark.parametrize("act", ["append", "read"])
def test_a_service_that_is_too_slow_is_away(place: InBucket, act: str) -> None:
    """However regularly a byte comes: a piece has its time, and here none."""
    place.store.append(NAME, 0, [DATA])
    place.store.seal(NAME, len(DATA))
    store = replace(place, patience=replace(PATIENT, transfer_s=-1)).store
    store.probe()
    away(lambda: store.append("packages/tr1abc/y", 0, [DATA]) if act == "append" else list(store.read(NAME)))
