"""What an account may ask of the platform's oracles, search and gate, by itself and with its organisation (A-31).

| Counted together | Free | Paid for | Refused applications |
|---|---|---|---|
| an account | its own quota | no quota | its own quota, whatever it pays |
| the accounts of one sponsor | ten accounts' | within the same | ten accounts' |
| all accounts without a sponsor | a hundred accounts' | ten accounts' each | no bound: see `series` |

A sponsor answers for whom he vouches for, so his bound is hard. Accounts without one cost nothing and know nothing of
each other: a bound that a stranger could use up would keep everybody out, so above it they pay, and go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from countermark.platform.matching import payments
from countermark.platform.store import tables
from countermark.platform.store.quotas import Quota, RateLimitedError
from countermark.platform.store.sql import Connection, select
from countermark.protocol.errors import ErrorCode, MarketError

HOUR_MS = 3_600_000

INQUIRIES = Quota("search", most=60, window_ms=HOUR_MS)
"""How often an account may ask, whatever it asks."""

SAMPLES = Quota("sample", most=640, window_ms=HOUR_MS)
"""About how many things: of a collection several are asked for at once."""

REFUSALS = Quota("refused_listing", most=10, window_ms=HOUR_MS)
"""How many refusals an account may collect before the gate answers it no more."""

PRICE = 10
"""What a sample above the free quota costs, in minor units, unless the platform sets another price."""

_SPONSORED = 10
_UNSPONSORED = 100


@dataclass(frozen=True, slots=True)
class Asker:
    """An opened account: who vouches for it ("" for nobody), and its current encryption key with version."""

    account: str
    sponsor: str
    key: dict[str, Any]


def load_asker(connection: Connection, account: str) -> Asker:
    """Return what the ledger says of the account.

    Raises:
        MarketError: UNKNOWN_ACCOUNT.
    """
    accounts = tables.accounts
    row = connection.execute(select(accounts.c.record).where(accounts.c.address == account)).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "the account was not opened")
    return Asker(account, row.record["sponsor"], row.record["encryption_key"])


@dataclass(frozen=True, slots=True)
class Payment:
    """A transfer that an inquiry names, and the inquiry's digest: the same one may come again with it."""

    txid: str
    inquiry: str


class FreeQuotaError(RateLimitedError):
    """What is free is used up; for ``price`` minor units the inquiry is answered all the same."""

    def __init__(self, limit: RateLimitedError, price: int) -> None:
        offer = f" are free; this inquiry costs {price} minor units (`payment`)"
        super().__init__(limit.kind, limit.most, window_ms=limit.window_ms, wait_ms=limit.wait_ms, more=offer)
        self.price = price


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much is allowed, per account; and the price of a sample above it in minor units."""

    inquiries: Quota = INQUIRIES
    samples: Quota = SAMPLES
    refusals: Quota = REFUSALS
    price: int = PRICE

    def inquire(
        self, connection: Connection, asker: Asker, samples: int, *, payment: Payment | None, payee: str, now_ms: int
    ) -> None:
        """Count an inquiry about ``samples`` things, or refuse it; ``payee`` is whom a payment must have gone to.

        Raises:
            FreeQuotaError: a payment is needed.
            RateLimitedError: the account's organisation has asked too much, or the account itself, paying.
            MarketError: PAYMENT_INVALID.
        """
        cost = self.price * samples
        if payment is not None:
            payments.take(
                connection,
                payment.txid,
                payer=asker.account,
                payee=payee,
                least=cost,
                purpose=payment.inquiry,
                now_ms=now_ms,
            )
            # After the payment, so that the row that many share is locked for as short as can be.
            self._spend(connection, _paid(asker), samples, now_ms=now_ms)
            return
        try:
            self._spend(connection, (asker.account, 1), samples, now_ms=now_ms)
        except RateLimitedError as limit:
            raise FreeQuotaError(limit, cost) from limit
        try:
            self._spend(connection, _free(asker), samples, now_ms=now_ms)
        except RateLimitedError as limit:
            if asker.sponsor:
                raise
            raise FreeQuotaError(limit, cost) from limit

    def check_refusals(self, connection: Connection, asker: Asker, *, now_ms: int) -> None:
        """Refuse whoever has collected too many refusals, by himself or with the accounts of his sponsor.

        Raises:
            RateLimitedError: they are too many.
        """
        for name, quota in self._refusals(asker):
            quota.check(connection, name, now_ms=now_ms)

    def count_refusal(self, connection: Connection, asker: Asker, *, now_ms: int) -> None:
        """Count a refusal by the gate."""
        for name, quota in self._refusals(asker):
            quota.count(connection, name, now_ms=now_ms)

    def _refusals(self, asker: Asker) -> Iterator[tuple[str, Quota]]:
        yield asker.account, self.refusals
        if asker.sponsor:
            yield _group(asker.sponsor), self.refusals.times(_SPONSORED)

    def _spend(self, connection: Connection, bound: tuple[str, int], samples: int, *, now_ms: int) -> None:
        name, factor = bound
        self.inquiries.times(factor).spend(connection, name, now_ms=now_ms)
        self.samples.times(factor).spend(connection, name, now_ms=now_ms, uses=samples)


ALLOWANCE = Allowance()
"""Unless a platform sets something else."""


def _free(asker: Asker) -> tuple[str, int]:
    """Return under which name free inquiries are counted together, and how many accounts' quota that has."""
    return (_group(asker.sponsor), _SPONSORED) if asker.sponsor else (_group(""), _UNSPONSORED)


def _paid(asker: Asker) -> tuple[str, int]:
    """Return the same for paid ones: without a sponsor each account is an organisation of its own."""
    return (_group(asker.sponsor), _SPONSORED) if asker.sponsor else (f"paid/{asker.account}", _SPONSORED)


def _group(sponsor: str) -> str:
    # No account's address begins so.
    return f"sponsor/{sponsor}"
