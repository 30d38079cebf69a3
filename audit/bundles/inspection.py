"""Judging the blocks of a bundle as they come, and what is told of its subject in the end."""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from countermark.audit import accounts, records
from countermark.audit.bundles.deadlines import Deadlines
from countermark.audit.bundles.manifest import Manifest
from countermark.audit.disk import DiskBooks
from countermark.audit.errors import AuditError
from countermark.audit.money import MoneyReport, count_money
from countermark.audit.replay import Change, Replay
from countermark.audit.roots import Roots
from countermark.network.blocks import Block, Transaction
from countermark.protocol.transitions import TradeState

SHOWN = 1_000
"""How many transactions of a span of blocks are told one by one; of all of them, how many there were of each kind."""

_OTHERS = "(others)"


@dataclass(frozen=True)
class Verdict:
    """What holds, all of it checked: where it was not, an `AuditError` says what does not hold, and where."""

    manifest: Manifest
    genesis: bytes
    """Header hash of block 0."""
    head: bytes
    """Header hash of the last block."""
    blocks: int
    transactions: int
    invalid: int
    money: MoneyReport
    deadlines: dict[str, Any]
    board: dict[str, Any] | None
    """The last anchor of the send-receive board, if there was one."""
    told: dict[str, Any] = field(repr=False)
    """What the ledger proves of the subject."""


class Inspection:
    """A replay of the blocks of one bundle, whose books lie on disk; to be used as a context."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        genesis: bytes = b"",
        roots: Roots | None = None,
        watched: frozenset[str] = frozenset(),
    ) -> None:
        """Begin one; the histories of the subject and of the keys ``watched`` are kept."""
        self._manifest = manifest
        self._books = DiskBooks()
        subject = manifest.subject
        self._replay = Replay(
            chaincode=manifest.chaincode,
            platform=manifest.platform,
            supervisor=manifest.supervisor,
            genesis=genesis,
            roots=roots,
            books=self._books,
            watched=watched | ({subject.key} if subject.key else set()),
        )
        self._deadlines = Deadlines(manifest.chaincode)
        self._steps: list[dict[str, Any]] = []
        self._functions: Counter[str] = Counter()
        self._span_invalid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Remove the books.

        Raises:
            AuditError: ``no_room``; the disk did not take them, which says nothing of the bundle.
        """
        self._books.close()
        if isinstance(error, sqlite3.Error):
            raise AuditError("no_room", f"the temporary file of what is remembered: {error}") from error

    def apply(self, block: Block) -> None:
        """Judge the next block.

        Raises:
            AuditError: it does not hold.
        """
        if block.number == 0 and block.transactions and block.transactions[0].channel != self._manifest.channel:
            detail = f"the blocks are of channel {block.transactions[0].channel!r}, not {self._manifest.channel}"
            raise AuditError("bundle_differs", detail, block=0)
        invalid = self._replay.invalid
        self._deadlines.begin_block(block, self._replay.state)
        changes = self._replay.apply(block)
        self._deadlines.end_block()
        subject = self._manifest.subject
        if subject.kind == "blocks" and subject.first <= block.number <= subject.last:
            self._span_invalid += self._replay.invalid - invalid
            self._note(changes)

    @property
    def complete(self) -> bool:
        """Whether no later block can change what is told of the subject."""
        subject = self._manifest.subject
        if subject.kind == "blocks":
            return self._replay.height > subject.last
        if subject.kind != "trade":
            return False
        record = records.find(self._replay.state, subject.key)
        return record is not None and TradeState(record["state"]).final

    def verdict(self) -> Verdict:
        """Return what holds after the blocks that were judged.

        Raises:
            AuditError: ``unknown_trade``, ``unknown_listing``, ``unknown_account``, ``unknown_record`` (no market was
                founded), ``market_differs``, ``bundle_differs``.
        """
        replay = self._replay
        self._check_market()
        return Verdict(
            manifest=self._manifest,
            genesis=replay.genesis,
            head=replay.tip,
            blocks=replay.height,
            transactions=replay.transactions,
            invalid=replay.invalid,
            money=count_money(replay, owners=False),
            deadlines=self._deadlines.report(replay.state),
            board=records.find(replay.state, "board/anchor"),
            told=self._told(),
        )

    def _check_market(self) -> None:
        """Check that the market has been founded, with the platform and the supervisor whose peers had to endorse.

        Under the name of a chaincode that is no market, a real market's acts would not be judged by its rules.
        """
        replay, manifest = self._replay, self._manifest
        if not replay.height:
            raise AuditError("bundle_differs", "it holds no block")
        rules = records.config(replay.state)
        if (rules.platform.msp_id, rules.supervisor.msp_id) != (manifest.platform, manifest.supervisor):
            raise AuditError("market_differs", "it names another platform or supervisor than the ledger")

    def _told(self) -> dict[str, Any]:
        subject, replay = self._manifest.subject, self._replay
        match subject.kind:
            case "trade":
                return accounts.trade(replay, subject.name)
            case "listing":
                return accounts.listing(replay, subject.name)
            case "account":
                return accounts.account(replay, subject.name)
        if replay.height != subject.last + 1:
            raise AuditError("bundle_differs", f"it ends with block {replay.height - 1}, not {subject.last}")
        counts = dict(sorted(self._functions.items()))
        return {"functions": counts, "span_invalid": self._span_invalid, "steps": self._steps}

    def _note(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            step = accounts.step(change)
            if change.transaction.chaincode != self._manifest.chaincode:
                step["function"] = _foreign(change.transaction)
            known = step["function"] in self._functions or len(self._functions) < SHOWN
            self._functions[step["function"] if known else _OTHERS] += 1
            if len(self._steps) < SHOWN:
                self._steps.append(step)


def _foreign(transaction: Transaction) -> str:
    """Return the name of a function of another chaincode, which may call it anything: lines of its own, say."""
    name = f"{transaction.chaincode}/{transaction.function}"
    return name if name.isprintable() else ascii(name)
