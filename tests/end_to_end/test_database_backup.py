"""The platform's database is lost and restored from an older backup, as docs/operations.md says."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.client import trades
from countermark.gateway.database import discard
from tests.support.chaos import bookkeeping
from tests.support.command_line import countermark
from tests.support.documented import run_documented
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader
from tests.support.whole_platform import Platform

PRICE = 1_000


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform of its own: its database is lost."""
    folder = Path(tempfile.mkdtemp(prefix="countermark-backup-"))
    running = Platform(folder / "market")
    running.start()
    try:
        yield running
    finally:
        running.stop()
        running.discard()
        shutil.rmtree(folder)


def test_lost_database_is_restored_catches_up_and_what_nobody_can_give_back_is_named(
    platform: Platform, tmp_path: Path
) -> None:
    data, here = platform.data, platform.data.parent
    seller, buyer = (RemoteTrader(platform, tmp_path / name, 100_000) for name in ("seller", "buyer"))
    early = seller.put_on_market(photograph(tmp_path / "early.jpg", 31_001), PRICE)
    backup = here / "backups" / "monday"
    made = countermark("network", "backup", "--no-peers", "--data", data, "-o", backup)
    run_documented("tar --create --file platform-keys.tar --directory market gateway homes passphrase", here)
    late = seller.put_on_market(photograph(tmp_path / "late.jpg", 31_002), PRICE)
    trade = buyer.buy(late)
    seller.deliver(trade)
    trades.await_state(buyer.market, trade, frozenset({"SENT"}))
    # Until the seller's notice has its anchor on the ledger, nobody could tell that the board lacks it.
    bookkeeping.settle(platform)
    before = seller.balance(), buyer.balance()

    running = countermark("network", "restore", backup, "--data", data, status=1)
    assert "another `countermark up` runs" in running["error"]["detail"]
    assert platform.stop() == 0
    run_documented("mv market/postgres market/postgres.lost", here)
    for name in ("gateway", "homes"):
        shutil.rmtree(data / name)
    run_documented("tar --extract --file platform-keys.tar --directory market", here)
    run_documented("countermark network restore backups/monday --data market", here)
    platform.start()
    try:
        for one in (seller, buyer):
            one.reopen()
        assert (seller.balance(), buyer.balance()) == before
        assert buyer.trade(trade)["state"] == "SENT"
        listed = {one["address"] for one in buyer.http.get("/v1/listings")["items"]}
        assert early in listed
        checked = countermark("tables", "rebuild", "--data", data, status=1)
    finally:
        discard(data / "postgres.lost")
    assert checked["height"] > made["database"]
    # What comes from the ledger is there; the opening came from the private collection just now.
    assert checked["same"]
    assert checked["contracts"]["different"] == [{"listing": late, "differences": ["restored", "items"]}]
    # The seller's notice came after the backup: the board is shorter than the ledger's anchor says.
    assert checked["board"]["faults"] == [{"fault": "truncated", "first": 0, "last": 0}]
