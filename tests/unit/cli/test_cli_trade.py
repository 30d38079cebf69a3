"""Commands against the real gateway: ids first, one JSON document, and the status that tells what happened."""

import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from countermark.protocol import accounts, ids
from tests.support.front import URL, Front
from tests.support.market import actor
from tests.unit.cli.conftest import Gateway, Party, Run

Make = Callable[[str], Party]


def listed(seller: Party, front: Front, price: int = 10_001) -> str:
    listing = seller.done("listing", "create", front.photograph, "--price", price, "--json").json["listing"]
    front.work()
    return str(listing)


def is_transaction(text: str) -> bool:
    return len(text) == 64 and int(text, 16) >= 0


@pytest.mark.requirement("R24", "R30", "R48")
def test_every_step_prints_its_id_first(party: Make, front: Front, tmp_path: Path) -> None:
    seller, buyer = party("seller"), party("buyer")
    created = seller.done("listing", "create", front.photograph, "--price", "10001", "--title", "Shapes")
    listing = ids.parse_listing(created.first)
    front.work()
    assert buyer.done("listing", "list").first == listing
    assert buyer.done("listing", "show", listing).first == listing
    assert buyer.done("search", front.photograph).first == listing
    trade = ids.parse_trade(buyer.done("trade", "buy", listing, "--max-price", "10001").first)
    assert is_transaction(seller.done("trade", "charge", trade).first)
    assert is_transaction(seller.done("trade", "send", trade).first)
    front.work()
    received = buyer.done("trade", "receive", trade, "-o", tmp_path / "bought.jpg")
    assert is_transaction(received.first)
    assert "verdict match" in received.out
    front.work()
    shown = buyer.done("trade", "show", trade)
    assert shown.first == trade
    assert "buyer may call trade.confirm" in shown.out
    confirmed = buyer.done("trade", "confirm", trade)
    assert is_transaction(confirmed.first)
    assert "state SETTLED" in confirmed.out
    assert seller.done("trade", "list").first == trade
    assert seller.done("trade", "list", "--open").out == ""
    assert is_transaction(buyer.done("listing", "relist", listing, "--price", "20000").first)
    assert is_transaction(buyer.done("listing", "withdraw", listing).first)
    assert (tmp_path / "bought.jpg").read_bytes() == front.photograph.read_bytes()


def test_an_account_is_made_shown_and_paid_from(party: Make) -> None:
    one, other = party("one"), party("other")
    shown = one.done("account", "show", "--json").json
    assert accounts.parse_address(shown["address"])
    assert shown["balance"] == "50000"
    paid = one.done("account", "transfer", other.done("account", "show").first, "1234", "--json").json
    assert is_transaction(paid["txid"])
    assert other.done("account", "show", "--json").json["balance"] == "51234"
    assert one.done("account", "list").first == shown["address"]


def test_no_folder_or_file_of_a_home_is_open_to_others(party: Make, front: Front) -> None:
    seller = party("seller")
    listed(seller, front)
    for path in (seller.home, *seller.home.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


# Statuses


@pytest.mark.requirement("R48")
def test_what_a_rule_refuses_is_status_3_with_the_rules_code(party: Make, front: Front) -> None:
    seller, buyer = party("seller"), party("buyer")
    listing = listed(seller, front, price=60_000)
    poor = buyer("trade", "buy", listing, "--json")
    assert (poor.status, poor.json["error"]["code"]) == (3, "insufficient_funds")
    told = buyer("trade", "buy", listing)
    assert (told.status, told.out) == (3, "")
    assert "insufficient_funds" in told.err
    thief = buyer("listing", "create", front.photograph, "--price", "5", "--json")
    assert thief.status == 3
    for arguments, code in (
        (("trade", "show", "../accounts"), "unknown_trade"),
        (("trade", "confirm", "tr1" + "a" * 52), "unknown_trade"),
        (("listing", "show", "../market"), "unknown_listing"),
        (("listing", "show", "dc1" + "a" * 52), "unknown_listing"),
    ):
        refused = buyer(*arguments, "--json")
        assert (refused.status, refused.json["error"]["code"]) == (3, code), arguments


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(httpx.ReadError, 4, "outcome_unknown"), (httpx.ConnectError, 1, "gateway_unreachable")],
)
def test_an_answer_that_never_came_is_status_4_and_a_gateway_that_is_away_status_1(
    party: Make, gateway: Gateway, failure: type[httpx.TransportError], status: int, code: str
) -> None:
    one = party("one")
    gateway.failure = failure
    result = one("account", "transfer", one.done("account", "show").first, "5", "--json")
    assert (result.status, result.json["error"]["code"]) == (status, code)


