"""Fingerprints that come before their application: whose they are, how many may wait, and when they go."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from countermark.fingerprint import Fingerprint
from countermark.platform.contracts.parts import (
    KEPT_MS,
    LEAST_BYTES,
    PartsMissingError,
    PartsRetentionJob,
    object_name,
)
from countermark.platform.contracts.registration import Registered
from countermark.platform.store import tables
from countermark.protocol import canonical, parts
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.market import Actor, refused
from tests.support.pictures import NAMES, fingerprint, photo
from tests.support.platform import World, application, part, sealed

Change = Callable[[dict[str, Any]], None]


def items() -> list[Fingerprint]:
    return [fingerprint(photo(name)) for name in NAMES]


def send(world: World, who: Actor, *groups: Sequence[Fingerprint]) -> list[str]:
    """Send each of `groups` as a part of `who`'s, and return their digests."""
    digests = []
    for group in groups:
        name, message = part([item.to_bytes() for item in group])
        assert world.parts.keep(who.address, name, message).fresh
        digests.append(name)
    return digests


def named(digests: Sequence[str]) -> Change:
    """The application's fingerprints stand in parts."""

    def change(document: dict[str, Any]) -> None:
        del document["items"]
        document["parts"] = list(digests)

    return change


def apply(world: World, who: Actor, digests: Sequence[str], of: Sequence[Fingerprint]) -> Registered:
    return world.register(who, *of, change=named(digests))


def waiting(world: World) -> list[str]:
    return sorted(row.digest for row in world.rows(tables.fingerprint_parts))


def retain(world: World) -> int:
    return PartsRetentionJob(world.database, objects=world.objects, clock=world.clock).run_once()


def test_parts_in_their_order_are_the_application_s_items(world: World) -> None:
    seller, pictures = world.market.seller, items()
    digests = send(world, seller, pictures[:3], pictures[3:])
    registered = apply(world, seller, digests, pictures)
    rows = [row for row in world.rows(tables.item_fingerprints) if row.address == registered.address]
    assert sorted(row.item for row in rows) == [0, 1, 2, 3]


def test_parts_go_when_their_application_was_decided_on_and_the_same_again_is_answered(world: World) -> None:
    seller, pictures = world.market.seller, items()
    digests = send(world, seller, pictures)
    message = application(seller, *pictures, now_ms=world.clock(), change=named(digests))
    first = world.registration().register(message)
    assert retain(world) == 1
    assert (waiting(world), world.objects.size(object_name(seller.address, digests[0]))) == ([], 0)
    assert world.registration().register(message).address == first.address


def test_a_refused_application_leaves_no_parts_behind(world: World) -> None:
    pictures = items()
    world.register(world.market.seller, *pictures)
    digests = send(world, world.market.stranger, pictures)
    with refused(ErrorCode.SIMILAR_REGISTERED):
        apply(world, world.market.stranger, digests, pictures)
    assert retain(world) == 1


def test_an_application_whose_parts_are_missing_says_which_and_comes_again(world: World) -> None:
    seller, pictures = world.market.seller, items()
    lost, message = part([pictures[3].to_bytes()])
    digests = [*send(world, seller, pictures[:3]), lost]
    with pytest.raises(PartsMissingError) as missing:
        apply(world, seller, digests, pictures)
    assert (missing.value.code, missing.value.missing) == (ErrorCode.PARTS_MISSING, (lost,))
    world.parts.keep(seller.address, lost, message)
    assert apply(world, seller, digests, pictures).address


def test_a_part_whose_object_has_vanished_is_missing(world: World) -> None:
    seller, pictures = world.market.seller, items()
    (name,) = send(world, seller, pictures)
    world.objects.delete(object_name(seller.address, name))
    with pytest.raises(PartsMissingError) as missing:
        apply(world, seller, [name], pictures)
    assert missing.value.missing == (name,)


