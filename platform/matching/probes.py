"""What attempts came near what, kept a month for the supervisor and for the rules about series (A-31).

A row is an attempt at one registration. Which one stands sealed in it; a keyed digest of its address serves to find
other attempts at it, so that whoever reads the table alone learns who tried how often, and not at what.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from countermark.fingerprint import Fingerprint
from countermark.platform.matching.candidates import Standing
from countermark.platform.matching.likeness import Survey, placed
from countermark.platform.matching.series import ALIKE, ATTEMPTS, WINDOW_MS, Attempt, Degree, Tallies, Tally
from countermark.platform.matching.standings import Registered
from countermark.platform.store import clock, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import ColumnElement, Connection, Row, and_, delete, func, or_, select, update
from countermark.protocol import canonical
from countermark.protocol.encoding import b64u, base32, unb64u

KEPT_MS = 30 * 86_400_000

MOST = 200
"""Most registrations of one attempt that are kept, the likest: a large collection comes near more than one reads."""

KEPT_SAMPLES = 4
"""Fingerprints of one attempt at one registration that are kept."""

MOST_EARLIER = 100
"""Attempts with which another one is compared: the account's own before its sponsor's others', what was no match
before what was, so that nobody drowns his last steps in copies, and the newest."""

_SCALE = 10_000
"""Scores are whole numbers where they are kept: canonical JSON has no others."""

_ALIKE = [str(degree) for degree in ALIKE]


@dataclass(frozen=True, slots=True)
class Trial:
    """An attempt, before it is known what it came near; ``outcome`` and ``case`` as in `series.Attempt`."""

    account: str
    sponsor: str
    kind: str
    outcome: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """How near an attempt came to a registration, whose that is, and what came so near: canonical fingerprints."""

    owner: str
    degree: Degree
    score: float
    samples: tuple[bytes, ...] = field(default=(), repr=False)


def findings_of(
    survey: Survey, items: Sequence[Fingerprint], standings: Mapping[str, Registered], *, account: str
) -> dict[str, Finding]:
    """Return what of others the ``items`` of ``account`` came near, the likest `MOST` of it, by address."""
    found: dict[str, tuple[Degree, float]] = {
        address: (Degree.CLOSE if near.close else Degree.NEAR, near.score) for address, near in survey.near.items()
    }
    for address in survey.linked:
        degree, score = found.get(address, (Degree.LINKED, 0.0))
        found[address] = (min(degree, Degree.LINKED, key=list(Degree).index), score)
    for address, likeness in survey.likenesses.items():
        found[address] = (Degree.MATCH if likeness.sure else Degree.REVIEW, likeness.score)
    order = list(Degree)
    ranked = sorted(found, key=lambda address: (order.index(found[address][0]), -found[address][1], address))
    others = [
        address
        for address in ranked
        if (there := standings.get(address)) and there.owner != account and there.standing is not Standing.VOID
    ]
    return {
        address: Finding(
            standings[address].owner, *found[address], _samples(survey, items, address, standings[address])
        )
        for address in others[:MOST]
    }


def _samples(survey: Survey, items: Sequence[Fingerprint], address: str, there: Registered) -> tuple[bytes, ...]:
    """Return what later attempts are compared with, at most `KEPT_SAMPLES`: items that are alike, or the only one."""
    if there.erased:
        return ()  # they show what was to be erased
    likeness = survey.likenesses.get(address)
    alike = set() if likeness is None else {mine for mine, _ in likeness.copies} | likeness.doubted
    chosen = [fingerprint for item, fingerprint in placed(items) if not alike or item in alike]
    # A thing by itself is kept whatever it is; of a collection that is merely near it is not known which item was.
    return tuple(one.to_bytes() for one in chosen[:KEPT_SAMPLES]) if alike or len(chosen) <= KEPT_SAMPLES else ()


class Probes:
    """The attempts. All methods run in the caller's transaction. May be shared between threads."""

    def __init__(self, box: SecretBox, key: bytes) -> None:
        """``box`` seals which registrations they were at; ``key`` (secret) makes the digests of their addresses."""
        self._box = box
        self._key = key

    def keep(self, connection: Connection, trial: Trial, findings: Mapping[str, Finding], *, now_ms: int) -> None:
        """Keep that ``trial`` came as near to registrations as ``findings`` says; nothing, if to none."""
        rows = []
        for address, finding in findings.items():
            number = "probe-" + base32(secrets.token_bytes(10))
            document = {
                "case": trial.case,
                "listing": address,
                "outcome": trial.outcome,
                "owner": finding.owner,
                "score": round(finding.score * _SCALE),
            }
            rows.append(
                {
                    "id": number,
                    "account": trial.account,
                    "sponsor": trial.sponsor,
                    "at_ms": now_ms,
                    "kind": trial.kind,
                    "degree": str(finding.degree),
                    "registration": self.digest(address),
                    "finding": self._box.seal(canonical.dumps(document), context=_context(number)),
                    "samples": self._box.seal(
                        canonical.dumps([b64u(one) for one in finding.samples]), context=_samples_context(number)
                    ),
                }
            )
        if rows:
            connection.execute(tables.probes.insert(), rows)

    def forget_samples(self, connection: Connection, address: str) -> None:
        """Forget what was tried at the registration ``address``, which was erased; who tried how often stays."""
        probes = tables.probes
        at = connection.execute(select(probes.c.id).where(probes.c.registration == self.digest(address))).scalars()
        for number in at.all():
            nothing = self._box.seal(canonical.dumps([]), context=_samples_context(number))
            connection.execute(update(probes).where(probes.c.id == number).values(samples=nothing))

    def tallies(
        self, connection: Connection, account: str, sponsor: str, addresses: Iterable[str], *, now_ms: int
    ) -> dict[str, Tallies]:
        """Return what was tried lately at the registrations ``addresses`` as far as it counts against ``account``."""
        probes = tables.probes.c
        by_digest = {self.digest(address): address for address in addresses}
        own = _own(account, sponsor)
        alike = probes.degree.in_(_ALIKE)
        query = (
            select(
                probes.registration,
                func.count().filter(own).label("own"),
                func.count().filter(and_(own, alike)).label("own_alike"),
                func.count().label("all"),
                func.count().filter(alike).label("all_alike"),
            )
            .where(
                probes.registration.in_(list(by_digest)),
                probes.at_ms > now_ms - WINDOW_MS,
                or_(probes.account == account, probes.sponsor == sponsor),
            )
            .group_by(probes.registration)
        )
        return {
            by_digest[row.registration]: Tallies(
                Tally(row.own, row.own_alike > 0),
                Tally() if sponsor else Tally(row.all, row.all_alike > 0),
            )
            for row in connection.execute(query)
        }

    def earlier(
        self, connection: Connection, account: str, sponsor: str, *, now_ms: int
    ) -> list[tuple[str, Fingerprint]]:
        """Return what was tried in series of ``account``, or of its sponsor's accounts, each with its registration.

        Raises:
            MarketError: INTERNAL when something was damaged.
        """
        probes = tables.probes
        own = and_(_own(account, sponsor), probes.c.at_ms > now_ms - WINDOW_MS)
        alike = func.count().filter(probes.c.degree.in_(_ALIKE))
        series = (
            select(probes.c.registration)
            .where(own)
            .group_by(probes.c.registration)
            .having(and_(func.count() >= ATTEMPTS, alike > 0))
        )
        query = (
            select(probes)
            .where(own, probes.c.registration.in_(series))
            .order_by(
                probes.c.account != account, probes.c.degree == Degree.MATCH, probes.c.at_ms.desc(), probes.c.id
            )
            .limit(MOST_EARLIER)
        )
        return [
            (self._opened(row).listing, Fingerprint.from_bytes(unb64u(sample)))
            for row in connection.execute(query)
            for sample in canonical.loads(self._box.open(row.samples, context=_samples_context(row.id)))
        ]

    def load(self, connection: Connection, condition: ColumnElement[bool]) -> list[Attempt]:
        """Return the attempts that meet ``condition``, in the order of time.

        Raises:
            MarketError: INTERNAL when one was damaged.
        """
        probes = tables.probes
        query = select(probes).where(condition).order_by(probes.c.at_ms, probes.c.id)
        return [self._opened(row) for row in connection.execute(query)]

    def digest(self, address: str) -> bytes:
        """Return under what the registration ``address`` is looked for."""
        return hmac.digest(self._key, address.encode(), sha256)

    def _opened(self, row: Row[Any]) -> Attempt:
        document = canonical.loads(self._box.open(row.finding, context=_context(row.id)))
        return Attempt(
            row.account,
            row.sponsor,
            row.at_ms,
            row.kind,
            Degree(row.degree),
            document["listing"],
            document["owner"],
            document["score"] / _SCALE,
            document["outcome"],
            document["case"],
        )


def _own(account: str, sponsor: str) -> ColumnElement[bool]:
    """Return the condition that an attempt is the account's, or one of an account with its sponsor."""
    probes = tables.probes.c
    return or_(probes.account == account, probes.sponsor == sponsor) if sponsor else probes.account == account


def _samples_context(number: str) -> str:
    return f"probes/{number}/samples"


def _context(number: str) -> str:
    return f"probes/{number}/finding"


def forget_old(database: Database) -> int:
    """Delete attempts that are older than a month, and return how many rows.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.begin() as connection:
        return connection.execute(delete(tables.probes).where(tables.probes.c.at_ms < clock.now() - KEPT_MS)).rowcount
