"""The gate of step (5): who may register what, decided for one application at a time.

The decision is serialised over all processes by a PostgreSQL advisory lock that is held from the comparison until
the caller's transaction has committed the row that later decisions compare with. So of two sellers who offer the
same photograph or a lightly edited copy of it at the same moment, the second always meets the first one's row (A-10).
A registration counts from the moment it passes, before the ledger has committed it, until the ledger refuses it.

The long part of the work, comparing with what was registered long ago, is done before the lock is taken.
"""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from countermark.fingerprint import Fingerprint, compare
from countermark.platform.matching.candidates import Candidate, Offered
from countermark.platform.matching.decision import Decision, Outcome, approve, decide
from countermark.platform.matching.findings import Findings, open_findings, seal_findings
from countermark.platform.matching.history import load_history
from countermark.platform.matching.index import FingerprintIndex, item_context
from countermark.platform.matching.likeness import Likeness, Survey, placed
from countermark.platform.matching.links import Links
from countermark.platform.matching.policy import POLICY
from countermark.platform.matching.probes import Finding, Probes, Trial, findings_of
from countermark.platform.matching.series import held
from countermark.platform.matching.standings import count_items, load_standings
from countermark.platform.matching.threads import batched
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, func, select
from countermark.protocol.commitments import exact_key
from countermark.protocol.encoding import base32
from countermark.protocol.errors import ErrorCode, MarketError

APPLICATION = "application"
"""Kind of the attempts that are made here."""

APPROVED = "approved"
"""Resolution of a case that a person has looked at."""

