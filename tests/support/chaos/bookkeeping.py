"""What must hold of a platform when its trades are over: nothing open, nothing twice, every unit of money where the
table of settlement says, tables as the blocks say, the board as its anchors say."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from countermark.audit.money import count_money
from countermark.audit.replay import Replay
from countermark.cli.audit import replica
from countermark.gateway import config
from countermark.gateway.services import PlatformServices, from_config
from countermark.platform.board.verification import Anchor, verify_board
from countermark.platform.observing import figures
from countermark.platform.projection import Projector, ledger_digest
from countermark.platform.store import channels, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.migrations import migrate
from countermark.platform.store.sql import func, select
from countermark.platform.views import progress
from countermark.protocol.encoding import undigest
from countermark.protocol.settlement import Part, Receiver, payouts
from countermark.protocol.transitions import Outcome, TradeState
from tests.fixtures.postgres import execute
from tests.support.chaos.lanes import Lane
from tests.support.whole_platform import Platform

PATIENCE_S = 120.0


@contextmanager
def _services(platform: Platform) -> Iterator[PlatformServices]:
    """The gateway's own view of database, ledger and board."""
    configured = config.load(platform.data / "gateway" / "config.json", {})
    assert isinstance(configured, config.PlatformConfig)
    services = from_config(configured)
    try:
        yield services
    finally:
        services.close()


def settle(platform: Platform) -> None:
    """Wait until the platform has brought everything that it was asked for to an end, and anchored its board."""
    give_up = time.monotonic() + PATIENCE_S
    with _services(platform) as services, services.database.listener(channels.BLOCKS, channels.OUTBOX) as listener:
        while True:
            with services.database.begin() as connection:
                now = figures.read(connection, now_ms=services.clock())
            lag = services.chain.height() - now.blocks
            if (now.open_transactions, now.unanchored_entries, lag) == (0, 0, 0):
                return
            assert time.monotonic() < give_up, (now, lag)
            listener.wait(1.0)


def check(platform: Platform, lanes: Sequence[Lane]) -> Replay:
    """Compare all that is stored with what the traders did, and return what the supervisor's peer has."""
    replay = replica(platform.data / "connection" / "supervisor.json", platform.data / "genesis.block")
    trades = {trade for lane in lanes for trade in lane.trades}
    _check_acts(replay, lanes, trades)
    _check_money(replay, lanes)
    with _services(platform) as services:
        _check_rows(services, lanes, trades)
        _check_board(services, replay, trades)
        _check_projection(services)
    return replay


def check_logs(platform: Platform) -> None:
    """Whatever broke around them, gateway and worker have met nothing that they did not foresee."""
    for name in ("gateway", "worker"):
        for line in (platform.data / "logs" / f"{name}.log").read_text().splitlines():
            record = json.loads(line) if line.startswith("{") else {"level": "said"}
            assert record["level"] not in ("error", "critical") or _foreseen(record), line


def _foreseen(record: Mapping[str, str]) -> bool:
    # The server's own lines tell of workers that were killed, and of a port that is not free yet; ours of a process
    # that started just when PostgreSQL had been killed: it ends, and is started again.
    return record["logger"].startswith("gunicorn") or "cannot start: database_unavailable: " in record["event"]


def _check_acts(replay: Replay, lanes: Sequence[Lane], trades: set[str]) -> None:
    """Every act has happened once: none was lost, none made twice."""
    records = _records(replay, "trade")
    assert set(records) == trades
    assert len(trades) == sum(len(lane.trades) for lane in lanes)
    assert {(one["state"], one["outcome"]) for one in records.values()} == {("SETTLED", "confirmed")}
    listings = _records(replay, "listing")
    assert set(listings) == {listing for lane in lanes for listing in lane.listings}
    for lane in lanes:
        for listing in lane.listings:
            last = [trade for trade in lane.trades if records[trade]["listing"] == listing][-1]
            assert (listings[listing]["state"], listings[listing]["owner"]) == ("SOLD", records[last]["buyer"])
    steps = Counter(
        change.transaction.function
        for key, changes in replay.history.items()
        if key.startswith("trade/")
        for change in changes
    )
    acts = ("pay", "charge", "send", "relay", "ack", "check", "confirm")
    assert steps == {f"trade.{act}": len(trades) for act in acts}


