"""Applications for collections: what of them must fit together, and what the gate records."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from countermark.fingerprint import Fingerprint, compute
from countermark.fingerprint.collection.summary import summary_of
from countermark.platform.contracts.deposit import DepositJob, object_name
from countermark.platform.matching.findings import open_findings
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.protocol import canonical
from countermark.protocol.description import Description, parse_description
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.support.market import config_json
from tests.support.pictures import crop, fingerprint, noise, photo
from tests.support.platform import MARKET, World, application


def binary(seed: int) -> Fingerprint:
    noise = b"".join(hashlib.sha256(b"%d %d" % (seed, n)).digest() for n in range(64))
    return compute(io.BytesIO(noise), "bytes/v1")


def collection(*items: Fingerprint, empty: int = 0, **counts: int) -> tuple[Fingerprint, ...]:
    """The fingerprints of a collection of `items`; `counts` have its summary say something else."""
    files = [(item.kind, [item.to_bytes()]) for item in items] + [("empty", [])] * empty
    for kind, more in counts.items():
        files += [(kind, [b"%d" % n]) for n in range(more)]
    return tuple(sorted((*items, summary_of(files)), key=lambda item: item.generator))


def refused(world: World, *items: Fingerprint, **changes: Any) -> ErrorCode:
    with pytest.raises(MarketError) as caught:
        world.registration().register(application(world.market.seller, *items, now_ms=world.clock(), **changes))
    return caught.value.code


PHOTO, BYTES = fingerprint(photo("chelsea")), binary(1)


def test_a_collection_of_several_kinds_is_registered(world: World) -> None:
    items = collection(PHOTO, fingerprint(photo("rocket")), BYTES, empty=1)
    registered = world.register(world.market.seller, *items, named="collection/v1", count=4)
    assert world.market.listing(registered.address)["items"] == 4
    assert len(world.rows(tables.item_fingerprints)) == 4


def test_of_things_by_themselves_none_is_of_another_kind(world: World) -> None:
    code = refused(world, BYTES, PHOTO, named="image/v1", count=2)
    assert code is ErrorCode.FINGERPRINT_MALFORMED


@pytest.mark.parametrize(
    ("items", "count"),
    [
        (collection(PHOTO, BYTES, bytes=1), 3),
        (collection(PHOTO, BYTES, text=1), 3),
        ((*collection(PHOTO, BYTES)[:1], *collection(BYTES)[1:], PHOTO), 2),
    ],
    ids=["a fingerprint is missing", "one of another kind is missing", "one too many"],
)
def test_a_summary_and_the_fingerprints_count_the_same_files(
    world: World, items: tuple[Fingerprint, ...], count: int
) -> None:
    assert refused(world, *items, named="collection/v1", count=count) is ErrorCode.FINGERPRINT_MALFORMED


def test_a_collection_has_one_summary(world: World) -> None:
    items = collection(PHOTO)
    assert refused(world, items[0], *items, named="collection/v1", count=2) is ErrorCode.FINGERPRINT_MALFORMED


def test_description_and_fingerprints_count_the_same_files(world: World) -> None:
    items = collection(PHOTO, BYTES)
    assert refused(world, *items, named="collection/v1", count=3) is ErrorCode.COMMITMENT_MISMATCH


@pytest.mark.parametrize("generators", [(), ("image/v1",), ("bytes/v1", "image/v1")])
def test_a_description_names_the_generators_of_the_fingerprints(world: World, generators: tuple[str, ...]) -> None:
    items = collection(PHOTO)
    code = refused(world, *items, named="collection/v1", count=1, generators=generators)
    assert code is ErrorCode.DESCRIPTION_MALFORMED


@pytest.mark.parametrize("generators", [["image/v1", "bytes/v1"], ["image/v1", "image/v1"], [], "image/v1", [1]])
def test_generators_of_a_description_stand_sorted_each_once(generators: object) -> None:
    document = {**Description("image/jpeg", 1, 1000).to_json(), "generators": generators}
    with pytest.raises(MarketError) as caught:
        parse_description(document)
    assert caught.value.code in (ErrorCode.DESCRIPTION_MALFORMED, ErrorCode.MALFORMED_REQUEST)


@pytest.mark.requirement("A-09", "A-43")
def test_how_much_of_whose_is_at_hand_is_recorded_sealed_and_not_told(world: World) -> None:
    victim = world.register(world.market.seller, PHOTO).address
    copy = fingerprint(noise(crop(photo("chelsea"), 0.03), 8))
    others = [binary(number) for number in range(2, 6)]
    with pytest.raises(MarketError) as caught:
        world.register(
            world.market.stranger, *collection(copy, *others), named="collection/v1", count=5, data=b"stolen"
        )
    assert caught.value.code is ErrorCode.SIMILAR_REGISTERED
    row = next(row for row in world.rows(tables.registrations) if row.seller == world.market.stranger.address)
    assert caught.value.detail == f"case {row.case_number}"
    assert victim.encode() not in bytes(row.matched)
    findings = open_findings(world.box, row.case_number, row.matched)
    assert findings.matched == (victim,)
    (share,) = findings.shares
    assert (share.address, share.owner, share.mine, share.items) == (victim, world.market.seller.address, 1, 1)
    assert row.of_others == 1


@pytest.mark.requirement("A-09")
def test_the_supervisor_is_told_how_much_of_whose_a_registered_set_holds(database: Database, tmp_path: Path) -> None:
    limits = {**config_json()["limits"], "items": 100}
    world = World(database, tmp_path, {"limits": limits})
    victim = world.register(world.market.seller, *map(binary, range(100, 125)), data=b"victim").address
    items = [binary(number) for number in range(100, 101)] + [binary(number) for number in range(200, 230)]
    made = world.register(world.market.stranger, *items, data=b"mixed").address
    job = DepositJob(world.database, objects=world.objects, box=world.box, market=MARKET, clock=world.clock)
    assert job.run_once() == 2
    sealed = canonical.loads(b"".join(world.objects.read(object_name(made))))
    supervisor = {1: world.market.supervisor.encryption}
    document = canonical.loads(open_sealed(supervisor, sealed, kind="fingerprints", market=MARKET))
    assert document["shares"] == [
        {"items": 25, "listing": victim, "mine": 1, "owner": world.market.seller.address},
    ]


def test_a_case_of_before_there_were_shares_is_still_read(world: World) -> None:
    sealed = world.box.seal(canonical.dumps(["dc1a"]), context="registrations/case-1/matched")
    findings = open_findings(world.box, "case-1", sealed)
    assert (findings.matched, findings.shares) == (("dc1a",), ())
