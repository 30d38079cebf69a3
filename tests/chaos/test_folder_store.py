"""An object store in a folder that is gone, read-only, full or slow: a clear answer, and it goes on from there."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from countermark.client import deliveries
from countermark.client import http as client_http
from countermark.platform.relay.retention import DAY_MS, RetentionJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import FolderStore
from countermark.protocol.errors import ErrorCode
from tests.support.disks import Disk, needs_mount, small_disk
from tests.support.front import Front
from tests.unit.gateway.conftest import Sale, refused, sale

__all__ = ["sale"]

SIZE, WAIT_S = 4 << 20, 60.0


@contextmanager
def gone(disk: Disk) -> Iterator[None]:
    folder, elsewhere = disk.path / "objects", disk.path / "unmounted"
    folder.rename(elsewhere)
    try:
        yield
        assert not folder.exists(), "it was made anew, beside what was stored"
    finally:
        elsewhere.rename(folder)


@contextmanager
def read_only(disk: Disk) -> Iterator[None]:
    disk.set_read_only(read_only=True)
    try:
        yield
    finally:
        disk.set_read_only(read_only=False)


@contextmanager
def full(disk: Disk) -> Iterator[None]:
    disk.fill()
    yield
    (disk.path / "ballast").unlink()


HARMS = [gone, read_only, full]
Harm = Callable[[Disk], AbstractContextManager[None]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", SIZE) as disk:
        yield disk


class Held(FolderStore):
    """A store that takes bytes only once it is let go, as on a disk that hangs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reached, self.released = threading.Event(), threading.Event()

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        self.reached.set()
        assert self.released.wait(WAIT_S)
        return super().append(name, offset, data)


@pytest.fixture
def front(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Front]:
    """The gateway on a folder that is on a disk of its own, or on one that hangs."""
    hangs = "disk" not in request.fixturenames
    store = Held(tmp_path / "objects") if hangs else FolderStore(request.getfixturevalue("disk").path / "objects")
    front = Front(database, tmp_path, store=store)
    yield front
    front.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_http, "TRIES", 1)


def committed(sale: Sale) -> str:
    """Return a trade whose package was committed to, and has not left."""
    trade, seller = sale.pay(), sale.seller
    deliveries.charge(seller.market, seller.trade(trade))
    deliveries.commit_package(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder)
    return trade


def upload(sale: Sale, trade: str) -> None:
    deliveries.upload_package(sale.seller.market, sale.seller.trade(trade), sale.seller.folder)


def ready(front: Front) -> tuple[int, list[str]]:
    answer = front.raw().get("/readyz")
    return answer.status_code, answer.json()["away"]


@needs_mount
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_an_upload_is_refused_in_words_and_goes_on_when_the_store_is_back(disk: Disk, sale: Sale, harm: Harm) -> None:
    trade = committed(sale)
    with harm(disk):
        with refused(ErrorCode.STORE_UNAVAILABLE) as failed:
            upload(sale, trade)
        assert (failed.value.status, failed.value.retryable) == (503, True)
        if harm is not full:
            assert ready(sale.front) == (503, ["store"])
    assert ready(sale.front) == (200, [])
    upload(sale, trade)
    sale.front.work()
    assert sale.receive(trade).verdict == "match"


@needs_mount
def test_what_lies_on_a_disk_that_is_not_mounted_is_not_called_deleted(disk: Disk, sale: Sale) -> None:
    """Neither to the buyer who asks for it, nor by the job that deletes what is old."""
    trade = committed(sale)
    upload(sale, trade)
    sale.front.work()
    path = f"/v1/trades/{trade}/package"
    with gone(disk), refused(ErrorCode.STORE_UNAVAILABLE), sale.buyer.http.download(path):
        pass
    assert sale.receive(trade).verdict == "match"
    sale.buyer.market.act(f"/v1/trades/{trade}/confirmation", "trade.confirm", {"trade": trade})
    world = sale.front.world
    later = RetentionJob(world.database, objects=world.objects, clock=lambda: world.clock() + 31 * DAY_MS)
    with gone(disk):
        later.run_once()
        later.run_once()
        assert [row.state for row in world.rows(tables.packages)] == ["RELEASED"]
    later.run_once()
    assert [row.state for row in world.rows(tables.packages)] == ["DELETED"]
    assert not any((disk.path / "objects" / "packages").rglob("*"))


def test_a_store_that_hangs_holds_up_only_who_waits_for_it(sale: Sale) -> None:
    trade, store = committed(sale), sale.front.world.objects
    assert isinstance(store, Held)
    with ThreadPoolExecutor(1) as pool:
        try:
            uploading = pool.submit(upload, sale, trade)
            assert store.reached.wait(WAIT_S)
            assert ready(sale.front) == (200, [])
            assert sale.buyer.trade(trade)["state"] == "UPLOADED"
            assert sale.seller.http.head(f"/v1/trades/{trade}/package")["Upload-Offset"] == "0"
            sale.front.work()
            assert not uploading.done()
        finally:
            store.released.set()
        uploading.result(WAIT_S)
    sale.front.work()
    assert sale.receive(trade).verdict == "match"
