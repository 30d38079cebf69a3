"""Where the platform and the organisations keep things: every place as a name and the bytes that lie there."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from countermark.network.client import ConnectionProfile, EvaluateError, GatewayClient
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres.location import locate
from countermark.platform.store.sql import select, text
from countermark.platform.store.tables import metadata
from countermark.protocol import canonical
from countermark.protocol.sealed import EncryptionKey, open_sealed
from tests.secrets.story import Story
from tests.support.private_delivery import delivered_private_data

ORGANISATIONS = ("platform", "supervisor", "trader")
Place = tuple[str, bytes]

FAMILIES = (
    "account",
    "coin",
    "deposit",
    "redemption",
    "listing",
    "trade",
    "claim",
    "intent",
    "market/version",
    "exact",
    "spent",
)
"""Prefixes of the keys of the world state, all but those that have one key each."""

CHANGING = ("account", "claim", "listing", "trade")
"""Families whose records change, so that each has a history."""

_OTHERS = ("homes/", "passphrase", "postgres/")
"""What in the data folder is another party's home, or is looked at as the database's files."""


def database(story: Story) -> Database:
    """Return the platform's database."""
    return Database((story.data.path / "database-url").read_text().strip())


def cells(story: Story) -> Iterator[Place]:
    """Yield what each column of each of the platform's tables holds, all rows together."""
    with closing(database(story)) as opened:
        yield from cells_of(opened)


def cells_of(opened: Database) -> Iterator[Place]:
    """Yield what each column of each table holds, all rows together."""
    with opened.begin() as connection:
        names = set(connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars())
        assert names == {*metadata.tables, "alembic_version"}, "no table is left out"
        for table in metadata.tables.values():
            for column in table.columns:
                values = connection.execute(select(column).where(column.is_not(None))).scalars()
                content = b"\n".join(_bytes(value) for value in values)
                yield f"database/{table.name}.{column.name}", content


def _bytes(value: Any) -> bytes:
    if isinstance(value, list):
        return b"\n".join(map(_bytes, value))
    if isinstance(value, dict):
        return canonical.dumps(value)
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def database_files(story: Story) -> Iterator[Place]:
    """Yield PostgreSQL's own files: tables with their dead rows, indexes, the write-ahead log, its log."""
    opened = database(story)
    with closing(opened), opened.begin() as connection:
        connection.execute(text("CHECKPOINT"))
    location = locate(story.data.postgres)
    for path in sorted(location.folder.rglob("*")):
        if path.is_file():
            yield f"postgres/{path.relative_to(location.folder)}", path.read_bytes()


def files(story: Story) -> Iterator[Place]:
    """Yield the files of the data folder: logs, objects, the gateway's, the embedded peer's."""
    for path in sorted(story.data.path.rglob("*")):
        name = str(path.relative_to(story.data.path))
        if path.is_file() and not name.startswith(_OTHERS):
            yield name, path.read_bytes()
    said = story.data.path.parent / "up.log"
    yield "logs/up.log", said.read_bytes()


def client(story: Story, organisation: str) -> GatewayClient:
    """Return a client of the organisation's own peer."""
    return GatewayClient(ConnectionProfile.load(story.data.connections / f"{organisation}.json"))


def replica(story: Story, organisation: str) -> Iterator[Place]:
    """Yield what an organisation's peer gives it: blocks, events, state with history, private data."""
    with closing(client(story, organisation)) as peer:
        last = peer.newest_block().number
        with closing(peer.blocks(0, stop=last)) as stream:
            for block in stream:
                yield f"ledger/{organisation}/block {block.number}", block.serialized
                for one in block.transactions:
                    if one.event is not None:
                        yield f"ledger/{organisation}/event of {one.function}", one.event.payload
        yield f"ledger/{organisation}/state", b"\n".join(_state(peer))
        yield f"ledger/{organisation}/private", delivered_private_data(peer, last)


def _state(peer: GatewayClient) -> Iterator[bytes]:
    for family in FAMILIES:
        bookmark = ""
        while True:
            page = peer.evaluate("audit.page", [f"{family}/".encode(), b"1000", bookmark.encode()])
            yield page
            if family in CHANGING:
                for one in canonical.loads(page)["items"]:
                    yield peer.evaluate("audit.history", [one["key"].encode()])
            bookmark = canonical.loads(page)["bookmark"]
            if not bookmark:
                break
    for key in ("market/config", "market/pepper", "epoch", "board/anchor"):
        yield peer.evaluate("audit.history", [key.encode()])


def opening(story: Story, organisation: str, listing: str, key: EncryptionKey) -> bytes | None:
    """Return a contract's opening, as the organisation's peer answers it sealed to `key`; None if it refuses."""
    with closing(client(story, organisation)) as peer:
        try:
            sealed = peer.evaluate("audit.opening", [listing.encode(), key.public.encode(), b"1"])
        except EvaluateError as error:
            if error.market_error is None:
                raise
            return None
    return open_sealed({1: key}, canonical.loads(sealed), kind="opening", market=story.market)


def answers(story: Story) -> Iterator[Place]:
    """Yield what each party was answered."""
    for one in story.exchanges:
        yield f"answer/{one.who}/{one.method} {one.path} {one.status}", one.headers + b"\n" + one.body


def told(story: Story) -> Iterator[Place]:
    """Yield what a webhook's receiver was told."""
    for one in story.inbox.arrived:
        yield f"told/{one.method}", str(one.headers).encode() + b"\n" + one.body


def homes(story: Story) -> Iterator[Place]:
    """Yield what lies in the traders' homes and in their vaults, but for the data themselves."""
    for person in story.parties:
        for folder in (story.folder / f"{person.name}-home", person.folder / "vault"):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield f"home/{path.relative_to(story.folder)}", path.read_bytes()


def everywhere(story: Story) -> Iterator[Place]:
    """Yield all places."""
    yield from cells(story)
    yield from files(story)
    for organisation in ORGANISATIONS:
        yield from replica(story, organisation)
    yield from answers(story)
    yield from told(story)
    yield from homes(story)
    # Last, when all connections but one are closed and everything is on the disk.
    yield from database_files(story)