def test_parts_that_went_with_a_decision_while_a_copy_came_are_not_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gateway's process decides between this one's first look and the opening of the parts."""
    seller, pictures = world.market.seller, items()
    digests = send(world, seller, pictures)
    message = application(seller, *pictures, now_ms=world.clock(), change=named(digests))
    store = world.parts_with()
    late = world.registration(parts=store)
    first: list[Registered] = []
    monkeypatch.setattr(store, "_read", None)  # nothing is opened here

    def gone(account: str, digests: Sequence[str]) -> Any:
        first.append(world.registration().register(message))
        raise PartsMissingError(digests)

    monkeypatch.setattr(store, "open", gone)
    assert late.register(message).address == first[0].address


def test_a_part_of_another_account_is_no_part(world: World) -> None:
    pictures = items()
    (name,) = send(world, world.market.stranger, pictures)
    with refused(ErrorCode.PARTS_MISSING):
        apply(world, world.market.seller, [name], pictures)
    with refused(ErrorCode.NOT_FOUND):
        world.parts.find(world.market.seller.address, name)
    assert world.parts.find(world.market.stranger.address, name).digest == name


def _both(document: dict[str, Any]) -> None:
    document["parts"] = [digest(b"a part")]


def _neither(document: dict[str, Any]) -> None:
    del document["items"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_both, id="items and parts"),
        pytest.param(_neither, id="neither"),
        pytest.param(named([]), id="no part"),
        pytest.param(named([digest(b"a part")] * 2), id="the same part twice"),
        pytest.param(named(["sha256:a part"]), id="no digest"),
        pytest.param(named([digest(b"%d" % number) for number in range(parts.MAX_PARTS + 1)]), id="too many parts"),
    ],
)
def test_an_application_that_does_not_say_where_its_items_are_is_refused(world: World, change: Change) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        world.register(world.market.seller, *items(), change=change)


def test_parts_in_another_order_do_not_give_the_committed_root(world: World) -> None:
    seller, pictures = world.market.seller, items()
    digests = send(world, seller, pictures[:2], pictures[2:])
    with refused(ErrorCode.COMMITMENT_MISMATCH):
        apply(world, seller, digests[::-1], pictures)
    assert waiting(world) == sorted(digests)


def test_more_items_than_the_application_commits_to_are_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, pictures = world.market.seller, items()
    digests = send(world, seller, pictures[:1], pictures * 2, pictures)
    opened = []
    parse = parts.parse
    monkeypatch.setattr(parts, "parse", lambda plaintext: opened.append(1) or parse(plaintext))
    with refused(ErrorCode.TOO_MANY_ITEMS):
        apply(world, seller, digests, pictures[:1])
    # At most three fingerprints of one item by two generators and a summary: the last part stays closed.
    assert len(opened) == 2


def test_a_fingerprint_longer_than_the_market_s_limit_is_refused(world: World) -> None:
    seller, pictures = world.market.seller, items()
    long = b"f" * (world.market.config["limits"]["fingerprint_bytes"] + 1)
    name, message = part([long])
    world.parts.keep(seller.address, name, message)
    with refused(ErrorCode.TOO_LARGE):
        apply(world, seller, [name], pictures[:1])


# What may be sent


def _as_part(document: object) -> tuple[str, dict[str, Any]]:
    message = sealed(document, parts.KIND)
    return parts.digest_of(message), message


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param({"items": []}, ErrorCode.MALFORMED_REQUEST, id="nothing"),
        pytest.param({"items": [b64u(b"x")] * 257}, ErrorCode.MALFORMED_REQUEST, id="too many"),
        pytest.param({"items": ["!"]}, ErrorCode.MALFORMED_REQUEST, id="not base64url"),
        pytest.param({"items": [b64u(b"x")], "more": 1}, ErrorCode.MALFORMED_REQUEST, id="another member"),
        pytest.param('{"items": ["eA"]}', ErrorCode.MALFORMED_REQUEST, id="not canonical"),
        pytest.param('{"items":["eA"', ErrorCode.MALFORMED_REQUEST, id="cut off"),
        pytest.param({"items": [b64u(b"x" * 24_000)] * 128}, ErrorCode.TOO_LARGE, id="too long"),
    ],
)
def test_what_is_no_part_is_refused_before_it_is_kept(world: World, document: object, code: ErrorCode) -> None:
    name, message = _as_part(document)
    with refused(code):
        world.parts.keep(world.market.seller.address, name, message)
    assert waiting(world) == []


def test_a_message_of_another_kind_or_for_nobody_or_with_another_digest_is_no_part(world: World) -> None:
    seller = world.market.seller.address
    name, message = part([b"x"])
    listing = sealed({"items": [b64u(b"x")]}, "listing")
    broken = {**message, "ciphertext": message["ciphertext"][:-4] + "AAAA"}
    for digest_, sent, code in (
        (parts.digest_of(listing), listing, ErrorCode.SEALED_MALFORMED),
        (parts.digest_of(broken), broken, ErrorCode.SEALED_UNDECRYPTABLE),
        (digest(b"another"), message, ErrorCode.MALFORMED_REQUEST),
    ):
        with refused(code):
            world.parts.keep(seller, digest_, sent)
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        world.parts.keep("did:key:zDnaNobody", name, message)
    assert waiting(world) == []


def test_a_part_sent_again_is_kept_once_and_a_day_longer(world: World) -> None:
    seller = world.market.seller.address
    name, message = part([b"x"])
    first = world.parts.keep(seller, name, message)
    world.wait(3600)
    again = world.parts.keep(seller, name, message)
    assert (first.fresh, again.fresh, again.until_ms - first.until_ms) == (True, False, 3_600_000)
    assert waiting(world) == [name]


def test_an_upload_that_died_before_it_was_whole_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = world.market.seller.address
    name, message = part([b"x"])

    def die(*_: object) -> None:
        raise MarketError(ErrorCode.STORE_UNAVAILABLE, "the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("countermark.platform.contracts.parts.keep", die)
        with refused(ErrorCode.STORE_UNAVAILABLE):
            world.parts.keep(seller, name, message)
    with refused(ErrorCode.NOT_FOUND):
        world.parts.find(seller, name)
    assert world.parts.keep(seller, name, message).fresh
    assert world.parts.find(seller, name).size == len(canonical.dumps(message))


def test_one_account_fills_its_own_quota_and_nobody_else_s(world: World) -> None:
    store = world.parts_with(most_bytes=2 * LEAST_BYTES)
    seller, stranger = world.market.seller.address, world.market.stranger.address
    sent = [part([b"%d" % number]) for number in range(3)]
    for name, message in sent[:2]:
        store.keep(seller, name, message)
    with refused(ErrorCode.RATE_LIMITED):
        store.keep(seller, *sent[2])
    assert store.keep(stranger, *sent[2]).fresh
    # One that is here already takes no more room.
    assert not store.keep(seller, *sent[0]).fresh


def test_what_no_application_took_in_a_day_goes_and_makes_room(world: World) -> None:
    seller = world.market.seller.address
    store = world.parts_with(most_bytes=LEAST_BYTES)
    (first, message), second = part([b"1"]), part([b"2"])
    store.keep(seller, first, message)
    world.wait(KEPT_MS / 1000 - 1)
    assert retain(world) == 0
    world.wait(1)
    assert retain(world) == 1
    assert world.objects.size(object_name(seller, first)) == 0
    assert store.keep(seller, *second).fresh


def test_a_part_that_is_sent_again_while_its_time_is_over_stays(world: World) -> None:
    seller = world.market.seller.address
    name, message = part([b"x"])
    world.parts.keep(seller, name, message)
    world.wait(KEPT_MS / 1000)
    job = PartsRetentionJob(world.database, objects=world.objects, clock=world.clock)
    (row,) = job.find()
    world.parts.keep(seller, name, message)
    assert not job.handle(row)
    assert world.parts.find(seller, name).digest == name
