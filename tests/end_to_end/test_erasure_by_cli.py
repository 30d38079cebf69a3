"""Legal hold and erasure through the command line: the supervisor by his own peer, the owner by the gateway."""

from pathlib import Path

import pytest

from tests.end_to_end.test_trade_by_cli import opened
from tests.support.photographs import photograph
from tests.support.whole_platform import Platform, Trader


@pytest.fixture(scope="module")
def supervisor(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Trader:
    """The supervisor, at the home that `countermark up` has made for him, with his account open."""
    own = {
        "COUNTERMARK_HOME": str(platform.data / "homes" / "supervisor"),
        "COUNTERMARK_PASSPHRASE_FILE": str(platform.data / "passphrase"),
        "COUNTERMARK_CONNECTION": str(platform.data / "connection" / "supervisor.json"),
    }
    person = Trader(tmp_path_factory.mktemp("supervisor"), platform, own)
    person.run("account", "open")
    return person


@pytest.mark.requirement("R18", "R15")
def test_a_held_listing_is_erased_when_it_is_released_and_no_file_of_the_platform_has_its_words(
    tmp_path: Path, platform: Platform, supervisor: Trader
) -> None:
    seller, other = opened(tmp_path, "seller", platform, "5000"), opened(tmp_path, "other", platform, "5000")
    photo, words = photograph(tmp_path / "photo.jpg", 31), "canary-of-the-title-31"
    listing = seller.run("listing", "create", str(photo), "--price", "20000", "--title", words)["listing"]
    assert supervisor.run("listing", "hold", listing, "--dry-run")["dry_run"]
    assert supervisor.run("listing", "hold", listing)["state"] == "LISTED"
    assert seller.run("listing", "show", listing)["held"]
    seller.run("listing", "withdraw", listing)
    assert seller.run("listing", "erase", listing, status=3)["error"]["code"] == "legal_hold"
    supervisor.run("listing", "release", listing)
    assert other.run("listing", "erase", listing, status=3)["error"]["code"] == "wrong_actor"
    assert seller.run("listing", "erase", listing)["state"] == "WITHDRAWN"
    shown = other.run("listing", "show", listing)
    assert (shown["erased"], shown["held"], shown["description"]) == (True, False, None)
    assert seller.run("listing", "relist", listing, "--price", "1", status=3)["error"]["code"] == "not_for_sale"
    # The same bytes are the owner's to register anew, and nobody else's.
    taken = other.run("listing", "create", str(photo), "--price", "20000", status=3)["error"]["code"]
    assert taken in ("already_registered", "similar_registered")
    kept = [path for folder in ("network", "objects", "gateway") for path in (platform.data / folder).rglob("*")]
    assert [path for path in kept if path.is_file() and words.encode() in path.read_bytes()] == []
    assert seller.run("listing", "create", str(photo), "--price", "20000")["state"] == "LISTED"


def test_nobody_else_orders_a_hold(tmp_path: Path, platform: Platform, supervisor: Trader) -> None:
    seller = opened(tmp_path, "seller", platform, "5000")
    photo = photograph(tmp_path / "photo.jpg", 32)
    listing = seller.run("listing", "create", str(photo), "--price", "20000")["listing"]
    connection = platform.data / "connection"
    refused = supervisor.run("listing", "hold", listing, "--connection", str(connection / "platform.json"), status=3)
    assert refused["error"]["code"] == "not_permitted"
    refused = seller.run("listing", "hold", listing, "--connection", str(connection / "supervisor.json"), status=3)
    assert refused["error"]["code"] == "wrong_actor"
    assert not seller.run("listing", "show", listing)["held"]
