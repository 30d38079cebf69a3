"""Commands against the real gateway: ids first, one JSON document, and the status that tells what happened."""

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from countermark.client.agent import Agent
from countermark.protocol import accounts, ids
from tests.support.front import URL, Front
from tests.support.market import actor
from tests.support.pictures import jpeg, photo
from tests.unit.cli.conftest import Gateway, Party, Run

Make = Callable[[str], Party]


def listed(seller: Party, front: Front, price: int = 10_001) -> str:
    listing = seller.done("listing", "create", front.photograph, "--price", price, "--json").json["listing"]
    front.work()
    return str(listing)


def is_transaction(text: str) -> bool:
    return len(text) == 64 and int(text, 16) >= 0


@pytest.mark.requirement("R24", "R30")
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


def test_ctrl_c_in_the_middle_of_a_payment_is_status_4_with_the_trade_and_buying_again_goes_on(
    party: Make, gateway: Gateway, front: Front
) -> None:
    seller, buyer = party("seller"), party("buyer")
    listing = listed(seller, front)
    gateway.failure, gateway.late = KeyboardInterrupt, True
    interrupted = buyer("trade", "buy", listing)
    assert interrupted.status == 4
    trade = ids.parse_trade(interrupted.first)
    gateway.failure = None
    for _ in range(2):
        again = buyer.done("trade", "buy", listing, "--json")
        assert (again.json["trade"], again.json["resumed"], again.json["state"]) == (trade, True, "PAID")
        assert is_transaction(again.json["txid"])
        assert "nothing new was sent" in again.err
    assert buyer.done("account", "show", "--json").json["balance"] == str(50_000 - 10_001 - 500)


def test_a_transfer_whose_answer_never_came_is_paid_once(party: Make, gateway: Gateway) -> None:
    one, other = party("one"), party("other")
    to = other.done("account", "show").first
    gateway.failure, gateway.late = httpx.ReadError, True
    lost = one("account", "transfer", to, "5", "--json")
    assert (lost.status, lost.json["error"]["code"]) == (4, "outcome_unknown")
    assert lost.json["error"]["id"]
    gateway.failure = None
    assert one.done("account", "transfer", to, "5", "--json").json["resumed"] is True
    assert "resumed" not in one.done("account", "transfer", to, "5", "--json").json
    assert other.done("account", "show", "--json").json["balance"] == "50010"


# What was made is told, whatever becomes of the rest


