"""`trade prove` and `audit board`: what they write and print, that they need no platform, and their exit status."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countermark.audit.roots import write_roots
from countermark.client import market
from countermark.network import client as network_client
from countermark.protocol.board_proofs import BoardProof
from tests.support.boards import WITHIN_MS, SignedBoard
from tests.support.command_line import Result
from tests.support.front import Front
from tests.support.market import GUARD_S
from tests.unit.cli.conftest import Gateway, Party, Run
from tests.unit.cli.test_cli_bundles import Peer, offline
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network.create(tmp_path / "consortium")


@pytest.fixture
def board(network: Network) -> SignedBoard:
    return SignedBoard(network)


class Files:
    """A board's documents, bundle and roots as files, and the command over them."""

    def __init__(self, run: Run, board: SignedBoard, folder: Path) -> None:
        self._run, self._board, self._folder = run, board, folder
        write_roots(board.blocks[0], folder / "roots")

    def proof(self, name: str, proof: BoardProof) -> Path:
        path = self._folder / name
        path.write_bytes(proof.to_bytes())
        return path

    def answer(self, name: str, document: dict[str, Any]) -> Path:
        path = self._folder / name
        path.write_text(json.dumps(document, indent=2))
        return path

    def judge(self, *arguments: object) -> Result:
        bundle = self._folder / "bundle"
        bundle.write_bytes(self._board.bundle())
        return self._run("audit", "board", *arguments, "--bundle", bundle, "--roots", self._folder / "roots")


@pytest.fixture
def files(run: Run, board: SignedBoard, tmp_path: Path) -> Files:
    return Files(run, board, tmp_path)


