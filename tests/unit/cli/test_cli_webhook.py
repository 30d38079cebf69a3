"""`countermark webhook`: registering, listing and removing from the command line."""

from collections.abc import Callable

from tests.unit.cli.conftest import Party

Make = Callable[[str], Party]


def test_webhook_is_added_listed_and_removed(party: Make) -> None:
    trader = party("trader")
    url = "https://example.com/told"
    added = trader("webhook", "add", url, "--json")
    assert (added.status, added.json["url"], added.json["state"]) == (0, url, "ACTIVE")
    identifier = added.json["id"]
    assert trader("webhook", "add", url).first == identifier
    assert [hook["id"] for hook in trader("webhook", "list", "--json").json["items"]] == [identifier]
    assert trader("webhook", "list").out.split() == [identifier, "ACTIVE", url]
    assert trader("webhook", "remove", identifier).first == identifier
    assert trader("webhook", "list", "--json").json == {"items": []}
    again = trader("webhook", "remove", identifier, "--json")
    assert (again.status, again.json["error"]["code"]) == (3, "not_found")


def test_dry_run_changes_nothing(party: Make) -> None:
    trader = party("trader")
    assert trader("webhook", "add", "https://example.com/", "--dry-run").status == 0
    assert trader("webhook", "list", "--json").json == {"items": []}
    identifier = trader("webhook", "add", "https://example.com/", "--json").json["id"]
    assert trader("webhook", "remove", identifier, "--dry-run").status == 0
    assert len(trader("webhook", "list", "--json").json["items"]) == 1


def test_address_within_is_refused(party: Make) -> None:
    trader = party("trader")
    refusal = trader("webhook", "add", "https://169.254.169.254/", "--json")
    assert (refusal.status, refusal.json["error"]["code"]) == (3, "malformed_request")
    assert trader("webhook", "remove", "a/b", "--json").status == 3
