"""The gateway's resources as calls: what an account can read, and the requests that change something."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from countermark.client.errors import GATEWAY_ANSWER, GATEWAY_SILENT, ClientError
from countermark.client.http import Http
from countermark.protocol import actions, canonical, intents, market, sealed
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig

WAIT_S = 30
"""How long the gateway may take to know a transaction's outcome before the client asks again."""
POLL_S = 5
"""How long each further question about a transaction may take, in seconds."""


PENDING = "pending"
"""State of a transaction, or of what it makes, whose outcome was not waited for."""

_OPEN = (PENDING, "unknown")
_TXID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Done:
    """A committed transaction: its id and what the chaincode answered.

    Where outcomes are not waited for, the state in ``result`` may be `PENDING`; in a dry run ``txid`` is empty and
    ``result`` says what would have been sent where.
    """

    txid: str
    result: dict[str, Any]

    def about(self, entity: str) -> "Done":
        """Return this with the id of the ``entity`` that it makes, which its maker knows before the ledger does."""
        return Done(self.txid, {"id": entity, **self.result})


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

    @property
    def name(self) -> str:
        """Channel/chaincode, which every intent names."""
        return self._terms[0]

    @property
    def config(self) -> MarketConfig:
        """The market configuration, read once."""
        return self._terms[1]

    @cached_property
    def _terms(self) -> tuple[str, MarketConfig]:
        resource = self.http.get("/v1/market")
        try:
            return str(resource["market"]), market.parse(resource["config"])
        except (KeyError, MarketError) as error:
            raise ClientError(GATEWAY_ANSWER, f"the gateway's market is malformed: {error}") from error

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
        """Return an intent of this account for ``action``, which lives no longer than the market lets it."""
        return intents.sign(
            self._signer,
            market=self.name,
            action=action,
            params=params,
            issued_at_ms=self.now(),
            lifetime_s=min(intents.LIFETIME_S, actions.longest_s(action, self.config)),
            nonce=nonce,
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
        """Post ``body`` to ``path`` and return the gateway's answer as it is.

        Raises:
            ClientError: the gateway refuses, or the outcome is unknown because it broke off.
        """
        try:
            answer: dict[str, Any] = self.http.post(path, body, wait_s=WAIT_S if self._wait else 0)
        except ClientError as error:
            if error.code == GATEWAY_SILENT:
                raise ClientError(ErrorCode.OUTCOME_UNKNOWN, error.detail, retryable=True) from error
            raise
        return answer

    def settled(self, transaction: object) -> Done:
        """Return what ``transaction`` (a transaction resource, perhaps still pending) came to.

        Raises:
            ClientError: as `act`.
        """
        resource = _transaction(transaction)
        txid = resource["txid"]
        if not self._wait and resource["state"] in _OPEN:
            return Done(txid, {"state": PENDING})
        deadline = time.monotonic() + WAIT_S
        while resource["state"] in _OPEN:
            if time.monotonic() > deadline:
                raise ClientError(ErrorCode.OUTCOME_UNKNOWN, "the ledger has not told the outcome yet", txid=txid)
            try:
                resource = _transaction(self.http.get(f"/v1/transactions/{txid}", {"wait": POLL_S}))
            except ClientError as error:
                # The transaction is on its way, whatever has become of the gateway.
                raise ClientError(ErrorCode.OUTCOME_UNKNOWN, str(error), txid=txid) from error
        if resource["state"] != "committed":
            problem = resource.get("error") or {}
            raise ClientError(str(problem.get("code", ErrorCode.CONFLICT)), str(problem.get("detail", "")), txid=txid)
        return Done(txid, resource.get("result") or {})

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
            items, cursor = page.get("items"), page.get("next")
            if not isinstance(items, list) or (cursor and cursor == query.get("cursor")):
                raise ClientError(GATEWAY_ANSWER, f"{path} is no collection of pages")
            yield from items
            if not cursor:
                return
            query["cursor"] = cursor


def _transaction(resource: object) -> dict[str, Any]:
    if (
        not isinstance(resource, dict)
        or resource.get("state") not in (*_OPEN, "committed", "refused", "invalid")
        or not isinstance(resource.get("txid"), str)
        or not _TXID.fullmatch(resource["txid"])
    ):
        raise ClientError(GATEWAY_ANSWER, "the gateway's transaction is malformed")
    return resource
