import pytest

from countermark.protocol import merkle
from countermark.protocol.errors import ErrorCode, MarketError

# The tree of Certificate Transparency's reference tests.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    assert merkle.root(HASHES[:size]).hex() == ROOTS[size]


def test_a_proof_of_the_reference_tree() -> None:
    # The path of leaf 0 among 8: its sibling leaf, the next pair, the other half.
    proof = merkle.inclusion_proof(HASHES, 0)
    assert proof == [HASHES[1], merkle.root(HASHES[2:4]), merkle.root(HASHES[4:])]
    assert merkle.consistency_proof(HASHES, 6) == [
        merkle.root(HASHES[4:6]),
        merkle.root(HASHES[6:]),
        merkle.root(HASHES[:4]),
    ]


def test_a_leaf_does_not_pass_for_a_node() -> None:
    forged = merkle.leaf_hash(HASHES[0] + HASHES[1])
    assert forged != merkle.root(HASHES[:2])


def test_a_frontier_goes_on_where_its_state_was_saved() -> None:
    tree = merkle.Frontier()
    for size, leaf in enumerate(HASHES, start=1):
        tree = merkle.Frontier.from_bytes(tree.to_bytes())
        tree.append(leaf)
        assert (tree.size, tree.root().hex()) == (size, ROOTS[size])


def test_a_frontier_stays_small() -> None:
    tree = merkle.Frontier(HASHES[0] for _ in range(2**12 - 1))
    assert len(tree.to_bytes()) == 8 + 12 * 32


@pytest.mark.parametrize("state", [b"", b"\0" * 7, (3).to_bytes(8, "big") + bytes(32), b"\0" * 9, b"\xff" * 40])
def test_a_state_that_is_none_is_refused(state: bytes) -> None:
    with pytest.raises(MarketError):
        merkle.Frontier.from_bytes(state)


def test_refuses_a_hash_of_another_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.Frontier([b"short"])


ROOT = bytes.fromhex(ROOTS[7])
PATH = merkle.inclusion_proof(HASHES[:7], 2)


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    ("leaf", "index", "size", "root", "proof"),
    [
        pytest.param(HASHES[3], 2, 7, ROOT, PATH, id="another leaf"),
        pytest.param(HASHES[2], 3, 7, ROOT, PATH, id="another place"),
        pytest.param(HASHES[2], 2, 9, ROOT, PATH, id="another size"),
        pytest.param(HASHES[2], 2, 7, bytes.fromhex(ROOTS[6]), PATH, id="root of an earlier tree"),
        pytest.param(HASHES[2], 2, 7, ROOT, PATH[:-1], id="proof cut"),
        pytest.param(HASHES[2], 2, 7, ROOT, [*PATH, HASHES[0]], id="proof extended"),
        pytest.param(HASHES[2], 2, 7, ROOT, PATH[::-1], id="proof reversed"),
        pytest.param(HASHES[2], 2, 7, ROOT, [], id="no proof"),
        pytest.param(HASHES[2], 2, 7, ROOT, [b"short", *PATH[1:]], id="a hash too short"),
        pytest.param(HASHES[2], -1, 7, ROOT, PATH, id="negative place"),
        pytest.param(HASHES[2], 7, 7, ROOT, PATH, id="place past the end"),
        pytest.param(HASHES[0], 0, 0, merkle.EMPTY_ROOT, [], id="leaf of the empty tree"),
    ],
)
def test_inclusion_refuses(leaf: bytes, index: int, size: int, root: bytes, proof: list[bytes]) -> None:
    merkle.verify_inclusion(HASHES[2], 2, 7, ROOT, PATH)
    with pytest.raises(MarketError) as refusal:
        merkle.verify_inclusion(leaf, index, size, root, proof)
    assert refusal.value.code is ErrorCode.PROOF_INVALID


ROOT_3, ROOT_4, ROOT_8 = (bytes.fromhex(ROOTS[size]) for size in (3, 4, 8))
GROWTH = merkle.consistency_proof(HASHES, 3)
FROM_COMPLETE = merkle.consistency_proof(HASHES, 4)
OTHER_ROOT_8 = merkle.root([*HASHES[:2], HASHES[0], *HASHES[3:]])


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    ("m", "root_m", "n", "root_n", "proof"),
    [
        pytest.param(3, ROOT_3, 8, OTHER_ROOT_8, GROWTH, id="an old leaf was replaced"),
        pytest.param(3, ROOT_4, 8, ROOT_8, GROWTH, id="another old root"),
        pytest.param(4, ROOT_3, 8, ROOT_8, GROWTH, id="another old size"),
        pytest.param(3, ROOT_3, 9, ROOT_8, GROWTH, id="another new size"),
        pytest.param(3, ROOT_3, 8, ROOT_8, GROWTH[:-1], id="proof cut"),
        pytest.param(3, ROOT_3, 8, ROOT_8, [*GROWTH, ROOT_3], id="proof extended"),
        pytest.param(3, ROOT_3, 8, ROOT_8, [], id="no proof"),
        pytest.param(4, ROOT_4, 8, ROOT_8, [], id="no proof from a complete tree"),
        pytest.param(4, ROOT_3, 8, ROOT_8, FROM_COMPLETE, id="another complete old root"),
        pytest.param(8, ROOT_8, 3, ROOT_3, GROWTH, id="the tree shrank"),
        pytest.param(8, ROOT_8, 8, OTHER_ROOT_8, [], id="same size, other root"),
        pytest.param(8, ROOT_8, 8, ROOT_8, GROWTH, id="same size, yet a proof"),
        pytest.param(0, ROOT_3, 8, ROOT_8, [], id="empty tree with a root"),
        pytest.param(0, merkle.EMPTY_ROOT, 8, ROOT_8, GROWTH, id="empty tree, yet a proof"),
        pytest.param(0, ROOT_3, 0, ROOT_3, [], id="two empty trees with another root"),
        pytest.param(-1, ROOT_3, 8, ROOT_8, GROWTH, id="negative size"),
        pytest.param(3, ROOT_3[:31], 8, ROOT_8, GROWTH, id="a root too short"),
    ],
)
def test_consistency_refuses(m: int, root_m: bytes, n: int, root_n: bytes, proof: list[bytes]) -> None:
    merkle.verify_consistency(3, ROOT_3, 8, ROOT_8, GROWTH)
    merkle.verify_consistency(4, ROOT_4, 8, ROOT_8, FROM_COMPLETE)
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 8, ROOT_8, [])
    merkle.verify_consistency(8, ROOT_8, 8, ROOT_8, [])
    with pytest.raises(MarketError) as refusal:
        merkle.verify_consistency(m, root_m, n, root_n, proof)
    assert refusal.value.code is ErrorCode.PROOF_INVALID


def test_a_proof_of_what_is_not_there_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_proof(HASHES, 8)
    with pytest.raises(ValueError, match="fewer leaves"):
        merkle.consistency_proof(HASHES, 9)
