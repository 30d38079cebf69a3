"""What some may learn and others not: commitments, addresses, prices, trades, digests, by name like secrets."""

import json
from hashlib import sha256

from countermark.protocol import canonical
from countermark.protocol.encoding import undigest
from countermark.protocol.sealed import open_sealed
from tests.secrets.needles import PIECE
from tests.secrets.sought import Secrets, opened, payload
from tests.secrets.story import Story


def everything(story: Story) -> Secrets:
    """Return what is told apart besides the secrets."""
    # Its beginning alone: the addresses in it are public.
    answer = search_answer(story)[:PIECE]
    found = {"answer to the search": [answer]}
    for person in (story.seller, story.buyer):
        found[f"address of the {person.name}"] = [person.address.encode()]
    found["that a trade was settled"] = [b'"state":"SETTLED"', b'"state": "SETTLED"']
    return {**found, **_contracts(story), **_trades(story), **_notices(story)}


def search_answer(story: Story) -> bytes:
    """Return what the buyer's search was answered, opened with his key."""
    (answered,) = (one for one in story.of(story.buyer) if one.path == "/v1/searches" and one.status == 200)
    message = json.loads(answered.body)["sealed"]
    return open_sealed(story.buyer.keys.encryption, message, kind="search-answer", market=story.market)


def _contracts(story: Story) -> Secrets:
    found = {}
    for name, goods in story.goods.items():
        shown = story.seller.http.get(f"/v1/listings/{goods.listing}")
        price = shown["offer"]["price"]
        found |= {
            f"address of {name}": [goods.listing.encode()],
            f"price of {name}": [f'"price":"{price}"'.encode(), f'"price": "{price}"'.encode()],
            f"c_f of {name}": [undigest(shown["c_f"])],
            f"c_d of {name}": [undigest(shown["c_d"])],
        }
    return found


def _trades(story: Story) -> Secrets:
    found = {}
    for name, goods in story.goods.items():
        if goods.trade:
            shown = story.buyer.trade(goods.trade)
            found |= {
                f"trade of {name}": [goods.trade.encode()],
                f"times of the trade of {name}": [step["time"].encode() for step in shown["history"]],
                f"transactions of the trade of {name}": [step["txid"].encode() for step in shown["history"]],
            }
    return found


def _notices(story: Story) -> Secrets:
    found = {}
    for one in story.exchanges:
        for kind, plaintext in opened(story, one):
            if kind == "notice":
                notice = payload(plaintext)
                name = f"digest of the notice of the {notice['role']} of {story.name_of(notice['trade'])}"
                found[name] = [sha256(canonical.dumps(notice)).digest()]
    return found
