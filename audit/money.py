"""The sum of all money, recomputed from a replay: minted less burnt is what coins and escrows hold (protocol.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

from countermark.audit import records
from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay


@dataclass(frozen=True)
class MoneyReport:
    """Minor units: what was ever minted and burnt, what lies in accounts and in escrows, and whose it is."""

    minted: int
    burnt: int
    in_accounts: int
    in_escrow: int
    by_owner: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        """Whether no unit was made or lost."""
        return self.minted - self.burnt == self.in_accounts + self.in_escrow


def count_money(replay: Replay, *, owners: bool = True) -> MoneyReport:
    """Return the money of the ledger that ``replay`` has applied, each of whose transactions conserved it.

    Without ``owners`` it does not tell whose it is, which takes memory for each of them.

    Raises:
        AuditError: ``money_not_conserved``; never after a replay that raised none.
    """
    minted = burnt = in_accounts = in_escrow = 0
    by_owner: dict[str, int] = {}
    for key, value in replay.state.items():
        kind = records.family(key)
        if kind not in ("coin", "deposit", "redemption"):
            continue
        record = records.parse(key, value)
        amount = records.amount(record)
        if kind == "deposit":
            minted += amount
        elif kind == "redemption":
            burnt += amount if record["state"] == "BURNT" else 0
        elif record["owner"].startswith("did:key:"):
            in_accounts += amount
            if owners:
                by_owner[record["owner"]] = by_owner.get(record["owner"], 0) + amount
        else:
            in_escrow += amount
    report = MoneyReport(minted, burnt, in_accounts, in_escrow, by_owner)
    if not report.balanced:
        raise AuditError("money_not_conserved", "coins and escrows hold other money than was minted and not burnt")
    return report
