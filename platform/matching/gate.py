"""The gate of step (5): who may register what, decided for one application at a time.

The decision is serialised over all processes by a PostgreSQL advisory lock that is held from the comparison until
the caller's transaction has committed the row that later decisions compare with. So of two sellers who offer the
same photograph or a lightly edited copy of it at the same moment, the second always meets the first one's row (A-10).
A registration counts from the moment it passes, before the ledger has committed it, until the ledger refuses it.

The long part of the work, comparing with what was registered long ago, is done before the lock is taken.
"""

import secrets
from dataclasses import dataclass, field

from countermark.fingerprint import Fingerprint, compare
from countermark.platform.matching.decision import Candidate, Decision, Outcome, Resemblance, approve, decide
from countermark.platform.matching.index import FingerprintIndex, Survey, item_context
from countermark.platform.matching.standings import load_standings
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, func, select
from countermark.protocol import canonical
from countermark.protocol.commitments import exact_key
from countermark.protocol.encoding import base32
from countermark.protocol.errors import ErrorCode, MarketError

APPROVED = "approved"
"""Resolution of a case that a person has looked at."""

LOCK = 0x6761_7465
"""Key of the advisory lock ("gate"); every process of the platform uses the same."""


@dataclass(frozen=True)
class Candidacy:
    """What the gate needs to know of an application; its repr shows nothing of the data."""

    address: str
    seller: str
    nonce: str
    intent_digest: str
    generator: str
    items: tuple[Fingerprint, ...] = field(repr=False)
    root: bytes = field(repr=False)
    exact: bytes = field(repr=False)
    """Digest of the data themselves, 32 bytes."""


