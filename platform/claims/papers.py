"""Keep what travels about claims off the ledger: sealed evidence for whoever decides, and his reasons.

The evidence can be read by nobody here. It is given to the one who decides, and goes some days after the claim's end.
"""

from collections.abc import Callable, Mapping
from typing import Any

from countermark.platform.claims.expected import expected
from countermark.platform.claims.view import load_claim
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import keep
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import Connection, upsert
from countermark.protocol import canonical
from countermark.protocol.claim_papers import ClaimReasons
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent

HANDED_IN = Quota("claim", most=30, window_ms=3_600_000)
"""How often an account may hand in papers of claims, each of which counts until its intent commits."""


def evidence_folder(claim: str) -> str:
    """Return what the names of all evidence of ``claim`` begin with."""
    return f"claims/{claim}/evidence"


def _evidence_name(claim: str, committed: str) -> str:
    return f"{evidence_folder(claim)}/{committed.removeprefix('sha256:')}"


def _reasons_name(claim: str, committed: str) -> str:
    return f"claims/{claim}/reasons/{committed.removeprefix('sha256:')}"


class ClaimPapers:
    """Takes evidence and reasons and hands them out. May be shared between threads and processes."""

    def __init__(
        self, database: Database, objects: ObjectStore, *, clock: Callable[[], int], quota: Quota = HANDED_IN
    ) -> None:
        """Create the service; ``clock`` gives the time in ms since the epoch."""
        self._database = database
        self._objects = objects
        self._clock = clock
        self._quota = quota

    def take_evidence(self, intent: Intent, message: Mapping[str, Any]) -> None:
        """Keep the sealed ``message`` to which ``intent``, a `claim.open` or `claim.answer`, commits.

        Only of who could claim, or answer, now, or of whom the ledger has taken it by another way. What is kept is
        written down first, whatever becomes of the intent.

        Raises:
            MarketError: COMMITMENT_MISMATCH, RATE_LIMITED, STORE_UNAVAILABLE; a code with which the contracts would
                refuse it.
        """
        encoded = canonical.dumps(dict(message))
        committed, now_ms = intent.params["evidence"], self._clock()
        if digest(encoded) != committed:
            raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the evidence is not the one committed to")
        with self._database.begin() as connection:
            claim = expected(connection, intent)
            self._quota.spend(connection, intent.signer, now_ms=now_ms)
            kept = {"stored_ms": now_ms, "deleted_ms": None}
            row = upsert(tables.claim_papers).values(claim=claim, **kept)
            connection.execute(row.on_conflict_do_update(index_elements=["claim"], set_=kept))
        keep(self._objects, _evidence_name(claim, committed), encoded)

    def evidence(self, connection: Connection, claim: str, *, account: str) -> dict[str, dict[str, Any] | None]:
        """Return the sealed evidence of either side, None where none is here, to ``account``, who decides.

        Raises:
            MarketError: UNKNOWN_CLAIM, WRONG_ACTOR, STORE_UNAVAILABLE.
        """
        view = load_claim(connection, claim)
        if view.role(account) != "supervisor":
            raise MarketError(ErrorCode.WRONG_ACTOR, "evidence is for the one who decides the claim")
        return {side: self._kept(claim, committed) for side, committed in view.record["evidence"].items()}

    def _kept(self, claim: str, committed: str) -> dict[str, Any] | None:
        if not committed:
            return None
        try:
            message: dict[str, Any] = canonical.loads(b"".join(self._objects.read(_evidence_name(claim, committed))))
        except MarketError as error:
            # One side that has never handed in what it committed to must not hide the other's.
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None
        return message

    def store_reasons(self, connection: Connection, intent: Intent, reasons: ClaimReasons) -> None:
        """Keep the ``reasons`` to which ``intent``, a `claim.decide`, commits.

        Raises:
            MarketError: UNKNOWN_CLAIM, WRONG_ACTOR, COMMITMENT_MISMATCH, RATE_LIMITED, STORE_UNAVAILABLE.
        """
        view = load_claim(connection, intent.params["claim"])
        if view.role(intent.signer) != "supervisor":
            raise MarketError(ErrorCode.WRONG_ACTOR, "reasons are given by the one who decides")
        committed = intent.params["reasons"]
        if (reasons.claim, reasons.decision, reasons.digest) != (view.id, intent.params["decision"], committed):
            raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the decision is for other reasons")
        self._quota.spend(connection, intent.signer, now_ms=self._clock())
        keep(self._objects, _reasons_name(view.id, committed), canonical.dumps(reasons.to_json()))

    def reasons(self, connection: Connection, claim: str, *, account: str) -> dict[str, Any]:
        """Return the reasons of the decision on ``claim``, in which ``account`` has a part.

        Raises:
            MarketError: UNKNOWN_CLAIM, WRONG_ACTOR; NOT_FOUND where nothing was decided; STORE_UNAVAILABLE.
        """
        view = load_claim(connection, claim)
        if view.role(account) == "sale":
            raise MarketError(ErrorCode.WRONG_ACTOR, "reasons are for the two sides of a claim")
        decision = view.record["decision"]
        if decision is None:
            raise MarketError(ErrorCode.NOT_FOUND, "nobody has decided this claim")
        stored = b"".join(self._objects.read(_reasons_name(claim, decision["reasons"])))
        return ClaimReasons.from_json(canonical.loads(stored)).to_json()
