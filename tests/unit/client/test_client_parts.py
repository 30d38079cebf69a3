"""Collections whose fingerprints go in parts: sent once, gone on with after a break, found again by a retry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import listings, parts
from countermark.client.errors import ClientError
from countermark.client.market import Done
from countermark.platform.contracts.deposit import DepositJob
from countermark.platform.contracts.parts import PartsRetentionJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.protocol import canonical, commitments
from countermark.protocol import parts as protocol_parts
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import open_sealed
from tests.support.front import URL, Front
from tests.support.mixed_folder import config, folder_of
from tests.support.platform import MARKET
from tests.unit.client.conftest import Faulty, Person

PICTURES, TEXTS = 24, 8
FINGERPRINTS = PICTURES + TEXTS + 2
"""One of each file, the table's among them, and the summary."""

PART = 4
PARTS = -(-FINGERPRINTS // PART)


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path, config=config())
    yield front
    front.close()


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("goods") / "goods", pictures=PICTURES, texts=TEXTS)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "INLINE_BYTES", 10_000)
    monkeypatch.setattr(protocol_parts, "MAX_ITEMS", PART)


@pytest.fixture
def seller(front: Front) -> Person:
    trader, wire = front.trader("seller"), Faulty(front)
    trader.http._client = httpx.Client(transport=wire, base_url=URL)
    return Person(trader, wire)


def offer(seller: Person, goods: Path, **progress: Any) -> Done:
    terms, words = listings.Terms(10_001, {}), listings.Words("Goods")
    return listings.create(seller.market(), seller.trader.vault, goods, terms, words, **progress)


def uploads(seller: Person) -> list[str]:
    return [path for method, path in seller.wire.requests if method == "PUT"]


def retain(front: Front) -> int:
    services = front.services
    return PartsRetentionJob(services.database, objects=services.objects, clock=services.clock).run_once()


