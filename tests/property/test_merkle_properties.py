from hypothesis import given
from hypothesis import strategies as st

from countermark.protocol import merkle
from countermark.protocol.errors import MarketError

HASHES = [merkle.leaf_hash(n.to_bytes(4, "big")) for n in range(200)]


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(0, len(HASHES)))
    return draw(st.integers(0, n)), n


def recursive_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not hashes:
        return merkle.EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return merkle.node_hash(recursive_root(hashes[:k]), recursive_root(hashes[k:]))


@given(st.integers(0, len(HASHES)))
def test_the_root_is_the_recursive_definition(size: int) -> None:
    assert merkle.root(HASHES[:size]) == recursive_root(HASHES[:size])


@given(st.data(), st.integers(1, len(HASHES)))
def test_every_leaf_can_be_proven_and_no_other_in_its_place(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = HASHES[:size]
    proof = merkle.inclusion_proof(tree, index)
    merkle.verify_inclusion(tree[index], index, size, merkle.root(tree), proof)
    other = data.draw(st.integers(0, len(HASHES) - 1).filter(lambda n: n != index))
    assert not _holds(merkle.verify_inclusion, HASHES[other], index, size, merkle.root(tree), proof)
    if other < size:
        assert not _holds(merkle.verify_inclusion, tree[index], other, size, merkle.root(tree), proof)


@given(two_sizes())
def test_every_growth_can_be_proven(sizes: tuple[int, int]) -> None:
    m, n = sizes
    proof = merkle.consistency_proof(HASHES[:n], m)
    merkle.verify_consistency(m, merkle.root(HASHES[:m]), n, merkle.root(HASHES[:n]), proof)
    assert len(proof) <= 1 + max(n, 1).bit_length()


@given(two_sizes().filter(lambda sizes: 0 < sizes[0] < sizes[1]), st.data())
def test_no_growth_hides_a_changed_leaf(sizes: tuple[int, int], data: st.DataObject) -> None:
    m, n = sizes
    changed = list(HASHES[:n])
    changed[data.draw(st.integers(0, m - 1))] = merkle.leaf_hash(b"another")
    proof = merkle.consistency_proof(changed, m)
    assert not _holds(merkle.verify_consistency, m, merkle.root(HASHES[:m]), n, merkle.root(changed), proof)


@given(two_sizes(), st.data())
def test_a_changed_proof_proves_nothing(sizes: tuple[int, int], data: st.DataObject) -> None:
    m, n = sizes
    proof = merkle.consistency_proof(HASHES[:n], m)
    changed = data.draw(
        st.lists(st.sampled_from(HASHES[:4] + proof), max_size=len(proof) + 2).filter(lambda path: path != proof)
    )
    assert not _holds(merkle.verify_consistency, m, merkle.root(HASHES[:m]), n, merkle.root(HASHES[:n]), changed)


@given(st.binary(max_size=200))
def test_a_state_is_read_back_or_refused(state: bytes) -> None:
    try:
        tree = merkle.Frontier.from_bytes(state)
    except MarketError:
        return
    assert tree.to_bytes() == state


def _holds(verify: object, *arguments: object) -> bool:
    try:
        verify(*arguments)  # type: ignore[operator]
    except MarketError:
        return False
    return True
