"""Bundles of honest ledgers: each subject comes out as it went in, on blocks of Fabric and on those made here."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from countermark.audit import accounts, disk
from countermark.audit.bundles import Manifest, Subject, Verdict, export, verify
from countermark.audit.bundles.inspection import SHOWN, _foreign
from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay
from countermark.network.blocks import Block, Transaction, parse_block
from tests.fixtures.fabric_blocks import JOINED, TWO_MARKETS, recorded
from tests.support.bundled import bundled, judged, manifest, roots_of
from tests.support.figures import show
from tests.support.market import EPOCH_S, TRADER, Market, anything
from tests.support.signed_ledger import SignedLedger, sell
from tests.support.sizes import size
from tests.unit.audit.chains import Chain, pay
from tests.unit.network.consortium import CHAINCODE, Network

MANY = size(20, 1_000)


class Told:
    """A ledger of the real contracts: a trade that was confirmed, one that runs, and three that ran out of time."""

    def __init__(self, network: Network) -> None:
        self.blocks: list[Block] = []
        ledger = SignedLedger(network, lambda data: self.blocks.append(parse_block(data)))
        self.genesis = ledger.genesis
        market = Market(ledger)
        self.settled = market.bring_to("MATCHED")
        market.act("trade.confirm", self.settled)
        self.end = ledger.tip.number
        self.running = market.bring_to("SENT", market.list_data(data=b"runs")["id"])
        late = [
            market.bring_to(state, market.list_data(data=state.encode())["id"]) for state in ("UPLOADED", "RECEIVED")
        ]
        unpaid = market.bring_to("PAID", market.list_data(data=b"unpaid")["id"])
        market.expire()
        for trade in (*late, unpaid):
            market.enforce(trade)
        market.backend.wait(EPOCH_S)
        market.backend.submit(TRADER, "clock.tick")
        params: dict[str, Any] = {"size": 3, "root": anything("board"), "proof": []}
        market.ask(market.platform, "board.anchor", params)
        self.market = market

    def export(self, subject: Subject) -> tuple[bytes, Verdict]:
        out = BytesIO()
        verdict, _ = export(self.blocks, out, manifest(subject), genesis=self.genesis)
        return out.getvalue(), verdict

    def replay(self, blocks: list[Block] | None = None) -> Replay:
        replay = Replay(genesis=self.genesis, chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP")
        replay.apply_all(self.blocks if blocks is None else blocks)
        return replay


@pytest.fixture(scope="module")
def told(network: Network) -> Told:
    return Told(network)


def test_the_bundle_of_a_trade_ends_with_the_trade_and_tells_what_the_replica_tells(told: Told) -> None:
    data, written = told.export(Subject("trade", told.settled))
    read = judged(data, roots=roots_of(told.blocks[0]))
    assert read == written
    assert read.blocks == told.end + 1
    assert read.told == accounts.trade(told.replay(told.blocks[: told.end + 1]), told.settled)
    assert read.told["outcome"] == "confirmed"
    assert read.head == told.blocks[told.end].header_hash


def test_that_of_a_trade_that_runs_goes_to_the_last_block(told: Told) -> None:
    data, written = told.export(Subject("trade", told.running))
    assert judged(data, genesis=told.genesis) == written
    assert written.blocks == len(told.blocks)
    assert written.told["state"] == "SENT"


@pytest.mark.parametrize("kind", ["listing", "account"])
def test_those_of_a_contract_and_an_account_tell_what_the_replica_tells(told: Told, kind: str) -> None:
    names = {"listing": told.market.trade(told.settled)["listing"], "account": told.market.buyer.address}
    data, written = told.export(Subject(kind, names[kind]))
    read = judged(data, roots=roots_of(told.blocks[0]))
    assert read == written
    tell: Callable[[Replay, str], dict[str, Any]] = getattr(accounts, kind)
    assert read.told == tell(told.replay(), names[kind])
    assert read.blocks == len(told.blocks)


def test_that_of_blocks_tells_each_transaction_of_theirs(told: Told) -> None:
    data, written = told.export(Subject("blocks", first=2, last=9))
    read = judged(data, roots=roots_of(told.blocks[0]))
    assert read == written
    assert read.blocks == 10
    assert [step["block"] for step in read.told["steps"]] == list(range(2, 10))
    assert {step["function"] for step in read.told["steps"][:8]} == {"account.open"}
    assert sum(read.told["functions"].values()) == 8
    assert read.told["steps"][0]["endorsed_by"] == ["PlatformMSP", "SupervisorMSP"]


def test_deadlines_that_the_platform_let_pass_are_counted_and_trades_that_nobody_ended(told: Told) -> None:
    _, verdict = told.export(Subject("blocks", first=0, last=len(told.blocks) - 1))
    assert verdict.deadlines["missed"] == {"check": 1, "fee": 1, "relay": 1}
    assert verdict.deadlines["missed_by_platform"] == 2
    # The trade that was sent was to be received meanwhile; the one that was checked by default waits for its buyer.
    assert verdict.deadlines["overdue"] == {"receive": 1}


def test_money_and_the_boards_anchor_are_told(told: Told) -> None:
    _, verdict = told.export(Subject("trade", told.running))
    money = verdict.money
    assert money.minted == told.market.minted
    assert money.minted - money.burnt == money.in_accounts + money.in_escrow
    assert money.in_escrow > 0
    assert money.by_owner == {}
    assert verdict.board is not None
    assert verdict.board["size"] == 3


@pytest.mark.requirement("R17")
@pytest.mark.timeout(1_800)
def test_a_bundle_of_many_trades_is_good(network: Network) -> None:
    blocks: list[bytes] = []
    ledger = SignedLedger(network, blocks.append)
    sell(Market(ledger), MANY)
    out = BytesIO()
    span = Subject("blocks", first=0, last=len(blocks) - 1)
    written = export(map(parse_block, blocks), out, manifest(span), genesis=ledger.genesis)
    out.seek(0)
    assert verify(out, roots=roots_of(parse_block(blocks[0]))) == written
    assert written[0].told["functions"]["trade.confirm"] == MANY
    assert len(written[0].told["steps"]) == min(SHOWN, written[0].transactions - 1)
    show(f"bundle of {MANY:,} trades, {written[0].transactions:,} transactions: good, {len(out.getvalue()):,} bytes")


def test_more_steps_of_blocks_are_counted_than_told(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countermark.audit.bundles.inspection.SHOWN", 3)
    verdict = judged(bundled(chain.blocks), genesis=chain.genesis)
    assert len(verdict.told["steps"]) == 3
    assert verdict.told["functions"]["(others)"] == 1
    assert sum(verdict.told["functions"].values()) == 7


@pytest.mark.parametrize(
    ("function", "told"),
    [("pay", "other/pay"), ("trade.pay\ngood", "'other/trade.pay\\ngood'"), ("\x1b[2J", "'other/\\x1b[2J'")],
)
def test_what_another_chaincode_calls_its_functions_makes_no_lines(function: str, told: str) -> None:
    assert _foreign(cast(Transaction, SimpleNamespace(chaincode="other", function=function))) == told


def test_invalid_transactions_of_blocks_are_counted(chain: Chain) -> None:
    chain.add(pay()).add(pay(), codes=[11])
    last = Subject("blocks", first=6, last=6)
    assert judged(bundled(chain.blocks, last), genesis=chain.genesis).told["span_invalid"] == 1
    first = Subject("blocks", first=0, last=5)
    assert judged(bundled(chain.blocks[:6], first), genesis=chain.genesis).told["span_invalid"] == 0


def _fabric(path: Path | None) -> tuple[Block, ...]:
    return recorded() if path is None else recorded(path)


def _chaincodes(blocks: tuple[Block, ...]) -> list[str]:
    """The chaincodes whose market was founded in `blocks`."""
    return sorted({one.chaincode for block in blocks for one in block.transactions if one.function == "market.init"})


def _about(blocks: tuple[Block, ...], chaincode: str = CHAINCODE) -> Manifest:
    span = Subject("blocks", first=0, last=len(blocks) - 1)
    return manifest(span, channel=blocks[0].transactions[0].channel, chaincode=chaincode)


def _config_blocks(blocks: tuple[Block, ...]) -> list[Block]:
    return [block for block in blocks if any(one.kind == "config" for one in block.transactions)]


@pytest.mark.parametrize("path", [None, JOINED, TWO_MARKETS], ids=["trade", "joining", "two markets"])
def test_blocks_that_fabric_made_are_bundled_and_judged(path: Path | None) -> None:
    blocks = _fabric(path)
    # Who joins later stands in the last configuration.
    roots = roots_of(_config_blocks(blocks)[-1])
    for chaincode in _chaincodes(blocks):
        out = BytesIO()
        written, digest = export(blocks, out, _about(blocks, chaincode), genesis=blocks[0].header_hash)
        out.seek(0)
        assert verify(out, roots=roots) == (written, digest)
        assert written.blocks == len(blocks)


def test_whoever_joins_must_be_among_the_roots() -> None:
    blocks = recorded(JOINED)
    first, last = _config_blocks(blocks)[0], _config_blocks(blocks)[-1]
    assert first.number < last.number
    with pytest.raises(AuditError) as caught:
        judged(bundled(blocks, about=_about(blocks)), roots=roots_of(first))
    assert (caught.value.code, caught.value.block) == ("foreign_root", last.number)


@pytest.mark.parametrize("kind", ["trade", "listing", "account"])
def test_what_the_ledger_does_not_know_is_not_exported(chain: Chain, kind: str) -> None:
    out = BytesIO()
    with pytest.raises(AuditError, match=f"unknown_{kind}"):
        export(chain.blocks, out, manifest(Subject(kind, "nothing")), genesis=chain.genesis)
    out.seek(0)
    with pytest.raises(AuditError, match="malformed_bundle"):
        verify(out, genesis=chain.genesis)


def test_a_ledger_that_does_not_hold_is_not_exported(chain: Chain) -> None:
    chain.add(pay(), pay())
    span = Subject("blocks", first=0, last=5)
    with pytest.raises(AuditError, match=r"validation_differs.*block 5, transaction 1"):
        export(chain.blocks, BytesIO(), manifest(span), genesis=chain.genesis)


def test_a_bundle_says_what_its_manifest_says(chain: Chain) -> None:
    data = bundled(chain.blocks, Subject("account", "x"))
    with pytest.raises(AuditError, match="unknown_account"):
        judged(data, genesis=chain.genesis)
    with pytest.raises(AuditError, match="bundle_differs"):
        judged(bundled(chain.blocks, Subject("blocks", first=0, last=9)), genesis=chain.genesis)


def test_a_full_disk_is_not_taken_for_a_forgery(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_TABLES", disk._TABLES + "PRAGMA max_page_count = 6;")
    monkeypatch.setattr(disk, "_ROWS", 1)
    with pytest.raises(AuditError, match=r"no_room.*full"):
        judged(bundled(chain.blocks), genesis=chain.genesis)


def test_trust_must_come_from_somewhere(chain: Chain) -> None:
    with pytest.raises(ValueError, match="trusts"):
        judged(bundled(chain.blocks))


def test_of_a_market_that_was_not_founded_nothing_is_told(chain: Chain) -> None:
    for subject in (None, Subject("account", "x")):
        with pytest.raises(AuditError, match="market has not been founded"):
            judged(bundled(chain.blocks[:1], subject), genesis=chain.genesis)


def test_under_the_name_of_a_chaincode_that_is_no_market_nothing_is_good() -> None:
    """Else what a real market of the channel does would pass without being judged by the market's rules."""
    blocks = recorded(TWO_MARKETS)
    one, other = _chaincodes(blocks)
    functions = judged(bundled(blocks, about=_about(blocks, one)), genesis=blocks[0].header_hash).told["functions"]
    assert functions["market.init"] == functions[f"{other}/market.init"] == 1
    with pytest.raises(AuditError, match="not been founded"):
        judged(bundled(blocks, about=_about(blocks, "third")), genesis=blocks[0].header_hash)


def test_the_verdict_can_be_told_as_json(told: Told) -> None:
    _, verdict = told.export(Subject("trade", told.settled))
    assert json.loads(json.dumps(verdict.told)) == verdict.told
    assert json.loads(json.dumps(verdict.deadlines)) == verdict.deadlines
