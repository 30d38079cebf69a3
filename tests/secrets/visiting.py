"""A member's gateway beside the platform's, through which somebody looks at the market when the day is over."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from countermark.client import searches
from countermark.gateway import config
from countermark.gateway.member.descriptions import PlatformDescriptions
from countermark.gateway.member.services import from_config
from countermark.platform.contracts.copying import CopyingJob
from countermark.platform.store import tables
from countermark.platform.store.sql import select
from tests.secrets import places
from tests.secrets.parties import Exchange, trader
from tests.secrets.story import Story
from tests.support.member_gateway import MemberGateway


def visit(story: Story, folder: Path, database_url: str) -> Iterator[bytes]:
    """Yield all that the gateway of a member has after the visit: what passed through it, tables, files, logs."""
    member = MemberGateway(story.platform, folder, database_url)
    passed: list[Exchange] = []
    member.start()
    try:
        visitor = trader("visitor", member, folder, story.canaries, passed.append, money=500)
        for listing in searches.browse(visitor.market, {"state": "any"}):
            searches.show(visitor.market, listing["address"])
        searches.by_sample(visitor.market, visitor.keys, story.goods["pending"].path)
        visitor.close()
        logs = member.said()
    finally:
        member.stop()
    yield logs.encode()
    for one in passed:
        # What he has sealed himself, the gateway cannot read; what it was answered, it has read.
        yield one.sent
        yield one.headers + b"\n" + one.body
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent == folder:
            yield path.read_bytes()
    configured = config.load(member.config_file, {})
    assert isinstance(configured, config.MemberConfig)
    with closing(from_config(configured)) as services:
        # Nobody else is left who could have the lease.
        source = PlatformDescriptions(services.upstream)
        CopyingJob(services.database, columns=services.columns, source=source).run_once()
        yield from (content for _, content in places.cells_of(services.database))
        with services.database.begin() as connection:
            for row in connection.execute(select(tables.data_contracts)).all():
                if row.description is not None:
                    yield services.columns.description(row).to_bytes()
                    yield services.columns.salt_d(row)
