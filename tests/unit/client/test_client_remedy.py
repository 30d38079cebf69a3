"""The seller's remedy and what the buyer makes of it; an interruption at any point loses nothing."""

import io
from pathlib import Path
from typing import Any

import pytest

from countermark.client import deliveries, disputes, listings, notices, purchases, receiving, trades
from countermark.client.deliveries import REMEDY
from countermark.client.market import Done
from countermark.client.receiving import Received
from countermark.protocol.packages import PackageHeader, PackageSalts, seal_package
from tests.unit.client.conftest import Sale, failing, no_fault, posting


@pytest.fixture
def trade(sale: Sale) -> str:
    """A trade whose arbiter is to decide."""
    trade, market = sale.sent(), sale.buyer.market()
    purchases.dispute(market, trade, "undecryptable")
    disputes.open_key(market, sale.buyer.trader.vault, sale.buyer.trader.trade(trade))
    return trade


def remedy(
    sale: Sale, trade: str, *, path: Path | None = None, resource: dict[str, Any] | None = None
) -> Done | None:
    who, market, packages = sale.seller.trader, sale.seller.market(), sale.seller.packages
    shown = resource or who.trade(trade)
    return deliveries.send(market, who.keys, who.vault, shown, packages, path, delivery=REMEDY)


def fetch(sale: Sale, trade: str, out: Path, *, force: bool = False) -> Received:
    who, market, downloads = sale.buyer.trader, sale.buyer.market(), sale.buyer.downloads
    return receiving.fetch(market, who.vault, who.trade(trade), out, downloads, force=force, delivery=REMEDY)


def test_a_remedy_is_sent_received_and_accepted(sale: Sale, trade: str, tmp_path: Path) -> None:
    assert failing(lambda: fetch(sale, trade, tmp_path / "early")).code == "wrong_state"
    assert remedy(sale, trade) is not None
    assert failing(lambda: fetch(sale, trade, tmp_path / "early")).code == "package_not_released"
    sale.front.work()
    sale.buyer.wire.requests.clear()
    received = fetch(sale, trade, tmp_path / "photo.jpg")
    assert received.verdict == "match"
    assert (tmp_path / "photo.jpg").read_bytes() == sale.front.photograph.read_bytes()
    assert sale.buyer.wire.writes() == [], "nothing is acknowledged"
    assert sale.state(trade) == "EVIDENCED"
    assert not (tmp_path / "early").exists()
    purchases.accept(sale.buyer.market(), trade)
    resource = sale.buyer.trader.trade(trade)
    assert (resource["state"], resource["outcome"]) == ("SETTLED", "remedied")
    names = sale.seller.trader.vault.names("receipts")
    assert names == [f"{trade}-remedy", f"{trade}-seller"], "of each notice one receipt"


def test_what_was_received_as_a_remedy_can_be_sold_again(sale: Sale, trade: str, tmp_path: Path) -> None:
    remedy(sale, trade)
    sale.front.work()
    received = fetch(sale, trade, tmp_path / "photo.jpg")
    purchases.hold(sale.buyer.market(), sale.buyer.trader.vault, sale.buyer.trader.trade(trade), received)
    purchases.accept(sale.buyer.market(), trade)
    listings.relist(sale.buyer.market(), sale.listing, listings.Terms(20_000, {}))
    held = listings.recall(sale.buyer.trader.vault, sale.listing)
    assert held.path == tmp_path / "photo.jpg"


@pytest.mark.parametrize("verdict", ["altered", "bad"])
def test_a_remedy_that_is_no_better_is_told(sale: Sale, trade: str, tmp_path: Path, verdict: str) -> None:
    data = sale.front.photograph.read_bytes() + b"\x00"
    held = listings.recall(sale.seller.trader.vault, sale.listing)
    salts = PackageSalts(salt_f=held.salt_f, salt_exact=held.salt_exact)
    if verdict == "bad":
        data = b"no picture at all"
    resource = sale.seller.trader.trade(trade)
    out = io.BytesIO()
    header = PackageHeader(trade, resource["buyer"], resource["seller"], resource["listing"])
    seal_package(io.BytesIO(data), out, header=header, recipient=resource["pk_t"], salts=salts, size=len(data))
    # What waits there is taken for what an earlier run has made.
    deliveries.package_file(sale.seller.packages, trade, REMEDY).write_bytes(out.getvalue())
    remedy(sale, trade)
    sale.front.work()
    assert fetch(sale, trade, tmp_path / "photo.jpg").verdict == verdict


def test_a_remedy_whose_answer_is_lost_goes_on_with_the_package_that_was_committed_to(sale: Sale, trade: str) -> None:
    before = sale.seller.trader.trade(trade)
    sale.seller.wire.silent = posting("/remedy")
    assert failing(lambda: remedy(sale, trade)).code == "outcome_unknown"
    file = deliveries.package_file(sale.seller.packages, trade, REMEDY)
    package = file.read_bytes()
    sale.seller.wire.silent = no_fault
    # Whoever still sees the state before sends the same again; another package would be lost for ever.
    done = remedy(sale, trade, resource=before)
    assert done is not None
    assert done.resumed
    assert file.read_bytes() == package
    assert remedy(sale, trade) is None
    sale.front.work()
    assert sale.buyer.trader.trade(trade)["remedy"]["relayed_at"]