@pytest.mark.requirement("R67")
def test_a_party_shows_offline_that_it_sent(
    files: Files, board: SignedBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = board.notice(board.market.bring_to("FUNDED"))
    proof = board.take(notice)
    board.market.act("trade.send", notice.notice.trade, notice=notice.digest)
    board.anchor()
    path = files.proof("mine", board.proven(proof))
    with offline(monkeypatch):
        told = files.judge(path, "--home", tmp_path / "no home")
        document = files.judge(path, "--json").json
    assert told.status == 0, told
    lines = [line.strip() for line in told.out.splitlines()]
    assert lines[0] == str(path)
    assert f"trade: {notice.notice.trade}" in lines
    assert "named_by.function: trade.send" in lines
    assert "proven: anchored" in lines
    (one,) = document["proofs"]
    assert (one["verdict"], one["reason"], one["act"]) == ("proven", "anchored", "sent")
    assert one["by"] == board.market.seller.address
    assert one["anchor"]["block"] == board.blocks[-1].number
    assert document["twice"] == []
    assert document["ledger"]["head"] == board.blocks[-1].header_hash.hex()
    assert not (tmp_path / "no home").exists()


@pytest.mark.requirement("R67")
def test_a_missing_anchor_is_told_as_the_platforms_fault_once_it_is_proven(files: Files, board: SignedBoard) -> None:
    path = files.proof("mine", board.take(board.notice(board.market.bring_to("FUNDED"))))
    told = files.judge(path)
    assert told.status == 1
    assert "not decided: not_due" in told.out
    board.tick(WITHIN_MS / 1000 + GUARD_S)
    told = files.judge(path)
    assert told.status == 0
    assert "platform at fault: unanchored" in told.out


def test_the_platforms_answer_decides_what_a_receipt_leaves_open(files: Files, board: SignedBoard) -> None:
    path = files.proof("mine", board.take(board.notice(board.market.bring_to("FUNDED"))).without_notice())
    board.anchor()
    assert files.judge(path).status == 1
    anchor = {"txid": "0" * 64, "at": "2027-01-15T08:00:00.000Z"}
    answer = files.answer("answer", {**board.path(0).to_json(), "anchor": anchor})
    told = files.judge(path, "--answer", answer, "--json")
    assert (told.status, told.json["proofs"][0]["verdict"]) == (0, "proven")
    assert "by" not in told.json["proofs"][0]


def test_two_entries_under_one_number_are_told(files: Files, board: SignedBoard) -> None:
    trade = board.market.bring_to("FUNDED")
    one = files.proof("one", board.take(board.notice(trade)))
    board.entries.pop()
    other = files.proof("other", board.take(board.notice(trade, "buyer")))
    board.anchor()
    told = files.judge(one, other)
    assert told.status == 0
    assert "platform at fault: two entries under the number 0" in told.out
    assert len(files.judge(one, other, "--json").json["twice"][0]["leaves"]) == 2


@pytest.mark.parametrize("kind", ["proof", "answer"])
def test_what_is_no_document_is_refused(files: Files, board: SignedBoard, tmp_path: Path, kind: str) -> None:
    good = files.proof("mine", board.take(board.notice(board.market.bring_to("FUNDED"))))
    bad = tmp_path / "bad"
    bad.write_bytes(os.urandom(100))
    told = files.judge(*([bad] if kind == "proof" else [good, "--answer", bad]))
    assert told.status == 1
    assert told.err.startswith(f"error: malformed_proof: {bad}")


def test_a_ledger_and_whom_to_trust_must_be_named(run: Run, tmp_path: Path, board: SignedBoard) -> None:
    proof, bundle = tmp_path / "proof", tmp_path / "bundle"
    proof.write_bytes(board.take(board.notice(board.market.bring_to("FUNDED"))).to_bytes())
    bundle.write_bytes(board.bundle())
    for arguments, told in (
        ((), "by which ledger"),
        (("--bundle", bundle), "whom do you trust"),
    ):
        result = run("audit", "board", proof, *arguments)
        assert result.status == 2
        assert told in result.err


def test_ones_own_peer_will_do(run: Run, board: SignedBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = board.take(board.notice(board.market.bring_to("FUNDED")))
    board.anchor()

    class Own(Peer):
        """A peer of this network."""

        profile = SimpleNamespace(channel=CHANNEL, chaincode=CHAINCODE)
        blocks_served = tuple(board.blocks)
        config = json.dumps(board.market.config).encode()

    monkeypatch.setattr(network_client, "GatewayClient", Own)
    monkeypatch.setattr(network_client, "ConnectionProfile", SimpleNamespace(load=lambda path: path))
    (tmp_path / "genesis.block").write_bytes(board.blocks[0].serialized)
    (tmp_path / "supervisor.json").write_text("{}")
    (tmp_path / "proof").write_bytes(board.proven(proof).to_bytes())
    told = run("audit", "board", tmp_path / "proof", "--connection", tmp_path / "supervisor.json")
    assert told.status == 0, told
    assert "proven: anchored" in told.out


# The party's side


@pytest.fixture
def sold(party: Callable[[str], Party], front: Front, tmp_path: Path) -> tuple[Party, Party, str]:
    """A seller who has sent, and a buyer who has received, in a trade that is to be confirmed."""
    seller, buyer = party("seller"), party("buyer")
    listing = seller.done("listing", "create", front.photograph, "--price", "100").out.splitlines()[0]
    front.work()
    trade = buyer.done("trade", "buy", listing).out.splitlines()[0]
    seller.done("trade", "charge", trade)
    seller.done("trade", "send", trade)
    front.work()
    buyer.done("trade", "receive", trade, "-o", tmp_path / "bought.jpg")
    front.work()
    return seller, buyer, trade


@pytest.mark.requirement("R67")
def test_proofs_are_kept_on_the_way_and_written_without_a_gateway(
    sold: tuple[Party, Party, str], gateway: Gateway, tmp_path: Path
) -> None:
    seller, buyer, trade = sold
    seller.done("trade", "show", trade)
    buyer.done("trade", "confirm", trade)
    gateway.unreachable = True
    for who, kind, seq in ((seller, "seller_notice", 0), (buyer, "buyer_notice", 1)):
        out = tmp_path / kind
        told = who.done("trade", "prove", trade, "-o", out, "--json").json
        assert (told["proof"], told["trade"], told["state"]) == (str(out), trade, "anchored")
        assert (told["kind"], told["seq"], told["size"]) == (kind, seq, seq + 1)
        assert out.stat().st_mode & 0o777 == 0o600
        proof = BoardProof.from_bytes(out.read_bytes())
        assert proof.entry is not None
        assert (proof.entry.kind, proof.entry.trade) == (kind, trade)
        bare = tmp_path / f"{kind} bare"
        assert who.done("trade", "prove", trade, "-o", bare, "--without-notice").out.splitlines()[0] == str(bare)
        assert BoardProof.from_bytes(bare.read_bytes()) == proof.without_notice()
    assert seller("trade", "prove", trade, "-o", tmp_path / "seller_notice").status == 2
    assert seller("trade", "prove", trade, "-o", tmp_path / "x", "--remedy").status == 1


def test_a_receipt_is_evidence_where_no_proof_is_to_be_had(
    sold: tuple[Party, Party, str], gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, _, trade = sold
    gateway.unreachable = True
    told = seller("trade", "prove", trade, "-o", tmp_path / "waiting")
    assert told.status == 1
    assert "no proof from the gateway" in told.err
    assert BoardProof.from_bytes((tmp_path / "waiting").read_bytes()).inclusion is None
    now_ms = market.now_ms
    monkeypatch.setattr(market, "now_ms", lambda: now_ms() + 700_000)
    told = seller("trade", "prove", trade, "-o", tmp_path / "overdue")
    assert told.status == 1
    assert "has broken its promise" in told.err