def test_a_listing_whose_fee_cannot_be_paid_is_told_and_found_again(
    run: Run, party: Make, front: Front, tmp_path: Path, passphrase: Path
) -> None:
    poor = Party(run, tmp_path / "homes" / "poor", passphrase)
    poor.done("account", "new")
    refused = poor("listing", "create", front.photograph, "--price", "5")
    assert refused.status == 3
    listing = ids.parse_listing(refused.first)
    assert "insufficient_funds" in refused.err
    assert poor.done("listing", "list", "--state", "PENDING_FEE").first == listing
    assert poor.done("listing", "list", "--state", "any").first == listing
    assert party("other").done("listing", "list", "--state", "any").out == ""
    poor.done("account", "fund", "50000")
    assert "state LISTED" in poor.done("listing", "charge", listing).out
    document = party("another")
    document.done("account", "transfer", poor.done("account", "show").first, "49999")
    picture = tmp_path / "coffee.jpg"
    picture.write_bytes(jpeg(photo("coffee").resize((256, 256))))
    told = document("listing", "create", picture, "--price", "5", "--json")
    assert told.status == 3
    assert ids.parse_listing(told.json["listing"])
    assert is_transaction(told.json["txid"])
    assert told.json["error"]["code"] == "insufficient_funds"


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
def test_a_send_whose_upload_fails_tells_its_transaction(
    party: Make, gateway: Gateway, front: Front, options: tuple[str, ...]
) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front)).first
    seller.done("trade", "charge", trade)
    gateway.failure, gateway.failing = httpx.ConnectError, "/package"
    failed = seller("trade", "send", trade, *options)
    assert failed.status == 1
    assert is_transaction(failed.json["txid"] if options else failed.first)
    gateway.failure = None
    assert seller.done("trade", "send", trade).first == trade
    front.work()
    assert buyer.done("trade", "show", trade, "--json").json["state"] == "SENT"


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
def test_a_remedy_is_sent_received_and_accepted(
    party: Make, gateway: Gateway, front: Front, tmp_path: Path, options: tuple[str, ...]
) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front)).first
    seller.done("trade", "charge", trade)
    seller.done("trade", "send", trade)
    front.work()
    assert seller("trade", "remedy", trade, *options).status == 3
    buyer.done("trade", "dispute", trade, "--reason", "undecryptable")
    buyer.done("trade", "open", trade)
    assert buyer("trade", "accept", trade, *options).status == 3, "there is no remedy yet"
    assert buyer("trade", "receive", trade, "--remedy", "-o", tmp_path / "photo.jpg", *options).status == 3
    dry = seller.done("trade", "remedy", trade, "--dry-run", "--json").json
    assert dry["dry_run"] is True
    gateway.failure, gateway.failing = httpx.ConnectError, "/remedy/package"
    failed = seller("trade", "remedy", trade, *options)
    assert failed.status == 1
    assert is_transaction(failed.json["txid"] if options else failed.first)
    gateway.failure = None
    again = seller.done("trade", "remedy", trade, *options)
    assert again.json == {"trade": trade, "state": "EVIDENCED", "resumed": True} if options else again.first == trade
    assert "remedy relayed" not in buyer.done("trade", "show", trade).out
    front.work()
    assert "remedy relayed" in buyer.done("trade", "show", trade).out
    received = buyer.done("trade", "receive", trade, "--remedy", "-o", tmp_path / "photo.jpg", *options)
    if options:
        assert received.json == {"trade": trade, "path": str(tmp_path / "photo.jpg"), "verdict": "match"}
    else:
        assert received.out.splitlines() == [trade, f"stored {tmp_path / 'photo.jpg'}", "verdict match"]
    assert (tmp_path / "photo.jpg").read_bytes() == front.photograph.read_bytes()
    assert buyer.done("trade", "show", trade, "--json").json["state"] == "EVIDENCED"
    buyer.done("trade", "accept", trade)
    assert buyer.done("trade", "show", trade, "--json").json["outcome"] == "remedied"
    assert is_transaction(buyer.done("listing", "relist", listed_in(buyer, trade), "--price", "20000").first)


def listed_in(party: Party, trade: str) -> str:
    return str(party.done("trade", "show", trade, "--json").json["listing"])


# Files


def test_received_data_replace_no_file_unless_they_are_told_to(party: Make, front: Front, tmp_path: Path) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front)).first
    seller.done("trade", "charge", trade)
    seller.done("trade", "send", trade)
    front.work()
    out = tmp_path / "out.jpg"
    out.write_text("mine")
    refused = buyer("trade", "receive", trade, "-o", out)
    assert (refused.status, out.read_text()) == (1, "mine")
    assert "--force" in refused.err
    assert buyer.done("trade", "receive", trade, "-o", out, "--force", "--json").json["verdict"] == "match"
    assert out.read_bytes() == front.photograph.read_bytes()
    # Another try goes on with what is there, and is told that the notice was sent before.
    assert buyer("trade", "receive", trade, "-o", out).status == 3


def test_names_that_are_no_text_are_no_trouble(party: Make, front: Front, tmp_path: Path) -> None:
    seller = party("seller")
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    strange.write_bytes(front.photograph.read_bytes())
    for title in ("\udcff", "ok"):
        made = seller("listing", "create", strange, "--price", "5", "--title", title, "--json")
        assert made.status == (2 if title == "\udcff" else 0), made
    front.work()
    buyer = party("buyer")
    trade = buyer.done("trade", "buy", made.json["listing"]).first
    seller.done("trade", "charge", trade)
    seller.done("trade", "send", trade)
    front.work()
    assert "verdict match" in buyer.done("trade", "receive", trade, "-o", tmp_path / "\udcfe").out


# Waiting


def test_waiting_ends_when_the_trade_does(party: Make, front: Front) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front)).first
    assert buyer.done("trade", "wait", trade, "PAID", "FUNDED").first == trade
    seller.done("trade", "cancel", trade)
    assert buyer.done("trade", "wait", trade, "REFUNDED").first == trade
    ended = buyer("trade", "wait", trade, "SENT", "--json")
    assert (ended.status, ended.json["error"]["code"]) == (3, "wrong_state")
    assert "REFUNDED (declined)" in ended.json["error"]["detail"]


