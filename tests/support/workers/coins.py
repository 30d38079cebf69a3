"""Makes payments out of one account until all its coins are reserved, and notes in `picked` with which.

The table `picked (coin, holder)` takes a coin once. Stuck, it makes `STUCK_PAYMENTS` payments whose reservations last
a second, and one whose transaction never ends.
"""

import argparse
import secrets
import sys

from countermark.platform.store import channels, coins
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, text
from tests.support.workers.stuck import halt

OWNER = "did:key:owner"
STUCK_MS = 1_000
STUCK_PAYMENTS = 10


def pay(connection: Connection, amount: int) -> tuple[str, ...] | None:
    return coins.reserve(connection, owner=OWNER, amount=amount, holder=secrets.token_hex(16))


def die_paying(database: Database, amount: int) -> None:
    coins.RESERVED_MS = STUCK_MS
    for _ in range(STUCK_PAYMENTS):
        with database.begin() as connection:
            pay(connection, amount)
    with database.begin() as connection:
        pay(connection, amount)
        halt()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("amount", type=int)
    parser.add_argument("coins", type=int)
    parser.add_argument("--stuck", action="store_true")
    options = parser.parse_args()
    database = Database(options.url)
    if options.stuck:
        die_paying(database, options.amount)
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    made = waited = 0
    with database.listener(channels.BLOCKS) as listener:
        while True:
            with database.begin() as connection:
                chosen = pay(connection, options.amount)
                for coin in chosen or ():
                    connection.execute(
                        text("INSERT INTO picked (coin, holder) VALUES (:coin, :holder)"),
                        {"coin": coin, "holder": str(made)},
                    )
                all_picked = connection.execute(text("SELECT count(*) FROM picked")).scalar_one() >= options.coins
            if chosen is None:
                waited += 1
                if all_picked:
                    break
                listener.wait(0.1)
            else:
                made += 1
    sys.stderr.write(f"done {made} {waited}\n")
    database.close()


if __name__ == "__main__":
    main()
