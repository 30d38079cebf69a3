"""An object store that is away: a clear answer, readiness that names it, and nobody has to do anything afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.client import deliveries
from countermark.client import http as client_http
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects.bucket import Patience
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front
from tests.support.s3_server import S3Server
from tests.support.stores import InBucket, until_it_works
from tests.support.tcp_proxy import TcpProxy, Way
from tests.unit.gateway.conftest import Sale, refused


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[TcpProxy]:
    proxy = TcpProxy(s3_server.address)
    yield proxy
    proxy.close()


@pytest.fixture
def front(database: Database, tmp_path: Path, s3_server: S3Server, proxy: TcpProxy) -> Iterator[Front]:
    """The gateway on a bucket, which it reaches by the proxy."""
    patience = Patience(connect_s=1, silence_s=1, transfer_s=30)
    front = Front(
        database, tmp_path, store=InBucket(s3_server, s3_server.location(proxy.url), database, patience).store
    )
    yield front
    front.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_http, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(client_http, "TRIES", 1)


def ready(front: Front) -> tuple[int, list[str]]:
    answer = front.raw().get("/readyz")
    return answer.status_code, answer.json()["away"]


@pytest.mark.parametrize("way", [Way.STALLED, Way.CLOSED], ids=lambda way: way.value)
def test_trade_goes_on_when_the_store_is_back(sale: Sale, proxy: TcpProxy, way: Way) -> None:
    trade = sale.pay()
    seller, path = sale.seller, f"/v1/trades/{trade}/package"
    deliveries.charge(seller.market, seller.trade(trade))
    deliveries.commit_package(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder)
    proxy.turn(way)
    assert ready(sale.front) == (503, ["store"])
    with refused(ErrorCode.STORE_UNAVAILABLE) as failed:
        deliveries.upload_package(seller.market, seller.trade(trade), seller.folder)
    assert (failed.value.status, failed.value.retryable) == (503, True)
    assert seller.http.head(path)["Upload-Offset"] == "0"
    proxy.turn(Way.OPEN)
    until_it_works(lambda: deliveries.upload_package(seller.market, seller.trade(trade), seller.folder))
    assert ready(sale.front) == (200, [])
    sale.front.work()
    proxy.turn(way)
    with refused(ErrorCode.STORE_UNAVAILABLE), sale.buyer.http.download(path):
        pass
    # Nothing was noted as handed out, and nothing was thrown away.
    assert [row.state for row in sale.front.world.rows(tables.packages)] == ["COMPLETE"]
    proxy.turn(Way.OPEN)
    assert until_it_works(lambda: sale.receive(trade)).verdict == "match"


def test_package_whose_measurement_the_store_broke_off_is_kept(
    sale: Sale, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its bytes are in the store, and none comes back: that says nothing of the package."""
    trade = sale.pay()
    seller = sale.seller
    deliveries.charge(seller.market, seller.trade(trade))
    deliveries.commit_package(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder)
    objects = sale.front.world.objects
    seal = objects.seal

    def sealed(name: str, size: int) -> None:
        seal(name, size)
        proxy.turn(Way.CLOSED)

    monkeypatch.setattr(objects, "seal", sealed)
    with refused(ErrorCode.STORE_UNAVAILABLE):
        deliveries.upload_package(seller.market, seller.trade(trade), seller.folder)
    monkeypatch.undo()
    proxy.turn(Way.OPEN)
    sale.front.work()
    assert sale.buyer.trade(trade)["state"] == "SENT"
    assert until_it_works(lambda: sale.receive(trade)).verdict == "match"
