"""Blocks become rows: each with its checkpoint or not at all, in order, once, and the same again from block 0."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from countermark.platform.ports import Block, BlockSource, UnavailableError
from countermark.platform.projection import (
    Checkpoint,
    ProjectionError,
    Projector,
    ledger_digest,
    read_checkpoint,
    wait_for_block,
)
from countermark.platform.store import channels, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import func, insert, select, update
from tests.fixtures.ledger import (
    Channel,
    MemoryBlock,
    MemoryBlocks,
    MemoryEvent,
    MemoryTransaction,
    MemoryWrite,
    Recorded,
    chain,
)
from tests.support.market import Market

COIN = json.dumps({"amount": "5", "owner": "somebody"}).replace(" ", "").encode()


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database, chaincode="countermark")


@pytest.fixture(scope="module")
def traded() -> Channel:
    """A channel on which one trade was settled, one refunded, and a listing is left for sale."""
    backend = Recorded()
    market = Market(backend)
    settled = market.bring_to("MATCHED", market.list_data(data=b"first")["id"])
    market.act("trade.confirm", settled)
    refunded = market.bring_to("PAID", market.list_data(data=b"second")["id"])
    market.expire()
    market.enforce(refunded)
    market.list_data(data=b"third")
    backend.submit("TraderMSP", "clock.tick")
    return backend.channel


def project(projector: Projector, blocks: list[MemoryBlock]) -> None:
    for block in blocks:
        assert projector.apply(block)


def digest(database: Database) -> str:
    with database.begin() as connection:
        return ledger_digest(connection)


def checkpoint(database: Database) -> Checkpoint | None:
    with database.begin() as connection:
        return read_checkpoint(connection)


@pytest.mark.requirement("R7")
def test_the_rows_say_what_the_ledger_says(database: Database, projector: Projector, traded: Channel) -> None:
    project(projector, traded.blocks)
    state = {key: json.loads(value) for key, value in traded.state.items()}

    def under(prefix: str) -> dict[str, object]:
        return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}

    t = tables
    with database.begin() as connection:

        def records(table: object, key: str) -> dict[str, object]:
            return {row[key]: row["record"] for row in connection.execute(select(table)).mappings()}  # type: ignore[call-overload]

        assert records(t.data_contracts, "address") == under("listing/")
        assert records(t.trades, "id") == under("trade/")
        assert records(t.accounts, "address") == under("account/")
        assert {f"{row.signer}/{row.nonce}": row.record for row in connection.execute(select(t.intents))} == under(
            "intent/"
        )
        unspent = connection.execute(select(t.coins).where(t.coins.c.spent_tx.is_(None)))
        assert {row.id: {"owner": row.owner, "amount": str(row.amount)} for row in unspent} == under("coin/")
        spent = connection.execute(select(t.coins.c.id).where(t.coins.c.spent_tx.is_not(None))).scalars()
        assert set(spent) == set(under("spent/"))
        assert connection.execute(select(t.epoch.c.n)).scalar_one() == 2
        assert connection.execute(select(t.market_versions.c.version)).scalars().all() == [1]
        minted = connection.execute(select(func.sum(t.deposits.c.amount))).scalar_one()
        assert minted == sum(int(coin["amount"]) for coin in under("coin/").values())  # type: ignore[index]


@pytest.mark.requirement("R11")
def test_every_transaction_has_id_caller_function_and_time(
    database: Database, projector: Projector, traded: Channel
) -> None:
    project(projector, traded.blocks)
    with database.begin() as connection:
        rows = connection.execute(select(tables.transactions).order_by(tables.transactions.c.block)).all()
        events = connection.execute(select(tables.events).order_by(tables.events.c.seq)).all()
    wanted = [
        (block.number, tx.tx_id, tx.function, tx.creator_msp, tx.timestamp_ms, True, "VALID")
        for block in traded.blocks
        for tx in block.transactions
    ]
    assert [(r.block, r.tx_id, r.function, r.creator_msp, r.time_ms, r.valid, r.code_name) for r in rows] == wanted
    assert [(event.tx_id, event.name) for event in events] == [
        (tx.tx_id, tx.event.name) for block in traded.blocks for tx in block.transactions if tx.event
    ]
    confirmed = next(event for event in events if event.name == "trade.confirm")
    assert confirmed.state == "SETTLED"
    assert len(confirmed.parties) == 2
    assert confirmed.subject.startswith("tr1")


def test_a_block_delivered_again_changes_nothing(database: Database, projector: Projector, traded: Channel) -> None:
    project(projector, traded.blocks)
    before = digest(database)
    assert [projector.apply(block) for block in traded.blocks] == [False] * len(traded.blocks)
    assert digest(database) == before
    assert projector.next_block() == len(traded.blocks)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_another_block_under_a_known_number_is_a_fork(database: Database, projector: Projector, number: int) -> None:
    blocks = chain([], [], [])
    project(projector, blocks)
    forged = replace(blocks[number], transactions=(MemoryTransaction("forged"),))
    with pytest.raises(ProjectionError, match="forked"):
        projector.apply(forged)


@pytest.mark.parametrize("skipped", [0, 1, 2])
def test_a_gap_is_refused(database: Database, projector: Projector, skipped: int) -> None:
    blocks = chain([], [], [], [])
    project(projector, blocks[:skipped])
    before = checkpoint(database)
    with pytest.raises(ProjectionError, match=f"block {skipped} is wanted"):
        projector.apply(blocks[skipped + 1])
    assert checkpoint(database) == before


def test_a_block_with_a_wrong_previous_hash_is_refused(database: Database, projector: Projector) -> None:
    blocks = chain([], [], [])
    project(projector, blocks[:2])
    with pytest.raises(ProjectionError, match="forked"):
        projector.apply(replace(blocks[2], previous_hash=b"\x00" * 32))
    assert checkpoint(database) == Checkpoint(1, blocks[1].header_hash)


@pytest.mark.parametrize(
    "write",
    [
        MemoryWrite("coin/a.0", b"not json"),
        MemoryWrite("coin/a.0", b'{"owner":"somebody"}'),
        MemoryWrite("coin/a.0", b'{"amount":"-1","owner":"somebody"}'),
        MemoryWrite("coin/never-made", is_delete=True),
        MemoryWrite("listing/dc1", b"[]"),
        MemoryWrite("listing/dc1", is_delete=True),
        MemoryWrite("trade/tr1", b"{}"),
        MemoryWrite("intent/no-nonce", b'{"digest":"","tx":""}'),
        MemoryWrite("epoch", b'{"n":1,"ts":"yesterday"}'),
        MemoryWrite("market/version/one", b"{}"),
    ],
    ids=lambda write: f"{write.key} {'deleted' if write.is_delete else write.value.decode()}",
)
def test_an_unreadable_write_stops_the_projection_with_nothing_of_its_block_applied(
    database: Database, projector: Projector, write: MemoryWrite
) -> None:
    good = MemoryTransaction("good", (MemoryWrite("coin/good.0", COIN),))
    blocks = chain([], [good, MemoryTransaction("bad", (write,))])
    project(projector, blocks[:1])
    before = digest(database)
    with pytest.raises(ProjectionError, match="bad"):
        projector.apply(blocks[1])
    assert digest(database) == before
    assert projector.next_block() == 1


def test_an_event_of_another_form_stops_the_projection(database: Database, projector: Projector) -> None:
    blocks = chain([MemoryTransaction("odd", event=MemoryEvent("trade.pay", b"{}"))])
    with pytest.raises(ProjectionError, match="event of odd"):
        projector.apply(blocks[0])


def test_an_event_of_another_chaincode_is_none_of_the_market(database: Database, projector: Projector) -> None:
    """Whoever may deploy a chaincode beside the market could else write into trades, or stop the projection."""
    payload = b'{"function":"trade.pay","id":"a trade","parties":[],"state":"PAID"}'
    foreign = [
        MemoryTransaction("forged", event=MemoryEvent("trade.pay", payload, chaincode="other")),
        MemoryTransaction("odd", event=MemoryEvent("hello", b"world", chaincode="other")),
    ]
    project(projector, chain(foreign))
    with database.begin() as connection:
        assert connection.execute(select(tables.events)).all() == []


def test_writes_and_events_of_invalid_transactions_do_not_count_but_they_are_shown(
    database: Database, projector: Projector
) -> None:
    event = MemoryEvent("coin.mint", b'{"function":"coin.mint","id":"x","parties":[],"state":"MINTED"}')
    invalid = MemoryTransaction("t", (MemoryWrite("coin/t.0", COIN),), event, code_name="MVCC_READ_CONFLICT")
    project(projector, chain([invalid]))
    with database.begin() as connection:
        assert connection.execute(select(tables.coins)).all() == []
        assert connection.execute(select(tables.events)).all() == []
        row = connection.execute(select(tables.transactions)).one()
    assert (row.tx_id, row.valid, row.code, row.code_name) == ("t", False, 11, "MVCC_READ_CONFLICT")


def test_an_id_ordered_twice_is_shown_twice_and_counts_once(database: Database, projector: Projector) -> None:
    first = MemoryTransaction("t", (MemoryWrite("coin/t.0", COIN),))
    project(projector, chain([first], [replace(first, code_name="DUPLICATE_TXID")]))
    with database.begin() as connection:
        assert [row.valid for row in connection.execute(select(tables.transactions))] == [True, False]
        assert connection.execute(select(func.count()).select_from(tables.coins)).scalar_one() == 1


def test_a_hostile_invalid_transaction_does_not_stop_the_projection(database: Database, projector: Projector) -> None:
    hostile = MemoryTransaction(
        "id" * 10_000,
        code_name="ENDORSEMENT_POLICY_FAILURE",
        kind="unreadable",
        creator_msp="Evil\0MSP",
        timestamp_ms=2**80,
        function="a\0b",
    )
    project(projector, chain([hostile]))
    with database.begin() as connection:
        row = connection.execute(select(tables.transactions)).one()
    assert (row.creator_msp, row.function, len(row.tx_id)) == ("Evil�MSP", "a�b", 256)


def test_state_of_another_chaincode_is_not_the_markets(database: Database, projector: Projector) -> None:
    foreign = MemoryWrite("coin/t.0", COIN, namespace="_lifecycle")
    project(projector, chain([MemoryTransaction("t", (foreign,))]))
    with database.begin() as connection:
        assert connection.execute(select(tables.coins)).all() == []


def test_keys_that_no_table_shows_are_reported_unless_they_are_known(
    database: Database, projector: Projector, caplog: pytest.LogCaptureFixture
) -> None:
    known = [MemoryWrite(key, b"{}") for key in ("exact/00", "spent/a.0", "market/config", "board/anchor")]
    project(projector, chain([MemoryTransaction("t", (*known, MemoryWrite("novelty/1", b"{}")))]))
    assert [record.getMessage() for record in caplog.records] == ["block 0 writes novelty/1, which no table shows"]


def test_a_rebuild_gives_the_same_bytes_and_leaves_private_columns_alone(
    database: Database, projector: Projector, traded: Channel
) -> None:
    pending = {"address": "dc1pending", "description": b"sealed", "registered_ms": 1}
    with database.begin() as connection:
        connection.execute(insert(tables.data_contracts).values(pending))
    project(projector, traded.blocks)
    contracts = tables.data_contracts
    with database.begin() as connection:
        on_ledger = connection.execute(
            select(contracts.c.address).where(contracts.c.state.is_not(None)).limit(1)
        ).scalar_one()
        private = update(contracts).where(contracts.c.address == on_ledger)
        connection.execute(private.values(description=b"mine", fingerprint_root=b"root"))
    before = digest(database)
    with database.begin() as connection:  # what a rebuild must repair
        connection.execute(update(tables.coins).values(owner="thief"))
        connection.execute(update(contracts).values(state="SOLD", price=1))
        connection.execute(update(tables.trades).values(outcome="forged"))
    assert digest(database) != before
    projector.rebuild(MemoryBlocks(traded))
    assert digest(database) == before
    with database.begin() as connection:
        row = connection.execute(select(contracts).where(contracts.c.address == on_ledger)).one()
        kept = connection.execute(select(contracts).where(contracts.c.address == "dc1pending")).one()
    assert (row.description, row.fingerprint_root) == (b"mine", b"root")
    assert (kept.description, kept.state) == (b"sealed", None)


def test_the_digest_notices_every_ledger_derived_table(
    database: Database, projector: Projector, traded: Channel
) -> None:
    project(projector, traded.blocks)
    original = digest(database)
    forgeries = [
        update(tables.data_contracts).values(claimed=True),
        update(tables.blocks).values(header_hash=b""),
        update(tables.checkpoint).values(block_number=3),
        update(tables.transactions).values(function="other"),
        update(tables.events).values(state="other"),
        update(tables.market_versions).values(tx_id="other"),
        update(tables.epoch).values(n=9),
        update(tables.intents).values(digest="other"),
        update(tables.accounts).values(state="FROZEN"),
        update(tables.coins).values(amount=1),
        update(tables.deposits).values(amount=1),
        update(tables.trades).values(price=1),
    ]
    for forgery in forgeries:
        with database.begin() as connection:
            savepoint = connection.begin_nested()
            assert connection.execute(forgery).rowcount > 0
            assert ledger_digest(connection) != original
            savepoint.rollback()
    assert digest(database) == original


def test_a_rebuild_from_a_source_that_is_cut_changes_nothing(
    database: Database, projector: Projector, traded: Channel
) -> None:
    project(projector, traded.blocks)
    before = digest(database)

    class Cut(MemoryBlocks):
        def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
            yield from traded.blocks[: len(traded.blocks) // 2]

    with pytest.raises(ProjectionError, match="ended"):
        projector.rebuild(Cut(traded))
    assert digest(database) == before


def test_to_rebuild_before_the_first_block_does_nothing(
    database: Database, projector: Projector, traded: Channel
) -> None:
    projector.rebuild(MemoryBlocks(traded))
    assert checkpoint(database) is None


def test_catching_up_stops_where_it_is_told(database: Database, projector: Projector, traded: Channel) -> None:
    projector.catch_up(MemoryBlocks(traded), stop=4)
    assert projector.next_block() == 5
    projector.catch_up(MemoryBlocks(traded), stop=6)
    assert projector.next_block() == 7


def test_following_takes_a_broken_stream_up_again(
    database: Database, projector: Projector, traded: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.platform.projection.projector._RETRY_S", 0.0)
    last = len(traded.blocks) - 1
    stop = threading.Event()
    asked: list[int] = []

    class Brittle:
        def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
            asked.append(start)
            yield from traded.blocks[start : start + 3]
            raise UnavailableError("", "the peer went away")

    source: BlockSource = Brittle()
    follower = threading.Thread(target=projector.follow, args=(source, stop))
    follower.start()
    assert wait_for_block(database, last, timeout_s=30)
    stop.set()
    follower.join()
    assert asked[:3] == [0, 3, 6]
    rebuilt = digest(database)
    projector.rebuild(MemoryBlocks(traded))
    assert digest(database) == rebuilt


def test_two_projectors_at_once_apply_each_block_once(
    database: Database, traded: Channel, projector: Projector
) -> None:
    other = Projector(database, chaincode="countermark")
    applied: list[bool] = []
    turn = threading.Barrier(2)

    def run(one: Projector) -> None:
        for block in traded.blocks:
            turn.wait()
            applied.append(one.apply(block))

    threads = [threading.Thread(target=run, args=(one,)) for one in (projector, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [False] * len(traded.blocks) + [True] * len(traded.blocks)


def test_listeners_hear_of_each_block_after_it_can_be_read(database: Database, projector: Projector) -> None:
    blocks = chain([], [])
    with database.listener(channels.BLOCKS) as listener:
        assert listener.wait(0) == []
        projector.apply(blocks[0])
        assert listener.wait(10) == ["0"]
        with pytest.raises(ProjectionError):
            projector.apply(replace(blocks[1], previous_hash=b"x"))
        assert listener.wait(0) == []


def test_waiting_for_a_block_ends_with_its_time(database: Database, projector: Projector) -> None:
    project(projector, chain([]))
    assert wait_for_block(database, 0, timeout_s=0)
    assert not wait_for_block(database, 1, timeout_s=0)
    assert not wait_for_block(database, 1, timeout_s=0.05)
