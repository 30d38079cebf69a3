"""An old generator and a new one side by side: neither chaincode nor interface changes, and no gate is stranded."""

from collections.abc import Sequence
from typing import BinaryIO

import pytest
from PIL import Image, ImageOps

from countermark.client import account, listings, searches
from countermark.client.errors import ClientError
from countermark.fingerprint import Comparison, Fingerprint, Index, Segment, registry
from countermark.fingerprint.index.candidates import Exhaustive
from countermark.fingerprint.registry import Generator, Layout, SegmentRule
from countermark.protocol import canonical
from countermark.protocol.encoding import digest
from tests.support.front import Front, Trader
from tests.support.pictures import jpeg, photo

NEW = "image/v2"
TERMS, WORDS = listings.Terms(100, {}), listings.Words()


class Negatives:
    """A newer generator, which does what the older does not: it knows a picture by its negative, and nothing else."""

    def compute(self, source: BinaryIO, /) -> Fingerprint:
        with Image.open(source) as opened:
            small = ImageOps.invert(opened.convert("L")).resize((8, 8))
        return Fingerprint(NEW, (Segment("negative", small.tobytes()),))

    def compare_many(self, query: Fingerprint, references: Sequence[Fingerprint], /) -> list[Comparison]:
        return [self._compare(query.segment("negative"), one.segment("negative")) for one in references]

    def index(self) -> Index:
        return Exhaustive()

    def _compare(self, one: bytes, other: bytes) -> Comparison:
        apart = max(abs(255 - a - b) for a, b in zip(one, other, strict=True))
        return Comparison("match" if apart < 24 else "different", 1 - apart / 255, (), NEW, f"{NEW}+1")


@pytest.fixture(autouse=True)
def _newer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_generators", dict(registry._generators))
    registry.register(Generator(NEW, Layout((SegmentRule("negative", 64, 64),)), Negatives))


def _adopt(front: Front) -> None:
    """Have the market accept and prefer the newer one, and require the older one still."""
    market = front.world.market
    generators = {"accepted": [NEW, "image/v1", "image/paper-v0"], "preferred": NEW, "required": ["image/v1"]}
    config = {**market.config, "version": 2, "generators": generators}
    proposed = digest(canonical.dumps(config))
    market.ask(market.platform, "market.propose", {"config": config})
    for who in (market.supervisor, market.stranger):
        market.ask(who, "market.approve", {"version": 2, "digest": proposed}, unit="admin")
    market.expire(config["change_delay"])
    market.backend.submit(market.stranger.msp, "market.enforce", "2", proposed)
    market.config = config


def _offer(who: Trader, name: str, picture: Image.Image) -> str:
    path = who.folder / f"{name}.jpg"
    path.write_bytes(jpeg(picture))
    return str(listings.create(who.market, who.vault, path, TERMS, WORDS).result["id"])


@pytest.mark.requirement("R62")
def test_a_newer_generator_is_adopted_by_a_vote_and_the_older_rows_are_still_found(front: Front) -> None:
    early, late, thief = front.trader("seller"), front.trader("buyer"), front.trader("stranger")
    for who in (early, late, thief):
        account.fund(who.market, "1000", f"deposit-{who.address[-6:]}")
    old = _offer(early, "old", photo("chelsea"))
    _adopt(front)
    late, thief = front.trader("buyer"), front.trader("stranger")
    new = _offer(late, "new", photo("rocket"))
    shown = searches.show(late.market, new)
    assert shown["generator"] == NEW
    assert shown["description"]["generators"] == ["image/v1", NEW]
    assert searches.show(early.market, old)["generator"] == "image/v1"

    # By the older one rows of both times are found, by the newer one what it alone knows: the strictest counts.
    for name, copy in (
        ("by-old", photo("chelsea").rotate(3)),
        ("by-both", photo("rocket").rotate(3)),
        ("by-new", ImageOps.invert(photo("rocket").convert("RGB"))),
    ):
        with pytest.raises(ClientError) as caught:
            _offer(thief, name, copy)
        assert caught.value.code == "similar_registered", name