def _check_money(replay: Replay, lanes: Sequence[Lane]) -> None:
    """Money is exact: in all, and in each account by what it paid and what the table of settlement gives it."""
    money = count_money(replay)
    rules = json.loads(replay.state["market/config"])
    bond, platform = int(rules["bond"]), rules["platform"]["account"]
    expected: Counter[str] = Counter()
    for lane in lanes:
        expected.update(lane.deposits)
        expected.subtract(lane.charged)
        expected[platform] += lane.charged.total()
        for trade in lane.trades:
            record = json.loads(replay.state[f"trade/{trade}"])
            price, fee = int(record["price"]), int(record["fee"])
            held = {Part.PRICE: price, Part.BUYER_BOND: bond, Part.FEE: fee, Part.SELLER_BOND: bond}
            who = {Receiver.BUYER: record["buyer"], Receiver.SELLER: record["seller"], Receiver.PLATFORM: platform}
            expected[record["buyer"]] -= price + bond
            expected[record["seller"]] -= fee + bond
            for receiver, amount in payouts(held, TradeState(record["state"]), Outcome(record["outcome"])).items():
                expected[who[receiver]] += amount
    assert money.by_owner == {owner: amount for owner, amount in expected.items() if amount}
    minted = sum(lane.deposits.total() for lane in lanes)
    assert (money.minted, money.burnt, money.in_escrow) == (minted, 0, 0)
    assert money.in_accounts == minted


def _check_rows(services: PlatformServices, lanes: Sequence[Lane], trades: set[str]) -> None:
    """The platform's own rows: each contract with its private columns and one fingerprint, each package whole."""
    listings = {listing for lane in lanes for listing in lane.listings}
    with services.database.begin() as connection:
        for row in connection.execute(select(tables.data_contracts)):
            opening = services.columns.opening(row)
            assert opening.description == services.columns.description(row)
            assert opening.commitments().c_d == row.record["c_d"]
            listings.remove(row.address)
        fingerprints = connection.execute(select(func.count()).select_from(tables.item_fingerprints)).scalar_one()
        packages = tables.packages
        states = {row.trade: row.state for row in connection.execute(select(packages.c.trade, packages.c.state))}
    assert listings == set()
    assert fingerprints == sum(len(lane.listings) for lane in lanes)
    assert states == dict.fromkeys(trades, "RELEASED")


def _check_board(services: PlatformServices, replay: Replay, trades: set[str]) -> None:
    """The board has both notices of every trade once, and is what the ledger's anchors say."""
    anchors = [
        Anchor(record["size"], undigest(record["root"]))
        for key, value in replay.state.items()
        if key.startswith("board/anchor/")
        for record in [json.loads(value)]
    ]
    with services.database.begin() as connection:
        rows = list(services.board.read(connection))
    found = verify_board(rows, anchors, market=services.site.market, platform=services.keys.account.address)
    assert list(found) == []
    assert max(anchor.size for anchor in anchors) == len(rows)
    entries = Counter((row.entry.trade, row.entry.kind) for row in rows if row.entry)
    assert set(entries.values()) == {1}
    assert len(entries) == len(rows) == 2 * len(trades)


def _check_projection(services: PlatformServices) -> None:
    """The ledger-derived columns are those that a rebuild from block 0 gives."""
    database, name = services.database, "rebuilt"
    while True:
        with database.begin() as connection:
            height, digest = progress.height(connection), ledger_digest(connection)
        with database.begin() as connection:
            if progress.height(connection) == height:
                break  # no block came between two tables
    url = database._url.render_as_string(hide_password=False)
    other = database._url.set(database=name).render_as_string(hide_password=False)
    execute(url, f"CREATE DATABASE {name} TEMPLATE template0")
    execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")  # it need not survive anything
    try:
        with closing(Database(other)) as rebuilt:
            migrate(rebuilt)
            chaincode = services.site.market.partition("/")[2]
            Projector(rebuilt, chaincode=chaincode).catch_up(services.chain, stop=height - 1)
            with rebuilt.begin() as connection:
                assert ledger_digest(connection) == digest
    finally:
        execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def _records(replay: Replay, family: str) -> dict[str, Any]:
    """Return the records of `family` in the world state by their ids."""
    return {
        key.removeprefix(f"{family}/"): json.loads(value)
        for key, value in replay.state.items()
        if key.startswith(f"{family}/")
    }