# Asking first, not waiting


def test_a_dry_run_makes_and_sends_nothing(
    run: Run, party: Make, gateway: Gateway, front: Front, tmp_path: Path, passphrase: Path
) -> None:
    nobody = Party(run, tmp_path / "homes" / "nobody", passphrase)
    assert nobody("account", "new", "--dry-run").status == 0
    assert not nobody.home.exists()
    seller, buyer = party("seller"), party("buyer")
    listing = listed(seller, front)
    trade = str(buyer.done("trade", "buy", listing, "--json").json["trade"])
    gateway.writes.clear()
    for who, arguments in (
        (seller, ("listing", "create", front.photograph, "--price", "5")),
        (seller, ("trade", "charge", trade)),
        (seller, ("trade", "cancel", trade)),
        (seller, ("account", "fund", "5")),
        (seller, ("listing", "withdraw", listing)),
        (seller, ("agent", "run", "--once")),
        (buyer, ("trade", "buy", listing)),
        (buyer, ("account", "transfer", actor("seller").address, "5")),
    ):
        result = who.done(*arguments, "--dry-run", "--json")
        assert result.json["dry_run"] is True, arguments
    assert gateway.writes == []


def test_without_waiting_the_ids_are_told_that_will_be(party: Make, front: Front) -> None:
    seller, buyer = party("seller"), party("buyer")
    listing = listed(seller, front)
    bought = buyer.done("trade", "buy", listing, "--no-wait", "--json").json
    front.finish(bought["txid"])
    assert buyer.done("trade", "show", bought["trade"], "--json").json["state"] == "PAID"


def test_keys_are_not_made_where_the_gateway_is_not_known(run: Run, tmp_path: Path, passphrase: Path) -> None:
    result = run("--home", tmp_path / "home", "--passphrase-file", passphrase, "account", "new")
    assert result.status == 2
    assert not (tmp_path / "home").exists()


def test_a_home_remembers_its_gateway(party: Make, run: Run) -> None:
    one = party("one")
    assert run("--home", one.home, "--passphrase-file", one.passphrase, "account", "show").status == 0
    assert URL in (one.home / "profile.json").read_text()


def test_agents_bring_a_trade_to_its_end(party: Make, front: Front) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front), "--json").json["trade"]
    told = []
    for who in (seller, buyer, buyer):
        told.append(who.done("agent", "run", "--once"))
        front.work()
    assert [one.out.split()[:2] for one in told if one.out.startswith("tr1")] == [
        [trade, "charge"],
        [trade, "receive"],
        [trade, "confirm"],
    ]
    assert buyer.done("trade", "show", trade, "--json").json["state"] == "SETTLED"


# Offline


def test_fingerprints_are_compared_offline(run: Run, front: Front, tmp_path: Path) -> None:
    other = tmp_path / "copy.jpg"
    other.write_bytes(front.photograph.read_bytes() + b"\x00")
    compared = run("fingerprint", "compare", front.photograph, other, "--json")
    assert compared.status == 0
    assert set(compared.json) == {"decision", "score", "reasons", "generator"}
    assert compared.json["decision"] == "match"
    computed = run("fingerprint", "compute", front.photograph, other, "--json").json["items"]
    assert computed[0]["digest"] == computed[1]["digest"]
    (tmp_path / "text").write_text("no image")
    assert run("fingerprint", "compare", front.photograph, tmp_path / "text").status in (1, 3)
