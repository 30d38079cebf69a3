"""The gateway's resources as calls: what an account can read, and the requests that change something."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from countermark.client.errors import ClientError
from countermark.client.http import Http
from countermark.protocol import canonical, intents, market, sealed
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode
from countermark.protocol.market import MarketConfig

WAIT_S = 30
"""How long the gateway may take to know a transaction's outcome before the client asks again."""


@dataclass(frozen=True)
class Done:
    """A committed transaction: its id and what the chaincode answered."""

    txid: str
    result: dict[str, Any]


def now_ms() -> int:
    """Return this machine's time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Market:
    """One gateway seen by one account (or by nobody, for what is public)."""

    def __init__(
        self,
        http: Http,
        key: AccountKey | None = None,
        *,
        now: Callable[[], int] = now_ms,
        wait: bool = True,
        dry_run: bool = False,
    ) -> None:
        """``wait`` False returns before outcomes are known; ``dry_run`` sends nothing that would change anything."""
        self.http = http
        self.now = now
        self.dry_run = dry_run
        self._key = key
        self._wait = wait
        self._market: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Channel/chaincode, which every intent names."""
        return str(self._resource["market"])

    @property
    def config(self) -> MarketConfig:
        """The market configuration, read once."""
        return market.parse(self._resource["config"])

    @property
    def _resource(self) -> dict[str, Any]:
        if self._market is None:
            self._market = self.http.get("/v1/market")
        return self._market

    @property
    def address(self) -> str:
        """The address of the account that acts."""
        return self._signer.address

    @property
    def _signer(self) -> AccountKey:
        if self._key is None:
            raise ClientError(ErrorCode.SIGNATURE_REQUIRED, "this needs an account")
        return self._key

    def sign(self, action: str, params: dict[str, Any], *, nonce: str | None = None) -> str:
        """Return an intent of this account for ``action``."""
        return intents.sign(
            self._signer, market=self.name, action=action, params=params, issued_at_ms=self.now(), nonce=nonce
        )

    def seal(self, plaintext: bytes, *, kind: str) -> dict[str, Any]:
        """Return ``plaintext`` sealed to the platform's key of the market configuration (steps 3, 9-2, 16, 20)."""
        key = self.config.platform.encryption_key
        return sealed.seal(key.key, plaintext, kind=kind, market=self.name, key_version=key.version)

    def act(self, path: str, action: str, params: dict[str, Any]) -> Done:
        """Ask for ``action`` by an intent posted to ``path`` and wait until it has committed.

        Raises:
            ClientError: a rule of the market refuses, or the outcome stays unknown (code ``outcome_unknown``).
        """
        return self.post(path, {"intent": self.sign(action, params)})

    def post(self, path: str, body: dict[str, Any]) -> Done:
        """Post ``body`` to ``path`` and wait until its transaction has committed.

        Raises:
            ClientError: as `act`.
        """
        if self.dry_run:
            return Done("", {"dry_run": True, "path": path})
        return self.settled(self.send(path, body))

    def send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post ``body`` to ``path`` and return the gateway's answer as it is."""
        answer: dict[str, Any] = self.http.post(path, body, wait_s=WAIT_S if self._wait else 0)
        return answer

    def settled(self, transaction: dict[str, Any]) -> Done:
        """Return what ``transaction`` (a transaction resource, perhaps still pending) came to.

        Raises:
            ClientError: as `act`.
        """
        if not self._wait and transaction["state"] == "pending":
            return Done(transaction["txid"], {"state": "pending"})
        deadline = time.monotonic() + WAIT_S
        while transaction["state"] in ("pending", "unknown"):
            if time.monotonic() > deadline:
                raise ClientError(
                    ErrorCode.OUTCOME_UNKNOWN, "the ledger has not told the outcome yet", txid=transaction["txid"]
                )
            transaction = self.http.get(f"/v1/transactions/{transaction['txid']}", {"wait": 5})
        if transaction["state"] != "committed":
            error = transaction.get("error") or {}
            raise ClientError(
                str(error.get("code", ErrorCode.CONFLICT)), str(error.get("detail", "")), txid=transaction["txid"]
            )
        return Done(transaction["txid"], transaction.get("result") or {})

    def open_sealed(self, keys: dict[int, sealed.EncryptionKey], message: object, *, kind: str) -> Any:
        """Return the canonical JSON sealed to this account in ``message``.

        Raises:
            MarketError: it was not sealed to these keys, or was altered.
        """
        return canonical.loads(sealed.open_sealed(keys, message, kind=kind, market=self.name))

    def pages(self, path: str, params: dict[str, str | int] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the items of a collection, page by page."""
        query = dict(params or {})
        while True:
            page = self.http.get(path, query)
            yield from page["items"]
            if not page.get("next"):
                return
            query["cursor"] = page["next"]
