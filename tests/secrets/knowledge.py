"""What each party gets to see in a day, opened with the keys that he has."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from io import BytesIO
from itertools import chain

from countermark.client.keystore import Keys
from countermark.gateway.keys import load
from countermark.platform.contracts.deposit import KIND as DEPOSIT
from countermark.platform.contracts.items import read_items
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import select
from countermark.protocol import canonical
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import MarketError
from countermark.protocol.packages import PackageHeader, open_package
from countermark.protocol.sealed import EncryptionKey, open_sealed
from tests.secrets import places, public, sought
from tests.secrets.parties import Exchange, Person
from tests.secrets.rules import ERASED
from tests.secrets.story import Story

Known = Iterator[bytes]


def platform(story: Story) -> Known:
    """Yield its tables, opened; what was sealed to it; what passes through its gateway; its peer's ledger."""
    yield from kept_by_platform(story)
    for one in story.exchanges:
        yield one.sent
        yield one.headers + one.body
        yield from (plaintext for _, plaintext in sought.opened(story, one))


def kept_by_platform(story: Story) -> Known:
    """Yield what the platform still has: tables and objects, opened as far as it can, and its peer's ledger."""
    yield from _contents(places.cells(story))
    yield from _opened_columns(story)
    yield from _objects(story)
    yield from _contents(places.replica(story, "platform"))


def supervisor(story: Story) -> Known:
    """Yield his peer's ledger, the openings that it answers him, what the platform deposits for him, his answers."""
    keys = story.data.role_keys("supervisor")
    yield from _contents(places.replica(story, "supervisor"))
    for name, goods in story.goods.items():
        opening = places.opening(story, "supervisor", goods.listing, keys.current_encryption[1])
        assert (opening is None) is (name == ERASED)
        yield opening or b""
    for path in sorted((story.data.objects / "fingerprints").iterdir()):
        deposit = canonical.loads(_open(story, keys, DEPOSIT, path.read_bytes()))
        yield from map(unb64u, deposit["items"])
    yield from _answers(story.of(story.supervisor))


def arbiter(story: Story) -> Known:
    """Yield the data that he can read with the one-time keys that were sealed to him."""
    keys = story.data.role_keys("arbiter")
    for path in sorted((story.data.objects / "openings").glob("*/*")):
        try:
            opening = canonical.loads(_open(story, keys, "opening", path.read_bytes()))
        except MarketError:
            continue  # The substitute's.
        yield _data(story, path.parent.name, EncryptionKey.from_bytes(unb64u(opening["key"])))


def organisation(story: Story) -> Known:
    """Yield the ledger of another organisation's peer, and what this gives it besides."""
    keys = story.data.role_keys("supervisor")
    yield from _contents(places.replica(story, "trader"))
    for goods in story.goods.values():
        assert places.opening(story, "trader", goods.listing, keys.current_encryption[1]) is None


def own_gateway(story: Story) -> Known:
    """Yield what passes through the gateway over which seller and buyer trade."""
    yield from _passing(story, story.seller, story.buyer)
    yield from _objects(story)


def other_gateway(story: Story) -> Known:
    """Yield what passes through a gateway whose traders have no part in the trades."""
    yield from _passing(story, story.stranger)


def member_gateway(story: Story) -> Known:
    """Yield all that a member's gateway has: what passes through it, its files, logs and tables, opened."""
    yield from story.visit


def outsider(story: Story) -> Known:
    """Yield what somebody without an account is answered."""
    yield from _answers(story.of(story.outsider))


def buyer(story: Story) -> Known:
    """Yield the data that the buyer opens with his one-time keys, and the answer to his search."""
    for goods in story.goods.values():
        if goods.trade:
            yield _data(story, goods.trade, story.one_time[goods.trade])
    yield public.search_answer(story)


HOLDERS: Mapping[str, Callable[[Story], Known]] = {
    "platform": platform,
    "supervisor": supervisor,
    "arbiter": arbiter,
    "organisation": organisation,
    "own gateway": own_gateway,
    "other gateway": other_gateway,
    "member's gateway": member_gateway,
    "outsider": outsider,
    "buyer": buyer,
}


def _contents(some: Iterator[places.Place]) -> Known:
    return (content for _, content in some)


def _objects(story: Story) -> Known:
    return (path.read_bytes() for path in sorted(story.data.objects.rglob("*")) if path.is_file())


def _answers(exchanges: Iterator[Exchange]) -> Known:
    return (one.headers + b"\n" + one.body for one in exchanges)


def _passing(story: Story, *traders: Person) -> Known:
    for one in chain.from_iterable(map(story.of, traders)):
        # What somebody has guessed and was refused is no knowledge.
        if one.status < 400:
            yield one.sent
        yield one.headers + b"\n" + one.body


def _opened_columns(story: Story) -> Known:
    box = SecretBox({1: load(story.data.gateway / "keys.json").table}, 1)
    columns = PrivateColumns(box)
    opened = places.database(story)
    with closing(opened), opened.begin() as connection:
        for row in connection.execute(select(tables.data_contracts)).all():
            if row.fingerprint is not None:
                yield columns.opening(row).to_json()
                yield columns.salt_d(row)
            yield from read_items(connection, box, row.address)
        for row in connection.execute(select(tables.board)).all():
            yield box.open(row.body, context=f"board/{row.seq}")


def _open(story: Story, keys: Keys, kind: str, message: bytes) -> bytes:
    return open_sealed(keys.encryption, canonical.loads(message), kind=kind, market=story.market)


def _data(story: Story, trade: str, key: EncryptionKey) -> bytes:
    """Return what a one-time key opens: the data of its trade."""
    shown, data = story.buyer.trade(trade), BytesIO()
    header = PackageHeader(trade, shown["buyer"], shown["seller"], shown["listing"])
    source = BytesIO(sought.package(story, trade))
    open_package(source, data, header=header, root=shown["package"]["root"], key=key)
    return data.getvalue()
