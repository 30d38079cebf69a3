"""What a run of the chaincode sees and leaves on record."""

import hashlib
from collections.abc import Iterator

import pytest

from countermark.network.blocks import ReadWriteSet
from countermark.network.blocks.rwsets import RangeQuery, Read, Write
from countermark.network.embedded.errors import SimulationError
from countermark.network.embedded.simulation import Simulation
from tests.support.embedded_ledger import NAMESPACE, World, writing

V = (1, 0)


@pytest.fixture
def filled(world: World) -> World:
    world.commit(world.transaction(writing(a="1", k1="x", k2="y", k3="z")))
    return world


@pytest.fixture
def simulation(filled: World) -> Iterator[Simulation]:
    with filled.ledger.state.snapshots.take() as view:
        yield _simulation(filled, view)


def _simulation(world: World, view: object, *, creator: str = "PlatformMSP", peer: str = "PlatformMSP") -> Simulation:
    return Simulation(view, world.ledger.private, world.definition, creator_msp=creator, peer_msp=peer)  # type: ignore[arg-type] # tests pass a View


def test_a_read_never_sees_the_runs_own_writes(simulation: Simulation) -> None:
    simulation.put("a", b"2")
    simulation.put("new", b"2")
    assert simulation.get("a") == b"1"
    assert simulation.get("new") is None


def test_keys_that_are_read_together_are_on_record_like_keys_read_one_by_one(filled: World) -> None:
    keys = ["k2", "absent", "a", "k2"]
    with filled.ledger.state.snapshots.take() as view:
        together, singly = _simulation(filled, view), _simulation(filled, view)
        assert together.get_many(keys) == [singly.get(key) for key in keys] == [b"y", None, b"1", b"y"]
        assert together.results() == singly.results()


def test_a_second_run_on_a_snapshot_has_its_own_record_of_what_it_read(filled: World) -> None:
    with filled.ledger.state.snapshots.take() as view:
        first, second = _simulation(filled, view), _simulation(filled, view, peer="SupervisorMSP")
        first.get_many(["a", "k1", "absent"])
        assert second.get_many(["absent", "a", "k3"]) == [None, b"1", b"z"]
        assert [read.key for read in second.results().rwset.reads] == ["a", "absent", "k3"]


def test_more_keys_than_one_query_takes_are_found(filled: World) -> None:
    with filled.ledger.state.snapshots.take() as view:
        found = _simulation(filled, view).get_many([f"absent{number}" for number in range(2500)] + ["a"])
    assert found == [None] * 2500 + [b"1"]


def test_results_are_sorted_whatever_the_order_of_the_run(simulation: Simulation) -> None:
    for key in ("k2", "absent", "a"):
        simulation.get(key)
    simulation.put("z", b"1")
    simulation.put("b", b"")
    results = simulation.results()
    assert results.rwset.reads == (
        Read(NAMESPACE, "a", V),
        Read(NAMESPACE, "absent", None),
        Read(NAMESPACE, "k2", V),
    )
    assert results.rwset.writes == (Write(NAMESPACE, "b", b"", True), Write(NAMESPACE, "z", b"1", False))
    assert ReadWriteSet.parse(results.public) == results.rwset
    assert results.private is None


@pytest.mark.parametrize(
    ("limit", "keys", "following", "query"),
    [
        (10, ["k1", "k2", "k3"], "", ("k", "l", True)),
        (3, ["k1", "k2", "k3"], "", ("k", "l", True)),
        (2, ["k1", "k2"], "k3", ("k", "k2", False)),
    ],
)
def test_a_range_is_on_record_as_far_as_it_was_read(
    simulation: Simulation, limit: int, keys: list[str], following: str, query: tuple[str, str, bool]
) -> None:
    found, bookmark = simulation.scan("k", "l").fetch(limit)
    assert ([one.key for one in found], bookmark) == (keys, following)
    reads = tuple(Read(NAMESPACE, key, V) for key in keys)
    assert simulation.results().rwset.ranges == (RangeQuery(NAMESPACE, *query, reads),)


def test_a_range_read_in_steps_is_one_range(simulation: Simulation) -> None:
    cursor = simulation.scan("", "")
    keys = [[one.key for one in cursor.fetch(2)[0]] for _ in range(2)]
    assert keys == [["a", "k1"], ["k2", "k3"]]
    (query,) = simulation.results().rwset.ranges
    assert (query.exhausted, len(query.reads)) == (True, 4)


def test_a_run_that_read_a_page_may_not_write(simulation: Simulation) -> None:
    simulation.scan_page("", "").fetch(1)
    with pytest.raises(SimulationError, match="read a page"):
        simulation.put("a", b"1")


def test_a_run_that_wrote_may_not_read_pages(simulation: Simulation) -> None:
    simulation.put("a", b"1")
    with pytest.raises(SimulationError, match="read-only"):
        simulation.scan_page("", "")


def test_an_empty_key_is_refused(simulation: Simulation) -> None:
    with pytest.raises(SimulationError, match="empty"):
        simulation.put("", b"1")


def test_private_writes_leave_only_hashes_in_public(simulation: Simulation) -> None:
    simulation.put_private("fingerprints", "secret-key", b"secret-value")
    results = simulation.results()
    (hashes,) = results.rwset.private_hashes
    (write,) = hashes.writes
    assert write.key_hash == hashlib.sha256(b"secret-key").digest()
    assert write.value_hash == hashlib.sha256(b"secret-value").digest()
    assert b"secret" not in results.public
    assert results.private is not None
    assert b"secret-value" in results.private


@pytest.mark.parametrize("creator", ["TraderMSP", "OtherMSP"])
def test_only_clients_of_members_reach_private_data(filled: World, creator: str) -> None:
    with filled.ledger.state.snapshots.take() as view:
        simulation = _simulation(filled, view, creator=creator)
        with pytest.raises(SimulationError, match="read access"):
            simulation.get_private("fingerprints", "x")
        with pytest.raises(SimulationError, match="write access"):
            simulation.put_private("fingerprints", "x", b"1")
        with pytest.raises(SimulationError, match="write access"):
            simulation.purge_private("fingerprints", "x")
        assert simulation.get_private_hash("fingerprints", "x") is None


def test_a_collection_must_be_defined(simulation: Simulation) -> None:
    with pytest.raises(SimulationError, match="not defined"):
        simulation.get_private_hash("other", "x")


def test_two_runs_on_one_snapshot_give_the_same_bytes(filled: World) -> None:
    with filled.ledger.state.snapshots.take() as view:
        results = []
        for order in ((1, 2), (2, 1)):
            simulation = _simulation(filled, view)
            for number in order:
                simulation.get(f"k{number}")
                simulation.put(f"w{number}", b"1")
                simulation.put_private("fingerprints", f"p{number}", b"2")
            results.append(simulation.results())
    assert results[0] == results[1]
