"""The supervisor's rules on what the real contracts do: an auditor must have nothing against any of it."""

import hashlib
from collections.abc import Mapping

from countermark.audit.acts import Act, Fate, PrivateChange
from countermark.audit.conduct import judge
from countermark.audit.signers import UNSIGNED
from countermark.chaincode.simulation import PrivateWrite
from countermark.chaincode.testing import Result
from countermark.protocol import intents


def audit(result: Result, state: Mapping[str, bytes], *, market: str, msp: str, unit: str) -> Act | None:
    """Judge a committed transaction of the ledger in memory by the `state` before it; None if it writes nothing.

    Raises:
        AuditError: The auditor refuses what the contracts did.
    """
    if not result.writes and not result.private_writes:
        return None
    args = tuple(argument.decode() for argument in result.args)
    act = Act(
        function=result.function,
        args=args,
        intent=None if result.function in UNSIGNED else intents.parse(args[0], market=market),
        market=market,
        tx_id=result.tx_id,
        time_ms=result.timestamp_ms,
        msp_id=msp,
        admin=unit == "admin",
        writes=result.writes,
        private=frozenset(
            PrivateChange(collection, hashlib.sha256(key.encode()).digest(), _fate(write))
            for (collection, key), write in result.private_writes.items()
        ),
    )
    judge(act, state)
    return act


def _fate(write: PrivateWrite) -> Fate:
    if write.value is not None:
        return Fate.PUT
    return Fate.PURGED if write.purge else Fate.DELETED
