"""A dispute through the command line: the buyer opens, the arbiter decides by his own organisation's peer."""

from pathlib import Path

import pytest

from tests.end_to_end.test_trade_by_cli import agreed_sale
from tests.support.whole_platform import Platform, Trader


@pytest.fixture(scope="module")
def arbiter(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Trader:
    """Who decides first, at the home that `countermark up` has made for him, with his account open."""
    own = {
        "COUNTERMARK_HOME": str(platform.data / "homes" / "arbiter"),
        "COUNTERMARK_PASSPHRASE_FILE": str(platform.data / "passphrase"),
        "COUNTERMARK_CONNECTION": str(platform.data / "connection" / "supervisor.json"),
    }
    person = Trader(tmp_path_factory.mktemp("arbiter"), platform, own)
    person.run("account", "open")
    return person


@pytest.mark.requirement("R71", "R72")
def test_an_honest_seller_is_paid_whom_the_arbiter_finds_to_be_one(
    tmp_path: Path, platform: Platform, arbiter: Trader
) -> None:
    seller, buyer, trade, photo = agreed_sale(tmp_path, platform, 21)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    before = int(seller.run("account", "show")["balance"])
    assert buyer.run("trade", "dispute", trade, "--reason", "undecryptable")["state"] == "DISPUTED"
    assert buyer.run("trade", "open", trade)["state"] == "EVIDENCED"
    address = arbiter.run("account", "show")["address"]
    assert [item["id"] for item in arbiter.run("trade", "list", "--deciding")["items"]] == [trade]
    looked = arbiter.run("trade", "decide", trade, "--dry-run")
    assert (looked["finding"], looked["decision"]) == ("as_registered", "delivered")
    assert buyer.run("trade", "show", trade)["state"] == "EVIDENCED"
    decided = arbiter.run("trade", "decide", trade, "--remark", "bytes and fingerprint are the registered ones")
    assert (decided["decision"], decided["state"]) == ("delivered", "SETTLED")
    # Again, as after a crash: nothing is decided twice.
    again = arbiter.run("trade", "decide", trade)
    assert again["reasons"] == decided["reasons"]
    for party in (seller, buyer):
        told = party.run("trade", "reasons", trade)
        assert (told["finding"], told["decision"]["by"]) == ("as_registered", address)
        assert told["remark"] == "bytes and fingerprint are the registered ones"
    # The price, his own bond, and the buyer's less the arbiter's fee.
    assert int(seller.run("account", "show")["balance"]) - before == 20_000 + 500 + 500 - 300
    assert arbiter.run("account", "show")["balance"] == "300"
    assert not list((platform.data / "homes" / "arbiter" / "evidence").iterdir())
    told = buyer.run("account", "conduct", seller.run("account", "show")["address"])
    assert (told["sold"], told["disputes_won"], told["at_fault"]) == (1, 1, 0)
    # The data are the buyer's now, who has paid for them.
    assert buyer.run("trade", "receive", trade, "-o", str(tmp_path / "bought.jpg"))["verdict"] == "match"
    assert (tmp_path / "bought.jpg").read_bytes() == photo.read_bytes()


def test_nobody_decides_by_another_organisations_peer(tmp_path: Path, platform: Platform, arbiter: Trader) -> None:
    seller, buyer, trade, _ = agreed_sale(tmp_path, platform, 22)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    buyer.run("trade", "dispute", trade, "--reason", "undecryptable")
    buyer.run("trade", "open", trade)
    connection = str(platform.data / "connection" / "platform.json")
    refused = arbiter.run("trade", "decide", trade, "--connection", connection, status=3)
    assert refused["error"]["code"] == "not_permitted"
    refused = buyer.run(
        "trade", "decide", trade, "--connection", str(platform.data / "connection" / "supervisor.json"), status=3
    )
    assert refused["error"]["code"] == "wrong_actor"
