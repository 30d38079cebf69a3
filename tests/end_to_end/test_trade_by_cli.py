"""A seller and a buyer with separate homes trade through the command line, across a restart of the platform."""

from pathlib import Path

import pytest

from tests.support.photographs import photograph
from tests.support.whole_platform import Platform, Trader, trader


def opened(folder: Path, name: str, platform: Platform, amount: str) -> Trader:
    person = trader(folder, name, platform)
    person.run("account", "new")
    person.run("account", "fund", amount)
    return person


def agreed_sale(tmp_path: Path, platform: Platform, seed: int) -> tuple[Trader, Trader, str, Path]:
    """Return seller, buyer, a trade that the seller has accepted, and the photograph."""
    seller, buyer = opened(tmp_path, "seller", platform, "5000"), opened(tmp_path, "buyer", platform, "50000")
    photo = photograph(tmp_path / "photo.jpg", seed)
    listing = seller.run("listing", "create", str(photo), "--price", "20000", "--title", "Shapes")["listing"]
    assert listing in [item["address"] for item in buyer.run("listing", "list")["items"]]
    trade = buyer.run("trade", "buy", listing, "--max-price", "20000")["trade"]
    seller.run("trade", "charge", trade)
    return seller, buyer, trade, photo


@pytest.mark.requirement(
    "R1", "R7", "R8", "R24", "R30", "R33", "R35", "R36", "R37", "R42", "R43", "R47", "R48", "R67"
)
def test_a_sale_through_the_command_line_moves_data_money_and_ownership(tmp_path: Path, platform: Platform) -> None:
    seller, buyer, trade, photo = agreed_sale(tmp_path, platform, 11)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    received = buyer.run("trade", "receive", trade, "-o", str(tmp_path / "bought.jpg"))
    assert received["verdict"] == "match"
    assert (tmp_path / "bought.jpg").read_bytes() == photo.read_bytes()
    buyer.run("trade", "wait", trade, "MATCHED")
    assert buyer.run("trade", "confirm", trade)["state"] == "SETTLED"
    owner = buyer.run("account", "show")
    listing = buyer.run("trade", "show", trade)["listing"]
    assert buyer.run("listing", "show", listing)["owner"] == owner["address"]
    # 5000 - 100 management fee + 20000 price - 500 transaction fee; the bond came back.
    assert seller.run("account", "show")["balance"] == "24400"
    assert owner["balance"] == "30000"
    _show_by_the_ledger(tmp_path, platform, trade, seller, buyer)


def _show_by_the_ledger(tmp_path: Path, platform: Platform, trade: str, seller: Trader, buyer: Trader) -> None:
    """Both show what came in by what they kept; the tables are held against the supervisor's ledger."""
    supervisor = str(platform.data / "connection" / "supervisor.json")
    for who, act in ((seller, "sent"), (buyer, "received")):
        proof = str(tmp_path / act)
        assert who.run("trade", "prove", trade, "-o", proof)["state"] == "anchored"
        (shown,) = buyer.run("audit", "board", proof, "--connection", supervisor)["proofs"]
        assert (shown["verdict"], shown["act"], shown["trade"]) == ("proven", act, trade)
        assert shown["by"] == shown["seller" if act == "sent" else "buyer"]
        assert shown["named_by"]["function"] == ("trade.send" if act == "sent" else "trade.ack")
    for whose in ((), ("--connection", supervisor)):
        found = buyer.run("audit", "reconcile", "--data", str(platform.data), *whose)
        assert (found["differences"], found["count"]) == ([], 0)
        assert found["compared"]["entries"] >= 2


def test_homes_are_closed_to_everybody_else(tmp_path: Path, platform: Platform) -> None:
    person = opened(tmp_path, "private", platform, "100")
    home = person.home / "countermark"
    for path in [home, *home.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_purchase_without_the_money_is_refused_with_status_3(tmp_path: Path, platform: Platform) -> None:
    seller, poor = opened(tmp_path, "seller", platform, "5000"), opened(tmp_path, "poor", platform, "10")
    photo = photograph(tmp_path / "photo.jpg", 12)
    listing = seller.run("listing", "create", str(photo), "--price", "20000")["listing"]
    refused = poor.run("trade", "buy", listing, status=3)
    assert refused["error"]["code"] == "insufficient_funds"


def test_a_platform_that_is_restarted_in_the_middle_of_a_trade_goes_on(tmp_path: Path) -> None:
    own = Platform(tmp_path / "data")
    own.start()
    try:
        seller, buyer, trade, photo = agreed_sale(tmp_path, own, 13)
        assert own.stop() == 0
        assert not own.gateway_file.exists()
        own.start()
        seller.run("trade", "send", trade)
        buyer.run("trade", "wait", trade, "SENT")
        own.stop()
        own.start()
        buyer.run("trade", "receive", trade, "-o", str(tmp_path / "bought.jpg"))
        buyer.run("trade", "wait", trade, "MATCHED")
        assert buyer.run("trade", "confirm", trade)["state"] == "SETTLED"
        assert (tmp_path / "bought.jpg").read_bytes() == photo.read_bytes()
    finally:
        own.stop()
        own.discard()
