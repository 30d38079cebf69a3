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
    """Return the money of the ledger that ``replay`` has applied, each of whose transactions conserved it.

    Raises:
        AuditError: ``money_not_conserved``, and where that was.
    """
    _check_each(replay)
    minted = burnt = in_escrow = 0
    by_owner: dict[str, int] = {}
    for key, value in replay.state.items():
        minted += _minted(key, value)
        burnt += _burnt(key, value)
        if amount := _coin(key, value):
            owner = json.loads(value)["owner"]
            if owner.startswith("did:key:"):
                by_owner[owner] = by_owner.get(owner, 0) + amount
            else:
                in_escrow += amount
    report = MoneyReport(minted, burnt, sum(by_owner.values()), in_escrow, by_owner)
    assert report.balanced, "what each transaction conserves, all of them conserve"
    return report


def _check_each(replay: Replay) -> None:
    surplus: dict[tuple[int, int], int] = {}
    for key, changes in replay.history.items():
        before: bytes | None = None
        for change in changes:
            place = (change.block, change.transaction.position)
            surplus[place] = surplus.get(place, 0) + _surplus(key, change.value) - _surplus(key, before)
            before = change.value
    for (block, position), amount in sorted(surplus.items()):
        if amount:
            detail = f"coins grow by {amount} minor units more than was minted less what was burnt"
            raise AuditError("money_not_conserved", detail, block=block, transaction=position)


def _surplus(key: str, value: bytes | None) -> int:
    """Return the money that lies under ``key``, less the money that should be there because of it."""
    return 0 if value is None else _coin(key, value) - _minted(key, value) + _burnt(key, value)


def _coin(key: str, value: bytes) -> int:
    return int(json.loads(value)["amount"]) if key.startswith("coin/") else 0


def _minted(key: str, value: bytes) -> int:
    return int(json.loads(value)["amount"]) if key.startswith("deposit/") else 0


def _burnt(key: str, value: bytes) -> int:
    if not key.startswith("redemption/"):
        return 0
    record = json.loads(value)
    return int(record["amount"]) if record["state"] == "BURNT" else 0
