"""The end of an erasure: what a worker does after it, and what an operator may do."""

import time
from contextlib import closing

from countermark.platform.store import tables
from countermark.platform.store.compacting import compact
from countermark.platform.store.sql import select
from tests.secrets import places
from tests.secrets.rules import ERASED
from tests.secrets.story import Story


def finish(story: Story) -> None:
    """Wait until the worker has removed what lies outside the tables, and have these written anew."""
    registrations = tables.registrations
    query = select(registrations.c.erased_ms).where(registrations.c.address == story.goods[ERASED].listing)
    give_up = time.monotonic() + 60
    with closing(places.database(story)) as database:
        while True:
            # Each question is a round trip; the worker, which every block wakes, had all day.
            with database.begin() as connection:
                if connection.execute(query).scalar_one() is not None:
                    break
            assert time.monotonic() < give_up, "nothing was removed"
        compact(database)