class GateRefusedError(MarketError):
    """The gate's refusal; ``case_number`` for enquiries, ``existing`` the seller's own contract behind it or ""."""

    def __init__(self, code: ErrorCode, case_number: str, existing: str) -> None:
        super().__init__(code, f"case {case_number}" + (f", your contract {existing}" if existing else ""))
        self.case_number = case_number
        self.existing = existing


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision of the gate as it was recorded.

    ``existing`` names the seller's own contract behind a refusal, "" otherwise; ``fresh`` says whether this call
    decided, or an earlier one with the same intent.
    """

    case_number: str
    decision: Decision
    address: str
    existing: str
    overlaps: tuple[str, ...]
    fresh: bool

    def check(self) -> None:
        """Pass only what the gate allowed; the refusal tells the case number and no more (A-43).

        Raises:
            GateRefusedError: RELIST_EXISTING, ALREADY_LISTED, ALREADY_REGISTERED, SIMILAR_REGISTERED, UNDER_REVIEW.
        """
        if self.decision is not Decision.ALLOWED:
            raise GateRefusedError(ErrorCode(self.decision), self.case_number, self.existing)


class Gate:
    """Decides on applications. May be shared between threads."""

    def __init__(self, *, index: FingerprintIndex, box: SecretBox, pepper: bytes) -> None:
        """Create a gate; ``pepper`` (32 secret bytes) hides exact digests in the table and must never change."""
        self._index = index
        self._box = box
        self._pepper = pepper

    def refresh(self, connection: Connection) -> None:
        """Take in what was registered since; to be done before `survey`."""
        self._index.refresh(connection)

    def survey(self, candidacy: Candidacy) -> Survey:
        """Return the comparison with everything registered so far; to be handed to `rule`, without the lock."""
        return self._index.survey(candidacy.items)

    def find(self, connection: Connection, seller: str, nonce: str, intent_digest: str) -> Ruling | None:
        """Return the decision on an intent of ``seller``, None while there is none.

        Raises:
            MarketError: INTENT_REPLAYED when the intent's nonce was used for something else.
        """
        return _earlier(connection, seller, nonce, intent_digest)

    def rule(self, connection: Connection, candidacy: Candidacy, survey: Survey, *, now_ms: int) -> Ruling:
        """Decide, and record the decision, in the caller's transaction; the lock is held until it ends.

        The transaction must read what others committed since it began (READ COMMITTED), and must be committed
        whatever the decision: refusals are kept (A-31). Where the decision is ALLOWED the caller adds the contract's
        row and the ledger's transaction before he commits.

        Raises:
            MarketError: INTENT_REPLAYED when the intent's nonce was used for something else.
        """
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        earlier = _earlier(connection, candidacy.seller, candidacy.nonce, candidacy.intent_digest)
        if earlier is not None:
            return earlier
        self._index.refresh(connection)
        complete = survey.merge(self._index.survey(candidacy.items, since=survey.seen, connection=connection))
        exact = exact_key(self._pepper, candidacy.exact)
        outcome = self._decide(connection, candidacy, complete, exact)
        ruling = Ruling(
            "case-" + base32(secrets.token_bytes(10)),
            outcome.decision,
            candidacy.address,
            outcome.existing,
            outcome.overlaps,
            fresh=True,
        )
        self._record(connection, candidacy, ruling, outcome, exact=exact, now_ms=now_ms)
        return ruling

    def _decide(self, connection: Connection, candidacy: Candidacy, survey: Survey, exact: str) -> Outcome:
        found = {
            address: Resemblance.MATCH if likeness.sure else Resemblance.REVIEW
            for address, likeness in survey.likenesses.items()
        }
        registrations = tables.registrations
        same = select(registrations.c.address).where(
            registrations.c.exact_key == exact, registrations.c.decision == Decision.ALLOWED
        )
        found |= {row.address: Resemblance.EXACT for row in connection.execute(same)}
        standings = load_standings(connection, found)
        candidates = [
            Candidate(address, standings[address].owner, standings[address].standing, resemblance)
            for address, resemblance in found.items()
            if address in standings
        ]
        outcome = decide(candidacy.seller, candidates)
        if outcome.decision is Decision.UNDER_REVIEW and self._approved(connection, candidacy, outcome):
            return approve(candidacy.seller, candidates)
        return outcome

    def _approved(self, connection: Connection, candidacy: Candidacy, outcome: Outcome) -> bool:
        """Return whether a person has looked at the same data beside the same registrations, and approved."""
        registrations = tables.registrations
        query = select(registrations.c.case_number, registrations.c.matched).where(
            registrations.c.seller == candidacy.seller,
            registrations.c.fingerprint_root == candidacy.root,
            registrations.c.resolution == APPROVED,
        )
        for row in connection.execute(query):
            seen = canonical.loads(self._box.open(row.matched, context=matched_context(row.case_number)))
            if set(outcome.matched) <= set(seen):
                return True
        return False

    def _record(
        self,
        connection: Connection,
        candidacy: Candidacy,
        ruling: Ruling,
        outcome: Outcome,
        *,
        exact: str,
        now_ms: int,
    ) -> None:
        matched = canonical.dumps(list(outcome.matched))
        connection.execute(
            tables.registrations.insert().values(
                case_number=ruling.case_number,
                seller=candidacy.seller,
                nonce=candidacy.nonce,
                intent_digest=candidacy.intent_digest,
                address=candidacy.address,
                decision=str(ruling.decision),
                overlaps=list(ruling.overlaps),
                matched=self._box.seal(matched, context=matched_context(ruling.case_number)),
                existing=ruling.existing,
                generator=candidacy.generator,
                config=_config(candidacy.items),
                fingerprint_root=candidacy.root,
                exact_key=exact,
                decided_ms=now_ms,
            )
        )
        if ruling.decision is not Decision.ALLOWED:
            return
        counts: dict[str, int] = {}
        for item in candidacy.items:
            position = counts.get(item.generator, 0)
            counts[item.generator] = position + 1
            context = item_context(candidacy.address, position, item.generator)
            connection.execute(
                tables.item_fingerprints.insert().values(
                    address=candidacy.address,
                    item=position,
                    generator=item.generator,
                    segments=self._box.seal(item.to_bytes(), context=context),
                )
            )


def matched_context(case_number: str) -> str:
    """Return what the sealed list of matched addresses of a case is bound to."""
    return f"registrations/{case_number}/matched"


def _earlier(connection: Connection, seller: str, nonce: str, intent_digest: str) -> Ruling | None:
    registrations = tables.registrations
    query = select(registrations).where(registrations.c.seller == seller, registrations.c.nonce == nonce)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.intent_digest != intent_digest:
        raise MarketError(ErrorCode.INTENT_REPLAYED, "the intent's nonce was used for another one")
    return Ruling(
        row.case_number,
        Decision(row.decision),
        row.address,
        row.existing,
        tuple(row.overlaps),
        fresh=False,
    )


def _config(items: tuple[Fingerprint, ...]) -> str:
    """Return the ids of the weights and thresholds that apply to ``items``, to be read beside the decision (A-04)."""
    examples = {item.generator: item for item in items}
    return " ".join(compare(item, item).config for _, item in sorted(examples.items()))
