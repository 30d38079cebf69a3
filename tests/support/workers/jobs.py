"""Runs a leased job over the rows of a table `work (item, holder, began_ms, ended_ms)` until all are done.

Stuck, it takes the job for a second, begins with an item, and never ends it.
"""

import argparse
import secrets
import sys
from collections.abc import Iterable

from countermark.platform.jobs import leased
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import text
from tests.support.workers.stuck import halt

_NOW = text("SELECT extract(epoch FROM clock_timestamp()) * 1000")
_DONE = text(
    "UPDATE work SET holder = :me, began_ms = :began, ended_ms = extract(epoch FROM clock_timestamp()) * 1000, "
    "effects = effects + 1 WHERE item = :item AND holder IS NULL"
)
STUCK_MS = 1_000
AT_A_TIME = 10


class Work(LeasedJob[int]):
    """Does each item from the state that it saw, as a job must that another may do at the same time."""

    name = "work"

    def __init__(self, database: Database, *, stuck: bool) -> None:
        super().__init__(database)
        self.me = secrets.token_hex(4)
        self._stuck = stuck

    def find(self) -> Iterable[int]:
        query = text("SELECT item FROM work WHERE holder IS NULL ORDER BY item LIMIT :limit")
        with self.database.begin() as connection:
            return connection.execute(query, {"limit": AT_A_TIME}).scalars().all()

    def handle(self, item: int) -> bool:
        if self._stuck:
            halt()
        with self.database.begin() as connection:
            began = connection.execute(_NOW).scalar_one()
            changed = connection.execute(_DONE, {"me": self.me, "item": item, "began": began}).rowcount
            channels.notify(connection, channels.WORK, str(item))
        return changed == 1

    def describe(self, item: int) -> str:
        return str(item)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--stuck", action="store_true")
    options = parser.parse_args()
    if options.stuck:
        leased.LEASE_MS = STUCK_MS
    database = Database(options.url)
    job = Work(database, stuck=options.stuck)
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    done = 0
    with database.listener(channels.WORK) as listener:
        while True:
            done += job.run_once()
            with database.begin() as connection:
                if not connection.execute(text("SELECT count(*) FROM work WHERE holder IS NULL")).scalar_one():
                    break
            listener.wait(0.1)
    sys.stderr.write(f"done {done}\n")
    database.close()


if __name__ == "__main__":
    main()
