"""Quick retrieval: a search reads the table's fingerprints in memory and never asks the ledger (R20)."""

import random
import time

import pytest

from countermark.fingerprint import Fingerprint
from countermark.fingerprint.codec import Segment
from countermark.fingerprint.image import CORNER_BYTES
from countermark.platform.matching.index import item_context
from countermark.platform.matching.search import SampleSearch
from countermark.platform.store import tables
from countermark.protocol import searches
from tests.support.pictures import crop, fingerprint, photo
from tests.support.platform import MARKET, World, sealed

LISTINGS = 1000
BOUND_S = 0.5
"""Processor time that one search among `LISTINGS` may take: our own figure, the paper gives none."""


def _fill(world: World) -> None:
    """Register as many unlike things as there are to be, straight into the gate's table."""
    source, pattern = (
        random.Random(20),
        fingerprint(photo("rocket")),
    )  # whose aspect, the first segment, must make sense
    rows = []
    for number in range(LISTINGS):
        unlike = (Segment(one.name, source.randbytes(len(one.payload))) for one in pattern.segments[1:-1])
        # The last, the corners, has fields that must make sense, too; somewhat other bits at the same places.
        local = bytearray(pattern.segments[-1].payload)
        for start in range(0, len(local), CORNER_BYTES):
            local[start + 6 : start + CORNER_BYTES] = source.randbytes(CORNER_BYTES - 6)
        address = f"dc1{number:04d}"
        item = Fingerprint(
            pattern.generator, (pattern.segments[0], *unlike, Segment("local", bytes(local)))
        ).to_bytes()
        context = item_context(address, 0, pattern.generator)
        rows.append(
            {
                "address": address,
                "item": 0,
                "generator": pattern.generator,
                "segments": world.box.seal(item, context=context),
            }
        )
    with world.database.begin() as connection:
        connection.execute(tables.item_fingerprints.insert(), rows)


@pytest.mark.requirement("R20")
def test_a_search_among_a_thousand_listings_is_quick_and_leaves_the_ledger_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    _fill(world)
    search = SampleSearch(world.inquiries())
    buyer = world.market.buyer
    sample = fingerprint(crop(photo("chelsea"), 0.02)).to_bytes()

    def ask() -> dict[str, object]:
        token = searches.sign_search(buyer.key, market=MARKET, fingerprint=sample, issued_at_ms=world.clock())
        return search.answer(sealed(token, "search"))

    def unreachable(*_: object, **__: object) -> None:
        raise AssertionError("a search asked the ledger")

    for name in ("evaluate", "prepare", "endorse", "submit"):
        monkeypatch.setattr(type(world.ledger), name, unreachable)
    ask()  # the first one fills the index
    started = time.process_time()
    ask()
    assert time.process_time() - started < BOUND_S