# Which market, which gateway


def test_a_gateway_of_another_market_is_refused_and_not_remembered(party: Make, gateway: Gateway) -> None:
    one = party("one")
    before = (one.home / "profile.json").read_bytes()
    gateway.market = "other/countermark"
    for arguments in (("account", "show"), ("account", "transfer", "x", "5"), ("trade", "list")):
        refused = one(*arguments, "--gateway", "https://other.example", "--json")
        assert (refused.status, refused.json["error"]["code"]) == (1, "refused_here"), arguments
        assert "other/countermark" in refused.json["error"]["detail"]
    assert gateway.writes[2:] == []
    assert (one.home / "profile.json").read_bytes() == before


def test_a_gateway_that_gives_no_answer_or_is_only_asked_what_would_be_is_not_remembered(
    party: Make, gateway: Gateway
) -> None:
    one = party("one")
    before = {path: path.read_bytes() for path in one.home.rglob("*") if path.is_file()}
    assert one("account", "show", "--gateway", f"{URL}/", "--dry-run").status == 0
    gateway.unreachable = True
    assert one("account", "show", "--gateway", "https://other.example").status == 1
    assert {path: path.read_bytes() for path in one.home.rglob("*") if path.is_file()} == before


def test_whoever_has_no_passphrase_at_hand_browses_as_the_public_does(run: Run, party: Make, front: Front) -> None:
    seller = party("seller")
    listing = listed(seller, front)
    assert run("--home", seller.home, "--gateway", URL, "listing", "list").first == listing
    assert run("--home", seller.home, "--gateway", URL, "listing", "show", listing).first == listing


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
        [trade, "receive:"],
        [trade, "confirm"],
    ]
    assert buyer.done("trade", "show", trade, "--json").json["state"] == "SETTLED"


def test_an_agent_with_json_prints_one_document_however_it_ends(
    party: Make, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, buyer = party("seller"), party("buyer")
    trade = buyer.done("trade", "buy", listed(seller, front), "--json").json["trade"]
    once = seller.done("agent", "run", "--once", "--json")
    assert once.json == {"acts": 2}
    assert f"{trade}  charge" in once.err
    running = Agent.run

    def interrupted(agent: Agent) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return running(agent)

    monkeypatch.setattr(Agent, "run", interrupted)
    assert seller.done("agent", "run", "--json").json == {"acts": 0}


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
    assert run("fingerprint", "compare", front.photograph, tmp_path / "text").status == 1


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (b"no image", ("--generator", "image/v1"), "not_an_image"),
        (b"", (), "empty_file"),
        (b"x", ("--generator", "image/v999"), "unknown_generator"),
    ],
    ids=lambda one: str(one),
)
def test_offline_no_rule_of_the_market_refuses(
    run: Run, tmp_path: Path, content: bytes, options: tuple[str, ...], code: str
) -> None:
    path = tmp_path / "some.jpg"
    path.write_bytes(content)
    for verb in (("compute", path), ("compare", path, path)):
        failed = run("fingerprint", *verb, *options, "--json")
        assert failed.status == 1
        assert failed.json["error"]["code"] == code
        detail = failed.json["error"]["detail"]
        assert detail == detail.strip()
        assert not detail.endswith(":")


def test_a_table_of_files_is_gathered_and_offered_as_one(party: Make, front: Front, tmp_path: Path) -> None:
    seller = party("seller")
    (tmp_path / "photos").mkdir()
    for name in ("coffee", "rocket"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(jpeg(photo(name)))
    table, archive = tmp_path / "labels.csv", tmp_path / "set.zip"
    table.write_text("file,label\nphotos/coffee.jpg,cup\nphotos/rocket.jpg,start\n")
    gather = ("listing", "gather", table, "--column", "file", "-o", archive)
    assert "3 files" in seller.done("--dry-run", *gather).out
    assert not archive.exists()
    assert seller.done(*gather).first == str(archive)
    ids.parse_listing(seller.done("listing", "create", archive, "--price", "10001").first)
