"""The sum of all money, recomputed from a replay: minted less burnt is what coins and escrows hold (protocol.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay


@dataclass(frozen=True)
class MoneyReport:
    """Minor units: what was ever minted and burnt, what lies in accounts and in escrows, and the issuers' mints."""

    minted: int
    burnt: int
    in_accounts: int
    in_escrow: int
    by_owner: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        """Whether no unit was made or lost."""
        return self.minted - self.burnt == self.in_accounts + self.in_escrow


def count_money(replay: Replay) -> MoneyReport:
    """Return the money of the ledger that ``replay`` has applied.

    Raises:
        AuditError: ``money_not_conserved``.
    """
    minted = burnt = in_escrow = 0
    by_owner: dict[str, int] = {}
    for key, value in replay.state.items():
        kind = key.partition("/")[0]
        if kind == "deposit":
            minted += int(json.loads(value)["amount"])
        elif kind == "redemption":
            record = json.loads(value)
            burnt += int(record["amount"]) if record["state"] == "BURNT" else 0
        elif kind == "coin":
            coin = json.loads(value)
            amount = int(coin["amount"])
            if coin["owner"].startswith("did:key:"):
                by_owner[coin["owner"]] = by_owner.get(coin["owner"], 0) + amount
            else:
                in_escrow += amount
    report = MoneyReport(minted, burnt, sum(by_owner.values()), in_escrow, by_owner)
    if not report.balanced:
        detail = f"minted {minted} - burnt {burnt} is not {report.in_accounts} + {in_escrow}"
        raise AuditError("money_not_conserved", detail)
    return report
