"""Search by sample (9-2): which listings look like something the searcher has.

Only the sample's fingerprint arrives, sealed; the answer holds contract addresses and nothing else, best first,
sealed to the searcher's account (10). Scores are never shown and the list is short, so that a fingerprint cannot be
approached step by step; what one account may ask in a while is limited (A-31).
"""

from collections.abc import Callable, Mapping
from typing import Any

from countermark.fingerprint import Fingerprint, FingerprintError
from countermark.platform.contracts.market import load_market
from countermark.platform.matching.index import FingerprintIndex, Likeness
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import Connection, select
from countermark.protocol import canonical, searches
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey, open_sealed, seal
from countermark.protocol.transitions import ListingState

KIND, ANSWER_KIND = "search", "search-answer"
"""Kinds of the sealed messages that carry a search and its answer."""

LONGEST_ANSWER = 20
"""Most addresses in an answer."""

SEARCHES = Quota("search", most=60, window_ms=3_600_000)
"""How often an account may search."""


class SampleSearch:
    """Answers searches. May be shared between threads."""

    def __init__(
        self,
        *,
        database: Database,
        index: FingerprintIndex,
        keys: Mapping[int, EncryptionKey],
        market: str,
        clock: Callable[[], int],
        quota: Quota = SEARCHES,
    ) -> None:
        """Create a search.

        Args:
            database: the platform's tables.
            index: the fingerprints of all registered items.
            keys: the platform's encryption keys by version.
            market: channel/chaincode.
            clock: gives the time in ms since the epoch.
            quota: how often one account may search.
        """
        self._database = database
        self._index = index
        self._keys = keys
        self._market = market
        self._clock = clock
        self._quota = quota

    def answer(self, message: object) -> dict[str, Any]:
        """Return the sealed answer to a sealed search: ``{"listings": [address, …]}`` for the searcher alone.

        Raises:
            MarketError: SEALED_MALFORMED, SEALED_UNDECRYPTABLE, UNKNOWN_KEY_VERSION, BAD_SIGNATURE, WRONG_MARKET,
                INTENT_EXPIRED, UNKNOWN_ACCOUNT, RATE_LIMITED, UNKNOWN_GENERATOR, FINGERPRINT_MALFORMED.
        """
        plaintext = open_sealed(self._keys, message, kind=KIND, market=self._market)
        now_ms = self._clock()
        search = searches.parse_search(_text(plaintext), market=self._market)
        searches.check_time(search, now_ms)
        sample = _parse_sample(search.fingerprint)
        with self._database.begin() as connection:
            key = _encryption_key(connection, search.signer)
            if sample.generator not in load_market(connection).generators:
                raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market does not accept the sample's generator")
            self._quota.spend(connection, search.signer, now_ms=now_ms)
            self._index.refresh(connection)
        # The long comparison, and no transaction is open meanwhile.
        likenesses = self._index.survey([sample]).likenesses
        with self._database.begin() as connection:
            listings = _listed(connection, likenesses)
        answer = canonical.dumps({"listings": listings})
        return seal(key["key"], answer, kind=ANSWER_KIND, market=self._market, key_version=key["version"])


def _listed(connection: Connection, likenesses: Mapping[str, Likeness]) -> list[str]:
    """Return those of the addresses that are on the market, the likest first."""
    contracts = tables.data_contracts
    listed = select(contracts.c.address).where(
        contracts.c.address.in_(list(likenesses)),
        contracts.c.state == str(ListingState.LISTED),
        contracts.c.claimed.is_not(True),
    )
    addresses = [row.address for row in connection.execute(listed)]
    return sorted(addresses, key=lambda address: _rank(likenesses[address], address))[:LONGEST_ANSWER]


def _rank(likeness: Likeness, address: str) -> tuple[bool, float, str]:
    return (not likeness.sure, -likeness.score, address)


def _text(plaintext: bytes) -> str:
    try:
        return plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a search is a compact JWS") from None


def _parse_sample(data: bytes) -> Fingerprint:
    try:
        return Fingerprint.from_bytes(data)
    except FingerprintError as error:
        raise MarketError(ErrorCode(error.code), error.detail) from error


def _encryption_key(connection: Connection, account: str) -> dict[str, Any]:
    accounts = tables.accounts
    row = connection.execute(select(accounts.c.record).where(accounts.c.address == account)).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "only an opened account can be answered")
    key: dict[str, Any] = row.record["encryption_key"]
    return key
