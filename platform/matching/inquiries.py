"""Inquiries by sample: who asks, what for, how often; and the comparison that every kind of them needs.

Only the samples' fingerprints arrive, sealed; what is answered is sealed to the asker's account. Scores are never
shown, so that a fingerprint cannot be approached step by step; what one account may ask in a while is limited, and
what it came near is kept for the supervisor (A-31).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from countermark.fingerprint import Fingerprint, FingerprintError
from countermark.platform.contracts.market import load_market
from countermark.platform.matching.allowance import ALLOWANCE, Allowance, Asker, Payment, load_asker
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.likeness import Likeness, Survey
from countermark.platform.matching.links import Links
from countermark.platform.matching.probes import Probes, Trial, findings_of
from countermark.platform.matching.standings import load_standings
from countermark.platform.store.engine import Database
from countermark.protocol import canonical, searches
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey, open_sealed, seal


@dataclass(frozen=True)
class Inquiry:
    """A question that may be answered: who asks, and what of all that is registered resembles his samples."""

    signer: str
    key: Mapping[str, Any] = field(repr=False)
    """His account's encryption key and its version."""
    samples: int
    likenesses: Mapping[str, Likeness] = field(repr=False)


class Inquiries:
    """Takes questions. May be shared between threads."""

    def __init__(
        self,
        *,
        database: Database,
        index: FingerprintIndex,
        keys: Mapping[int, EncryptionKey],
        market: str,
        clock: Callable[[], int],
        probes: Probes,
        links: Links,
        allowance: Allowance = ALLOWANCE,
    ) -> None:
        """Create the service.

        Args:
            database: the platform's tables.
            index: the fingerprints of all registered items.
            keys: the platform's encryption keys by version.
            market: channel/chaincode.
            clock: gives the time in ms since the epoch.
            probes: keeps what inquiries came near.
            links: knows samples again by what was tried before.
            allowance: how often one account may ask, about how many things, and what more of it costs.
        """
        self.database = database
        self._index = index
        self._keys = keys
        self._market = market
        self._clock = clock
        self._probes = probes
        self._links = links
        self._allowance = allowance

    def take(self, message: object, *, kind: str, typ: str) -> Inquiry:
        """Return the inquiry in a sealed message of ``kind`` whose token is of ``typ``.

        Raises:
            MarketError: SEALED_MALFORMED, SEALED_UNDECRYPTABLE, UNKNOWN_KEY_VERSION, BAD_SIGNATURE, WRONG_MARKET,
                INTENT_EXPIRED, UNKNOWN_ACCOUNT, RATE_LIMITED, PAYMENT_INVALID, UNKNOWN_GENERATOR,
                FINGERPRINT_MALFORMED.
        """
        plaintext = open_sealed(self._keys, message, kind=kind, market=self._market)
        now_ms = self._clock()
        search = searches.parse_search(_text(plaintext), market=self._market, typ=typ)
        searches.check_time(search, now_ms)
        samples = [_parse_sample(data) for data in search.fingerprints]
        with self.database.begin() as connection:
            asker, config = load_asker(connection, search.signer), load_market(connection)
            if not {sample.generator for sample in samples} <= set(config.generators):
                raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market does not accept the sample's generator")
            self._index.refresh(connection)
            # Last: rows that many askers share are locked from here to the end of the transaction.
            self._allowance.inquire(
                connection,
                asker,
                len(samples),
                payment=Payment(search.payment, search.digest) if search.payment else None,
                payee=config.platform.account,
                now_ms=now_ms,
            )
        # The long comparison, and no transaction is open meanwhile. Order tells items of a collection apart.
        ordered = sorted(samples, key=lambda sample: sample.generator)
        survey = self._index.survey(ordered)
        self._keep(asker, kind, ordered, survey, now_ms=now_ms)
        return Inquiry(search.signer, asker.key, len(samples), survey.likenesses)

    def _keep(self, asker: Asker, kind: str, samples: Sequence[Fingerprint], survey: Survey, *, now_ms: int) -> None:
        """Keep what of others the samples came near, for the rules about series."""
        linked = self._links.find(asker.account, asker.sponsor, samples, now_ms=now_ms)
        survey = replace(survey, linked=linked)
        if not survey.addresses:
            return
        with self.database.begin() as connection:
            standings = load_standings(connection, survey.addresses)
            found = findings_of(survey, samples, standings, account=asker.account)
            self._probes.keep(connection, Trial(asker.account, asker.sponsor, kind), found, now_ms=now_ms)

    def answer(self, inquiry: Inquiry, document: dict[str, Any], *, kind: str) -> dict[str, Any]:
        """Return ``document`` sealed to the asker's account as a message of ``kind``."""
        key = inquiry.key
        plaintext = canonical.dumps(document)
        return seal(key["key"], plaintext, kind=kind, market=self._market, key_version=key["version"])


def _text(plaintext: bytes) -> str:
    try:
        return plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "an inquiry is a compact JWS") from None


def _parse_sample(data: bytes) -> Fingerprint:
    try:
        return Fingerprint.from_bytes(data)
    except FingerprintError as error:
        raise MarketError(ErrorCode(error.code), error.detail) from error
