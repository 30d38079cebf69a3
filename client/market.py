"""The gateway's resources as calls: what an account can read, and the requests that change something."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from countermark.client import unanswered
from countermark.client.errors import GATEWAY_ANSWER, REFUSALS, ClientError, unknown
from countermark.client.http import Http
from countermark.client.unanswered import Posting, Slot
from countermark.client.vault import Vault
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
    result: dict[str, Any] = field(default_factory=dict)
    entity: str = ""
    """What it makes or changes; its maker knows the id before the ledger does."""
    resumed: bool = False
    """Whether an earlier run had asked for it: nothing new was sent."""

    def with_id(self) -> "Done":
        """Return this with the entity's id in the result, pending or not."""
        return replace(self, result={"id": self.entity, **self.result})


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
        vault: Vault | None = None,
        trust: Callable[[str, MarketConfig], None] = lambda _name, _config: None,
        now: Callable[[], int] = now_ms,
        wait: bool = True,
        dry_run: bool = False,
    ) -> None:
        """Requests wait for their answers in ``vault``, if there is one.

        ``trust`` refuses by raising a market that is not the one expected, before anything is done on it; ``wait``
        False returns before outcomes are known; ``dry_run`` sends nothing that would change anything.
        """
        self.http = http
        self.now = now
        self.dry_run = dry_run
        self._key = key
        self._vault = vault
        self._trust = trust
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
            name, config = str(resource["market"]), market.parse(resource["config"])
        except (KeyError, MarketError) as error:
            raise ClientError(GATEWAY_ANSWER, f"the gateway's market is malformed: {error}") from error
        self._trust(name, config)
        return name, config

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

    def posting(self, path: str, body: dict[str, Any], *, entity: str) -> Posting:
        """Return the request to post ``body``, whose intent was signed just now, to ``path``."""
        # Which may live less long, where the market says so.
        return Posting(path, body, entity, self.now() + intents.LIFETIME_S * 1000)

    def seal(self, plaintext: bytes, *, kind: str) -> dict[str, Any]:
        """Return ``plaintext`` sealed to the platform's key of the market configuration (steps 3, 9-2, 16, 20)."""
        key = self.config.platform.encryption_key
        return sealed.seal(key.key, plaintext, kind=kind, market=self.name, key_version=key.version)

    def act(self, path: str, action: str, params: dict[str, Any], *, entity: str = "") -> Done:
        """Ask for ``action`` by an intent posted to ``path`` and wait until it has committed.

        It is about ``entity``, by default the trade or listing in ``params``, or else known by the intent's nonce.

        Raises:
            ClientError: as `perform`.
        """

        def make() -> Posting:
            nonce = intents.new_nonce()
            body = {"intent": self.sign(action, params, nonce=nonce)}
            about = entity or params.get("trade") or params.get("listing") or nonce
            return self.posting(path, body, entity=about)

        return self.perform((action, params), make)

    def perform(
        self,
        act: tuple[object, ...],
        make: Callable[[], Posting | Done],
        *,
        take: Callable[[dict[str, Any]], object] = lambda answer: answer,
        find: Callable[[str], Done | None] = lambda _: None,
    ) -> Done:
        """Do ``act``, and wait until its transaction has committed.

        An earlier request for the same act whose end is not known is sent again; only when it is dead, ``make``
        makes another, unless it finds the act done. ``take`` gives the transaction resource in an answer; ``find``
        looks for the entity of a dead request on the market, where a gateway may answer "too late" of one that was
        in time.

        Raises:
            ClientError: a rule of the market refuses; nothing was sent; or the outcome stays unknown (code
                ``outcome_unknown``, with the entity): then the request is kept for the next time.
        """
        if self.dry_run:
            made = make()
            told = made.result if isinstance(made, Done) else {"path": made.path}
            return Done("", {"dry_run": True, **told})
        with unanswered.slot(self._vault, act) as slot:
            earlier = slot.load()
            if earlier is not None:
                try:
                    return replace(self._deliver(slot, earlier, take, again=True), resumed=True)
                except ClientError as error:
                    if error.undecided:
                        raise
                found = find(earlier.entity)
                if found is not None:
                    return replace(found, entity=earlier.entity, resumed=True)
            made = make()
            if isinstance(made, Done):
                return made
            slot.keep(made)
            return self._deliver(slot, made, take)

    def forget(self, *act: object) -> None:
        """Drop an unanswered request for ``act``, of which is known by other means what came of it."""
        if not self.dry_run:
            with unanswered.slot(self._vault, act) as slot:
                slot.forget()

    def _deliver(
        self, slot: Slot, posting: Posting, take: Callable[[dict[str, Any]], object], *, again: bool = False
    ) -> Done:
        try:
            done = self._ask(posting, take)
        except ClientError as error:
            if error.undecided or (again and not self._dead(error, posting)):
                raise unknown(error, entity=posting.entity) from error
            slot.forget()
            raise
        except KeyboardInterrupt as interrupt:
            raise unknown(_untold("interrupted before the outcome was known"), entity=posting.entity) from interrupt
        slot.forget()
        return replace(done, entity=posting.entity)

    def _ask(self, posting: Posting, take: Callable[[dict[str, Any]], object]) -> Done:
        try:
            wait_s, patience_s = WAIT_S if self._wait else 0, posting.patience_s
            answer = self.http.post(posting.path, posting.body, wait_s=wait_s, patience_s=patience_s)
        except ClientError as error:
            if not (error.undecided and error.txid):
                raise
            # The gateway failed on a transaction that it names: what became of that can be asked.
            return self.settled({"txid": error.txid, "state": "unknown"})
        return self.settled(take(answer))

    def _dead(self, error: ClientError, posting: Posting) -> bool:
        """Return whether ``error`` says that ``posting``, which has left before, can no longer commit."""
        if error.final or error.txid:
            return True
        if error.code not in REFUSALS:
            return False
        try:
            # Envelopes that were endorsed in time are ordered until the next epoch (protocol.md, "Time").
            held_s = self.config.guard_s + self.config.epoch_s
        except ClientError:
            return False
        return self.now() > posting.expires_at_ms + held_s * 1000

    def settled(self, transaction: object) -> Done:
        """Return what ``transaction`` (a transaction resource, perhaps still pending) came to.

        Raises:
            ClientError: as `perform`.
        """
        resource = _transaction(transaction)
        txid = resource["txid"]
        if not self._wait and resource["state"] in _OPEN:
            return Done(txid, {"state": PENDING})
        deadline = time.monotonic() + WAIT_S
        try:
            while resource["state"] in _OPEN:
                if time.monotonic() > deadline:
                    raise _untold("the ledger has not told the outcome yet", txid)
                resource = self._transaction(txid)
        except KeyboardInterrupt as interrupt:
            raise _untold("interrupted before the outcome was known", txid) from interrupt
        if resource["state"] != "committed":
            problem = resource.get("error") or {}
            raise ClientError(str(problem.get("code", ErrorCode.CONFLICT)), str(problem.get("detail", "")), txid=txid)
        return Done(txid, resource.get("result") or {})

    def _transaction(self, txid: str) -> dict[str, Any]:
        try:
            return _transaction(self.http.get(f"/v1/transactions/{txid}", {"wait": POLL_S}))
        except ClientError as error:
            # It is on its way, whatever has become of the gateway.
            raise _untold(str(error), txid) from error

    def open_sealed(self, keys: dict[int, sealed.EncryptionKey], message: object, *, kind: str) -> Any:
        """Return the canonical JSON sealed to this account in ``message``.

        Raises:
            MarketError: it was not sealed to these keys, or was altered.
        """
        return canonical.loads(sealed.open_sealed(keys, message, kind=kind, market=self.name))

    def pages(
        self, path: str, params: dict[str, str | int] | None = None, *, items: str = "items"
    ) -> Iterator[dict[str, Any]]:
        """Yield what the member ``items`` of a collection holds, page by page."""
        query = dict(params or {})
        while True:
            page = self.http.get(path, query)
            held, cursor = page.get(items), page.get("next")
            if not isinstance(held, list) or (cursor and cursor == query.get("cursor")):
                raise ClientError(GATEWAY_ANSWER, f"{path} is no collection of pages")
            yield from held
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
        raise ClientError(GATEWAY_ANSWER, "the gateway's transaction is malformed", undecided=True)
    return resource


def _untold(detail: str, txid: str = "") -> ClientError:
    return ClientError(ErrorCode.OUTCOME_UNKNOWN, detail, txid=txid, retryable=True, undecided=True)