_ROWS = 256
"""How many fingerprints are written at once."""

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
    sponsor: str = ""
    """Who vouches for the seller, "" for nobody."""


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

    def __init__(
        self, *, index: FingerprintIndex, box: SecretBox, pepper: bytes, probes: Probes, links: Links
    ) -> None:
        """Create a gate; ``pepper`` (32 secret bytes) hides exact digests in the table and must never change.

        ``probes`` keeps what applications came near; ``links`` knows them again by what was tried before.
        """
        self._index = index
        self._box = box
        self._pepper = pepper
        self._probes = probes
        self._links = links

    def refresh(self, connection: Connection) -> None:
        """Take in what was registered since; to be done before `survey`."""
        self._index.refresh(connection)

    def survey(self, candidacy: Candidacy, *, now_ms: int) -> Survey:
        """Return the comparison with everything registered so far; to be handed to `rule`, without the lock."""
        survey = self._index.survey(candidacy.items, quickly=True)
        linked = self._links.find(candidacy.seller, candidacy.sponsor, candidacy.items, now_ms=now_ms)
        return replace(survey, linked=linked)

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
        outcome, near = self._decide(connection, candidacy, complete, exact, now_ms=now_ms)
        ruling = Ruling(
            "case-" + base32(secrets.token_bytes(10)),
            outcome.decision,
            candidacy.address,
            outcome.existing,
            outcome.overlaps,
            fresh=True,
        )
        self._record(connection, candidacy, ruling, outcome, exact=exact, now_ms=now_ms)
        trial = Trial(candidacy.seller, candidacy.sponsor, APPLICATION, str(ruling.decision), ruling.case_number)
        self._probes.keep(connection, trial, near, now_ms=now_ms)
        return ruling

    def _decide(
        self, connection: Connection, candidacy: Candidacy, survey: Survey, exact: str, *, now_ms: int
    ) -> tuple[Outcome, Mapping[str, Finding]]:
        """Return the decision, and what of others the data come near."""
        registrations = tables.registrations
        query = select(registrations.c.address).where(
            registrations.c.exact_key == exact, registrations.c.decision == Decision.ALLOWED
        )
        same = {row.address for row in connection.execute(query)}
        found = {**dict.fromkeys(same, Likeness(True, 1.0)), **survey.likenesses}
        standings, counts = load_standings(connection, {*same, *survey.addresses}), count_items(connection, found)
        complete = replace(survey, likenesses=found)
        near = findings_of(complete, candidacy.items, standings, account=candidacy.seller)
        history = load_history(connection, self._box, candidacy.seller)
        candidates = [
            Candidate(
                address,
                standings[address].owner,
                standings[address].standing,
                counts[address],
                exact=address in same,
                copies=likeness.copies,
                doubted=likeness.doubted,
                taken=history.taken.get(address, frozenset()),
            )
            for address, likeness in found.items()
            if address in standings
        ]
        items = frozenset(item for item, _ in placed(candidacy.items))
        offered = Offered(candidacy.seller, items, history.of_others)
        outcome = decide(offered, candidates)
        if outcome.decision is Decision.UNDER_REVIEW and self._approved(connection, candidacy, outcome):
            outcome = approve(offered, candidates)
        if outcome.decision is Decision.ALLOWED:
            outcome = self._hold(connection, candidacy, outcome, near, now_ms=now_ms)
        return outcome, near

    def _hold(
        self,
        connection: Connection,
        candidacy: Candidacy,
        outcome: Outcome,
        near: Mapping[str, Finding],
        *,
        now_ms: int,
    ) -> Outcome:
        """Return ``outcome``, which allows, unless the data are one more step of a series: then a person looks."""
        tallies = self._probes.tallies(connection, candidacy.seller, candidacy.sponsor, near, now_ms=now_ms)
        trifles = _trifles(candidacy, outcome)
        degrees = {address: finding.degree for address, finding in near.items() if address not in trifles}
        climbed = held(degrees, tallies)
        if not climbed:
            return outcome
        review = Outcome(Decision.UNDER_REVIEW, matched=tuple(climbed), shares=outcome.shares)
        return outcome if self._approved(connection, candidacy, review) else review

    def _approved(self, connection: Connection, candidacy: Candidacy, outcome: Outcome) -> bool:
        """Return whether a person has looked at the same data beside the same registrations, and approved."""
        registrations = tables.registrations
        query = select(registrations.c.case_number, registrations.c.matched).where(
            registrations.c.seller == candidacy.seller,
            registrations.c.fingerprint_root == candidacy.root,
            registrations.c.resolution == APPROVED,
        )
        for row in connection.execute(query):
            if set(outcome.matched) <= set(open_findings(self._box, row.case_number, row.matched).matched):
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
        findings = Findings(outcome.matched, outcome.shares)
        connection.execute(
            tables.registrations.insert().values(
                case_number=ruling.case_number,
                seller=candidacy.seller,
                nonce=candidacy.nonce,
                intent_digest=candidacy.intent_digest,
                address=candidacy.address,
                decision=str(ruling.decision),
                overlaps=list(ruling.overlaps),
                matched=seal_findings(self._box, ruling.case_number, findings),
                of_others=sum(share.mine for share in outcome.shares if share.owner != candidacy.seller),
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
        for some in batched(self._rows(candidacy), _ROWS):
            connection.execute(tables.item_fingerprints.insert(), some)

    def _rows(self, candidacy: Candidacy) -> Iterator[dict[str, object]]:
        """Yield the row of each item, sealed."""
        counts: Counter[str] = Counter()
        for item in candidacy.items:
            position = counts[item.generator]
            counts[item.generator] += 1
            context = item_context(candidacy.address, position, item.generator)
            yield {
                "address": candidacy.address,
                "item": position,
                "generator": item.generator,
                "segments": self._box.seal(item.to_bytes(), context=context),
            }


def _trifles(candidacy: Candidacy, outcome: Outcome) -> frozenset[str]:
    """Return the registrations of which a collection holds so little as honest ones share, such as a licence."""
    items = len({item for item, _ in placed(candidacy.items)})
    return frozenset(
        share.address
        for share in outcome.shares
        if share.mine <= POLICY.few and share.mine < POLICY.review_share * items
    )


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