@pytest.mark.requirement("A-09")
def test_a_collection_of_many_kinds_goes_in_parts_and_is_deposited_in_parts(
    front: Front, seller: Person, goods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    made = offer(seller, goods, uploading=lambda done, total: told.append((done, total)))
    address = str(made.result["id"])
    assert len(uploads(seller)) == PARTS == len(told)
    assert told[0] == (PART, FINGERPRINTS)
    assert told[-1] == (FINGERPRINTS, FINGERPRINTS)
    assert len(front.world.rows(tables.item_fingerprints)) == FINGERPRINTS
    # Nothing stays behind, at the platform or here.
    assert retain(front) == PARTS
    assert front.world.rows(tables.fingerprint_parts) == []
    assert seller.trader.vault.names("parts") == []
    monkeypatch.setattr("countermark.platform.contracts.deposit.PART_ITEMS", 10)
    assert _deposited(front, address, -(-FINGERPRINTS // 10)) == _committed(front, address)


def _deposited(front: Front, address: str, count: int) -> bytes:
    """Return the root that the supervisor computes from what is deposited for him."""
    world = front.world
    job = DepositJob(world.database, objects=world.objects, box=front.services.box, market=MARKET, clock=world.clock)
    assert job.run_once() == 1
    items = []
    for number in range(1, count + 1):
        sealed = canonical.loads(b"".join(world.objects.read(f"fingerprints/{address}/{number}")))
        key = {1: world.market.supervisor.encryption}
        document = canonical.loads(open_sealed(key, sealed, kind="fingerprints", market=MARKET))
        assert (document["listing"], document["part"], document["parts"]) == (address, number, count)
        items += [unb64u(item) for item in document["items"]]
    return commitments.fingerprint_root(items)


def _committed(front: Front, address: str) -> bytes:
    (row,) = [row for row in front.world.rows(tables.data_contracts) if row.address == address]
    return bytes(row.fingerprint_root)


def test_few_fingerprints_go_with_their_application(
    seller: Person, goods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "INLINE_BYTES", 4 << 20)
    assert offer(seller, goods).txid
    assert uploads(seller) == []


def test_an_upload_that_broke_off_sends_only_what_is_missing(seller: Person, goods: Path) -> None:
    seller.wire.lost = lambda request: request.method == "PUT" and len(uploads(seller)) >= 3
    with pytest.raises(ClientError) as broken:
        offer(seller, goods)
    assert (broken.value.code, len(uploads(seller))) == ("gateway_unreachable", 3)
    seller.wire.lost = lambda _: False
    assert offer(seller, goods).txid
    assert len(uploads(seller)) == PARTS


def test_a_part_whose_answer_was_lost_is_there_once(front: Front, seller: Person, goods: Path) -> None:
    seller.wire.silent = lambda request: request.method == "PUT" and len(uploads(seller)) == 2
    assert offer(seller, goods).txid
    # The same bytes again, which the platform has already.
    assert len(uploads(seller)) == PARTS + 1
    assert len(set(uploads(seller))) == PARTS == len(front.world.rows(tables.fingerprint_parts))


def test_an_offer_that_was_not_answered_finds_its_parts_again(front: Front, seller: Person, goods: Path) -> None:
    seller.wire.lost = lambda request: request.method == "POST" and request.url.path == "/v1/listings"
    with pytest.raises(ClientError):
        offer(seller, goods)
    seller.wire.lost = lambda _: False
    assert offer(seller, goods).txid
    assert len(uploads(seller)) == PARTS
    assert len(front.world.rows(tables.registrations)) == 1


def test_parts_that_were_gone_before_the_offer_came_are_sent_again(front: Front, seller: Person, goods: Path) -> None:
    """As when the offer is retried after two days: another one is made, since the platform never saw the first."""
    seller.wire.silent = lambda request: request.method == "POST"
    seller.wire.replace = lambda request: httpx.Response(500) if request.method == "POST" else None
    with pytest.raises(ClientError) as broken:
        offer(seller, goods)
    assert broken.value.undecided
    seller.wire.silent = lambda _: False
    seller.wire.replace = lambda _: None
    with front.world.database.begin() as connection:
        connection.execute(tables.fingerprint_parts.update().values(sent_ms=0))
    assert retain(front) == PARTS
    assert offer(seller, goods).txid
    assert len(uploads(seller)) == 2 * PARTS
    assert len(front.world.rows(tables.registrations)) == 1


def test_while_the_platform_compares_the_client_asks_again(
    seller: Person, goods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.client.http.BUSY_PAUSE_S", 0.0)
    document = {"code": "busy", "detail": "it is under way", "retryable": True}
    busy = iter([httpx.Response(503, json=document) for _ in range(9)])

    def answer(request: httpx.Request) -> httpx.Response | None:
        return next(busy, None) if request.method == "POST" else None

    seller.wire.replace = answer
    assert offer(seller, goods).txid


def test_a_dry_run_sends_nothing(seller: Person, goods: Path) -> None:
    market = seller.market(dry_run=True)
    done = listings.create(market, seller.trader.vault, goods, listings.Terms(1, {}), listings.Words())
    assert (done.result["dry_run"], seller.wire.writes()) == (True, [])


def test_the_parts_of_somebody_else_are_not_told_of(front: Front, seller: Person, goods: Path) -> None:
    seller.wire.lost = lambda request: request.method == "POST"
    with pytest.raises(ClientError):
        offer(seller, goods)
    (path, *_) = uploads(seller)
    assert seller.trader.http.get(path)["digest"] == path.rpartition("/")[2]
    with pytest.raises(ClientError) as refused:
        front.trader("buyer").http.get(path)
    assert refused.value.code == ErrorCode.NOT_FOUND


def test_the_same_offer_that_comes_while_it_is_compared_is_not_compared_again(
    front: Front, seller: Person, goods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, answers = front.services.index, []
    survey = index.survey

    def meanwhile(*args: Any, **options: Any) -> Any:
        if not answers:
            posted = next(one for one in sent if one.url.path == "/v1/listings")
            answers.append("meanwhile")
            again = front.raw().post("/v1/listings", headers=posted.headers, content=posted.content)
            answers.append(again.json()["code"])
        return survey(*args, **options)

    sent: list[httpx.Request] = []
    seller.wire.watch = sent.append
    monkeypatch.setattr(index, "survey", meanwhile)
    assert offer(seller, goods).txid
    assert answers == ["meanwhile", "busy"]
