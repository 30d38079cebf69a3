"""Measure how long the platform takes to prove one entry of its board, and what anchoring and appending cost there.

python -m bench.board_proofs [--entries 1000000] [--proofs 200]

The board is filled by hand with leaves that stand for earlier entries; the last ones are appended as the platform
appends them. A proof is asked for as a party asks: by a signed request through the whole gateway, in this process,
with a real PostgreSQL. Beside it, the same without what makes it quick, the stored nodes.
"""

import argparse
import hashlib
import logging
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from bench.figures import Figure, median, note, show, spread
from countermark.platform.board.log import Board
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.migrations import migrate
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.sql import Connection, delete, text
from countermark.protocol import merkle
from countermark.protocol.encoding import as_digest, digest, undigest
from countermark.protocol.merkle import Frontier
from countermark.protocol.notices import Notice, SignedNotice, parse_notice, sign_notice
from tests.support.front import Front
from tests.support.market import actor
from tests.support.platform import MARKET

NOW_MS = 1_800_000_000_000
APPENDED = 100
"""Entries that are appended one by one at the end."""


def fill(connection: Connection, count: int) -> None:
    """Add `count` rows whose leaves are hashes of their numbers, one in ten of them the seller's."""
    statement = text(
        "INSERT INTO board SELECT n, 'seller_notice', 'tr1' || n, CASE WHEN n % 10 = 0 THEN :seller ELSE 'other' END,"
        " 'sha256:' || n, sha256(('leaf' || n)::bytea), ''::bytea, :now, :now, '' FROM generate_series(0, :last) n"
    )
    connection.execute(statement, {"seller": actor("seller").address, "now": NOW_MS, "last": count - 1})
    edge = Frontier(hashlib.sha256(b"leaf%d" % number).digest() for number in range(count))
    head = {"id": 1, "size": count, "frontier": edge.to_bytes()}
    connection.execute(tables.board_head.insert().values(head))


def notice(number: int, platform: str) -> SignedNotice:
    made = Notice(
        role="seller",
        trade="tr1" + "a" * 52,
        seller=actor("seller").address,
        buyer=actor("buyer").address,
        listing="dc1" + "a" * 52,
        platform=platform,
        fingerprint_root=digest(b"%d" % number),
        claimed_at_ms=NOW_MS,
    )
    token, _ = sign_notice(actor("seller").key, made, market=MARKET)
    return parse_notice(token, market=MARKET, platform=platform)


def timed(act: Callable[[], object]) -> float:
    before = time.perf_counter()
    act()
    return time.perf_counter() - before


def anchor(connection: Connection, board: Board, size: int) -> None:
    """Do for an anchor of `size` what the platform does before it submits it, and let it stand in the table."""
    board.extend_tree(connection, size)
    root = board.root_at(connection, size)
    values = {"size": size, "root": as_digest(root), "tx_id": "0" * 64, "at_ms": NOW_MS, "block": 1}
    connection.execute(tables.anchors.insert().values(values))


def measure(database: Database, folder: Path, entries: int, proofs: int) -> None:
    front = Front(database, folder)
    board, seller = front.services.board, front.trader("seller")
    chance = random.Random(1)  # noqa: S311  # which entries are asked for
    try:
        with database.begin() as connection:
            fill(connection, entries)
        with database.begin() as connection:
            stored = timed(lambda: board.extend_tree(connection, entries))
            note(f"nodes of {entries:,} entries, all at once: {stored:.1f} s")
        signed = [notice(number, front.world.platform.address) for number in range(APPENDED)]
        with database.begin() as connection:
            appended = [
                timed(lambda one=one: board.append(connection, one, received_at_ms=NOW_MS))  # type: ignore[misc]
                for one in signed
            ]
        size = entries + APPENDED
        with database.begin() as connection:
            anchored = timed(lambda: anchor(connection, board, size))
            consistent = timed(lambda: board.consistency_proof(connection, entries, size))
        with database.autocommit() as connection:
            connection.execute(text("ANALYZE"))
        note(f"appended: {spread(appended)}")
        note(
            f"an anchor over {APPENDED} entries more: {anchored * 1000:.1f} ms, its proof {consistent * 1000:.1f} ms"
        )

        def ask(seq: int) -> float:
            path, found = f"/v1/board/{seq}/proof", []
            taken = timed(lambda: found.append(seller.http.get(path)))
            (proof,) = found
            steps = [undigest(step) for step in proof["path"]]
            merkle.verify_inclusion(undigest(proof["leaf"]), seq, size, undigest(proof["root"]), steps)
            return taken

        asked = [ask(chance.randrange(entries // 10) * 10) for _ in range(proofs)]
        note(f"a proof, request and answer: {spread(asked)}")
        with database.begin() as connection:
            sought = [
                timed(lambda: board.inclusion_proof(connection, chance.randrange(size), size=size))
                for _ in range(proofs)
            ]
            note(f"of which the proof itself: {spread(sought)}")
            connection.execute(delete(tables.board_nodes))
            bare = timed(lambda: board.inclusion_proof(connection, chance.randrange(size), size=size))
            note(f"without stored nodes: {bare * 1000:.0f} ms")
            connection.rollback()
    finally:
        front.close()
    what = f"proof of one board entry among {entries:,}, request and answer"
    show(Figure(f"{what}, median", median(asked) * 1000, "ms", 50))


def main() -> None:
    # Otherwise each request is a line here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)  # PostgreSQL's account, where root runs this
        with EmbeddedPostgres(folder / "postgres") as server, closing(Database(server.url)) as database:
            migrate(database)
            measure(database, folder, options.entries, options.proofs)


if __name__ == "__main__":
    main()
