"""What everybody looks at when the day is over: his own things, other people's, and what is nobody's."""

import time

from countermark.client import account
from tests.secrets.story import Story


def look(story: Story) -> None:
    sold = story.goods["sold"]
    for person in (story.outsider, story.stranger, story.seller):
        for goods in story.goods.values():
            person.ask("GET", f"/v1/listings/{goods.listing}")
            person.ask("GET", f"/v1/listings/{goods.listing}/registration")
        for query in ("", "?state=any", f"?q={story.canaries.query}", f"?owner={story.buyer.address}"):
            person.ask("GET", f"/v1/listings{query}")
    for person in (story.outsider, story.buyer):
        for path in ("/v1/market", "/healthz", "/readyz", "/metrics", "/openapi.json"):
            person.ask("GET", path)
        registration = person.ask("GET", f"/v1/listings/{sold.listing}/registration").json()
        person.ask("GET", f"/v1/transactions/{registration['txid']}")
    for person in (story.seller, story.buyer, story.stranger):
        account.show(person.market)
        person.ask("GET", "/v1/trades")
        for trade in (sold.trade, story.goods["disputed"].trade, story.cancelled):
            for what in ("", "/payment"):
                person.ask("GET", f"/v1/trades/{trade}{what}")
    story.buyer.ask("GET", f"/v1/trades/{sold.trade}/package")
    disputed = story.goods["disputed"].trade
    for person in (story.seller, story.buyer):
        person.hear("/v1/events", lambda line: disputed in line and "trade.open" in line)
    for person in (story.stranger, story.seller, story.buyer, story.supervisor):
        for path in ("", f"/{story.claim}", f"/{story.claim}/evidence", f"/{story.claim}/decision"):
            person.ask("GET", f"/v1/claims{path}")
    _look_at_the_board(story)
    records = (f"trades/{sold.trade}", f"listings/{sold.listing}", f"claims/{story.claim}")
    for subject in (*records, f"accounts/{story.seller.address}", "probes"):
        assert story.supervisor.ask("GET", f"/v1/audit/{subject}").status_code == 200


def _look_at_the_board(story: Story) -> None:
    """Read the entries, and the proof of each once it stands under an anchor."""
    for person in (story.seller, story.buyer, story.stranger, story.supervisor):
        entries = person.ask("GET", "/v1/board").json()["items"]
        for entry in entries:
            path, give_up = f"/v1/board/{entry['seq']}/proof", time.monotonic() + 120
            while person.ask("GET", path).status_code == 404:
                # Each question takes a round trip: the worker anchors every few seconds.
                assert time.monotonic() < give_up, "the entry was never anchored"
            sizes = [person.ask("GET", path, params={"tree": tree}).json()["size"] for tree in ("first", "last")]
            grown = person.ask("GET", "/v1/board/consistency", params={"first": sizes[0], "second": sizes[1]})
            assert grown.status_code == 200