def test_an_upload_that_breaks_off_is_completed_by_the_next_try(sale: Sale, trade: str) -> None:
    sale.seller.wire.lost = posting("/remedy/package", "PUT")
    assert failing(lambda: remedy(sale, trade)).code == "gateway_unreachable"
    sale.seller.wire.lost = no_fault
    file = deliveries.package_file(sale.seller.packages, trade, REMEDY)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert failing(lambda: remedy(sale, trade)).code == "package_root_mismatch"
    file.write_bytes(whole)
    assert remedy(sale, trade) is None
    sale.front.work()
    assert sale.buyer.trader.trade(trade)["remedy"]["relayed_at"]


def test_a_remedy_waits_until_the_trade_has_ended_and_there_is_no_second(sale: Sale, trade: str) -> None:
    sale.seller.wire.lost = posting("/remedy/package", "PUT")
    failing(lambda: remedy(sale, trade))
    sale.seller.wire.lost = no_fault
    file = deliveries.package_file(sale.seller.packages, trade, REMEDY)
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert file.exists()
    remedy(sale, trade)
    sale.front.work()
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert file.exists()
    assert failing(lambda: remedy(sale, trade)).code == "wrong_state"
    purchases.accept(sale.buyer.market(), trade)
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert not file.exists()


def test_a_remedy_is_for_a_dispute_that_waits_for_its_decision(sale: Sale) -> None:
    trade = sale.sent()
    sale.seller.wire.requests.clear()
    assert failing(lambda: remedy(sale, trade)).code == "wrong_state"
    assert sale.seller.wire.writes() == []


def test_data_that_were_changed_are_no_remedy(sale: Sale, trade: str, tmp_path: Path) -> None:
    changed = tmp_path / "changed.jpg"
    changed.write_bytes(sale.front.photograph.read_bytes() + b" ")
    assert failing(lambda: remedy(sale, trade, path=changed)).code == "commitment_mismatch"
    assert not deliveries.package_file(sale.seller.packages, trade, REMEDY).exists()
    moved = sale.front.photograph.rename(tmp_path / "moved.jpg")
    assert remedy(sale, trade, path=moved) is not None


def test_nothing_of_the_first_package_is_taken_for_a_part_of_the_remedy(
    sale: Sale, trade: str, tmp_path: Path
) -> None:
    out = tmp_path / "photo.jpg"
    first = sale.buyer.fetch(trade, out)
    assert first.verdict == "match"
    remedy(sale, trade)
    sale.front.work()
    # The start of the first package, as a download that broke off leaves it.
    with sale.buyer.trader.http.download(f"/v1/trades/{trade}/package") as pieces:
        deliveries.package_file(sale.buyer.downloads, trade).write_bytes(b"".join(pieces)[:1000])
    assert failing(lambda: fetch(sale, trade, out)).code == "refused_here"
    assert fetch(sale, trade, tmp_path / "remedied.jpg").verdict == "match"
    assert fetch(sale, trade, out, force=True).verdict == "match"


def test_a_download_of_a_remedy_that_breaks_off_goes_on(sale: Sale, trade: str, tmp_path: Path) -> None:
    remedy(sale, trade)
    sale.front.work()
    folder = tmp_path / "bought"
    folder.mkdir()
    sale.buyer.wire.lost = posting("/remedy/package", "GET")
    assert failing(lambda: fetch(sale, trade, folder / "photo.jpg")).code == "gateway_unreachable"
    assert not (folder / "photo.jpg").exists()
    sale.buyer.wire.lost = no_fault
    assert fetch(sale, trade, folder / "photo.jpg").verdict == "match"
    assert [path.name for path in folder.iterdir()] == ["photo.jpg"]
    # What lies there already is told without another download.
    sale.buyer.wire.requests.clear()
    assert fetch(sale, trade, folder / "photo.jpg").verdict == "match"
    assert ("GET", f"/v1/trades/{trade}/remedy/package") not in sale.buyer.wire.requests


def test_a_notice_that_was_not_answered_is_known(sale: Sale, trade: str) -> None:
    sale.seller.wire.silent = posting("/remedy")
    failing(lambda: remedy(sale, trade))
    assert notices.is_unanswered(sale.seller.trader.vault, trade, action="trade.remedy")
    assert not notices.is_unanswered(sale.seller.trader.vault, trade, action="trade.send")


@pytest.mark.parametrize("lie", [{"size": "1"}, {"root": "x"}, {"relayed_at": 5}, "no record"], ids=str)
def test_a_malformed_remedy_is_the_gateways_fault(sale: Sale, trade: str, lie: Any) -> None:
    remedy(sale, trade)
    get = sale.buyer.trader.http.get

    def lying(path: str, params: dict[str, str] | None = None) -> Any:
        answer = dict(get(path, params))
        return {**answer, "remedy": {**answer["remedy"], **lie} if isinstance(lie, dict) else lie}

    sale.buyer.trader.http.get = lying  # type: ignore[method-assign]  # as a gateway that lies
    assert failing(lambda: trades.show(sale.buyer.market(), trade)).code == "gateway_answer"
