"""The audit's root of trust: the genesis block is given or lies where it is looked for, and is one."""

from pathlib import Path

import pytest

from countermark.audit.errors import AuditError
from countermark.cli.trust import found, genesis_hash, market_roles
from tests.fixtures.fabric_blocks import recorded
from tests.unit.cli.conftest import Run

GENESIS, FIRST = recorded()[:2]


@pytest.fixture
def connection(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "connection" / "supervisor.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return path


@pytest.mark.parametrize("verb", [("money",), ("trade", "tr1x"), ("listing", "dc1x"), ("account", "did:key:x")])
def test_an_audit_without_a_genesis_block_is_refused(run: Run, connection: Path, verb: tuple[str, ...]) -> None:
    """A peer that may choose the first block may choose the whole consortium."""
    result = run("audit", *verb, "--connection", connection)
    assert result.status == 2
    assert "--genesis FILE" in result.err


@pytest.mark.parametrize("data", [b"", b"rubbish", FIRST.serialized])
def test_a_file_that_is_no_genesis_block_is_refused(run: Run, connection: Path, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.block"
    path.write_bytes(data)
    result = run("audit", "money", "--connection", connection, "--genesis", path)
    assert result.status == 2
    assert "block" in result.err


def test_the_block_that_is_given_is_known_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "any.block"
    path.write_bytes(GENESIS.serialized)
    assert genesis_hash(path) == GENESIS.header_hash


@pytest.mark.parametrize("folder", ["data", "data/connection"])
def test_it_is_found_beside_the_connections_or_among_them(connection: Path, tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "genesis.block"
    path.write_bytes(GENESIS.serialized)
    assert found(connection) == path


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"platform":"P"}', b"\xff", b"[" * 9_000])
def test_a_peer_that_names_no_organisations_is_found_out(answer: bytes) -> None:
    with pytest.raises(AuditError, match="market_differs"):
        market_roles(answer)
